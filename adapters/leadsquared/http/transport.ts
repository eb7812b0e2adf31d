/**
 * One HTTP exchange, told apart into "never left" and "may have arrived".
 *
 * By Node's own HTTP client. A proxy may send interim answers (1xx) that nobody asked for, and a client has to read over them
 * (RFC 9110, 15.2); undici ends the connection at a `100 Continue` and has no setting for it, so that each such post was of
 * unknown fate. What undici offered beyond Node is made here: a timeout for each part, a limit of connections, and knowing
 * whether a request has left.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { Clock } from '../../../src/ports.ts';
import { createConnections } from './connections.ts';
import { unpack } from './encoding.ts';
import { http, https } from './node.ts';
import type { Exchange } from './outcome.ts';

export interface Timeouts {
  /** ms until the connection is up, TLS included. */
  readonly connectMs: number;
  /** ms from the request, or an interim answer to it, to the head of the reply. */
  readonly headersMs: number;
  /** ms between two pieces of the body. */
  readonly bodyMs: number;
  /** ms for the whole exchange, the wait for a connection included. */
  readonly totalMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface Timed {
  readonly exchange: Exchange;
  /** ms from the first byte sent to the last received; 0 when nothing was sent. */
  readonly durationMs: number;
}

export interface Transport {
  /**
   * `leaves` is asked once, when there is a connection that is up, right before the request is written to it. `null`: it said no,
   * nothing left, and the connection is there for the next request.
   */
  send(http: HttpRequest, leaves: () => boolean): Promise<Timed | null>;
  /** Ends all connections; exchanges that still run fail. */
  close(): Promise<void>;
}

/** Why there is no connection, with the remedy, by error code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name can not be resolved: check the LeadSquared host and the DNS of this machine',
  EAI_AGAIN: 'its name can not be resolved at present: check the DNS of this machine',
  ECONNREFUSED: 'it refuses the connection: check the LeadSquared host and the firewall',
  EHOSTUNREACH: 'there is no route to it: check the network of this machine',
  ENETUNREACH: 'there is no route to it: check the network of this machine',
  ETIMEDOUT: 'it did not answer in time: check the network and the firewall',
  CONNECT_TIMEOUT: 'it did not accept the connection in time: check the network and the firewall',
  EPROTO: 'it does not speak TLS: check the LeadSquared host and its port',
  ECONNRESET: 'it ended the connection',
  DEADLINE: 'it did not answer in time',
  CLOSED: 'logcalld is stopping',
};

/** The same for families of codes. */
const REASONS_BY_KIND: readonly (readonly [RegExp, (detail: string) => string])[] = [
  [/^HPE_/, (detail) => `its reply is no HTTP (${detail})`],
  [/^ERR_SSL_/, (detail) => `it does not speak TLS as it should (${detail}): check the LeadSquared host and its port`],
  [/CERT|TLS|SSL|SELF_SIGNED|ISSUER|SIGNATURE/, (detail) => `its certificate is not accepted (${detail})`],
];

/** Why this program gave an exchange up. */
class GivenUp extends Error {
  readonly code: 'DEADLINE' | 'CLOSED';
  constructor(code: GivenUp['code']) {
    super(code);
    this.code = code;
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function failure(error: unknown, host: string, sent: boolean): Exchange {
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  const known = code === null ? undefined : REASONS[code];
  const reason = known ?? REASONS_BY_KIND.find(([kind]) => kind.test(code ?? ''))?.[1](detail) ?? detail;
  const fate = sent ? 'The request to LeadSquared may or may not have arrived' : 'LeadSquared can not be reached';
  return { kind: 'failure', sent, code, text: `${fate} (${host}): ${reason}.` };
}

/** At most `count` at the same time; the others wait for a place in their order. */
function createPlaces(count: number) {
  let free = count;
  const waiting = new Set<() => void>();
  return {
    /** Runs at once or later; the function it answers takes a waiting one out. */
    take(run: () => void): () => void {
      waiting.add(run);
      if (free > 0) {
        free -= 1;
        waiting.delete(run);
        run();
      }
      return () => void waiting.delete(run);
    },
    release(): void {
      const [next] = waiting;
      if (next === undefined) free += 1;
      else waiting.delete(next);
      next?.();
    },
  };
}

/**
 * Makes a request, and calls `run` when it has a connection that is up, right before it is written to. Node writes in a tick of its own
 * after it has given the connection; ticks keep their order, and what else waits for its turn comes after all of them.
 */
function beforeWritten(make: () => ClientRequest, run: () => void): ClientRequest {
  // One that was kept is given while the request is made.
  let kept = false;
  process.nextTick(() => {
    if (kept) run();
  });
  const request = make();
  kept = request.reusedSocket;
  if (kept) return request;
  const take = request.onSocket.bind(request);
  request.onSocket = (...given: Parameters<typeof take>) => {
    // Without one when it could not be made.
    if (given[0] instanceof Duplex) process.nextTick(run);
    take(...given);
  };
  return request;
}

/**
 * @param connections upper limit of connections; more requests wait for one.
 * @param maxBodyBytes a larger reply, packed or unpacked, is not read further and counts as broken off.
 */
export function createTransport(
  timeouts: Timeouts,
  connections: number,
  maxBodyBytes: number,
  clock: Pick<Clock, 'monotonic' | 'after'>,
  ca: string | null,
): Transport {
  const links = createConnections(timeouts.connectMs, clock, ca);
  const places = createPlaces(connections);
  const underWay = new Set<(why: GivenUp) => void>();
  let closed = false;

  /** Reads to the end, so that the connection can be used again. `onPiece`: something came. */
  const bodyOf = async (response: IncomingMessage, onPiece: () => void): Promise<Exchange> => {
    const chunks: Buffer[] = [];
    let size = 0;
    let complete = true;
    try {
      for await (const chunk of response) {
        onPiece();
        const bytes = Buffer.from(chunk);
        size += bytes.length;
        complete = size <= maxBodyBytes;
        if (!complete) break;
        chunks.push(bytes);
      }
    } catch {
      complete = false;
    }
    const { headers, statusCode: status = 0 } = response;
    const packed = { bytes: Buffer.concat(chunks), complete };
    const content = await unpack(packed, headers['content-encoding'], maxBodyBytes);
    return { kind: 'answer', status, headers, body: content.bytes.toString('utf8'), complete: content.complete };
  };

  return {
    send: ({ method, url, headers, body }, leaves) =>
      new Promise<Timed | null>((resolve) => {
        let startedAt: number | null = null;
        let headIsHere = false;
        let finished = false;
        /** It was told not to leave. */
        let stays = false;
        let request: ClientRequest | null = null;
        let leave = (): void => {};
        let cancelPart = (): void => {};

        const end = (timed: Timed | null): void => {
          finished = true;
          underWay.delete(giveUp);
          cancelTotal();
          cancelPart();
          resolve(timed);
        };
        const finish = (exchange: Exchange): void =>
          end({ exchange, durationMs: startedAt === null ? 0 : clock.monotonic() - startedAt });
        const fail = (error: unknown): void => finish(failure(error, url.host, startedAt !== null));
        const giveUp = (why: GivenUp): void => {
          leave();
          // One that has its whole reply has given its connection back: another request may have it.
          if (request?.destroyed === false && request.socket !== null) links.abort(request.socket);
          request?.destroy(why);
          // A reply of which the head is here ends as one that broke off. A request that waits for its connection hears of
          // its end only then: so it is not waited for.
          if (!headIsHere) fail(why);
        };
        const within = (ms: number): void => {
          cancelPart();
          if (!finished) cancelPart = clock.after(ms, () => giveUp(new GivenUp('DEADLINE')));
        };
        const start = (): void => {
          try {
            // The agent gives it a connection that is up: before it is written to that, nothing has left.
            request = beforeWritten(
              () =>
                url.protocol === 'https:'
                  ? https.request(url, { method, headers, agent: links.https })
                  : http.request(url, { method, headers, agent: links.http }),
              () => {
                if (finished || leaves()) return;
                stays = true;
                // The agent takes the connection of one that ended by now back.
                request?.destroy();
              },
            );
          } catch (error) {
            places.release();
            fail(error);
            return;
          }
          request.once('socket', (socket) => {
            startedAt = clock.monotonic();
            socket.setTimeout(0);
            within(timeouts.headersMs);
          });
          request.on('information', () => within(timeouts.headersMs));
          request.once('response', (response) => {
            headIsHere = true;
            links.answered(response);
            within(timeouts.bodyMs);
            bodyOf(response, () => within(timeouts.bodyMs)).then(finish, fail);
          });
          request.on('error', (error) => {
            if (!headIsHere && !stays) fail(error);
          });
          request.once('close', () => {
            // The agent gets the connection back right after this, and the next request shall have it.
            queueMicrotask(() => {
              places.release();
              if (stays) end(null);
            });
            // A connection that was turned to another protocol ends without an error.
            if (!headIsHere && !stays) fail(new Error('it ended the connection'));
          });
          request.end(body ?? undefined);
        };

        const cancelTotal = clock.after(timeouts.totalMs, () => giveUp(new GivenUp('DEADLINE')));
        underWay.add(giveUp);
        if (closed) giveUp(new GivenUp('CLOSED'));
        else leave = places.take(start);
      }),
    async close() {
      closed = true;
      for (const giveUp of [...underWay]) giveUp(new GivenUp('CLOSED'));
      links.destroy();
    },
  };
}
