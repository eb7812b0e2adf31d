/** One HTTP exchange by undici, told apart into "never left" and "may have arrived". */
import { Agent, type Dispatcher, request } from 'undici';
import type { Clock } from '../../src/ports.ts';
import type { Exchange } from './outcome.ts';

export interface Timeouts {
  /** ms until the connection is up, TLS included. */
  readonly connectMs: number;
  /** ms from the request to the head of the reply. */
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
  send(http: HttpRequest): Promise<Timed>;
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
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept the connection in time: check the network and the firewall',
  EPROTO: 'it does not speak TLS: check the LeadSquared host and its port',
  ECONNRESET: 'it ended the connection',
  UND_ERR_SOCKET: 'it ended the connection',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'its reply stopped in the middle',
  DEADLINE: 'it did not answer in time',
};

class DeadlineError extends Error {
  readonly code = 'DEADLINE';
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function failure(error: unknown, host: string, sent: boolean): Exchange {
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  const known = code === null ? undefined : REASONS[code];
  const tls = code !== null && /CERT|TLS|SSL|SELF_SIGNED|ISSUER/.test(code);
  const reason = known ?? (tls ? `its certificate is not accepted (${detail})` : detail);
  const fate = sent ? 'The request to LeadSquared may or may not have arrived' : 'LeadSquared can not be reached';
  return { kind: 'failure', sent, code, text: `${fate} (${host}): ${reason}.` };
}

/**
 * @param connections upper limit of connections; more requests wait for one.
 * @param maxBodyBytes a larger reply is not read further and counts as broken off.
 */
export function createTransport(
  timeouts: Timeouts,
  connections: number,
  maxBodyBytes: number,
  clock: Pick<Clock, 'monotonic' | 'after'>,
  ca: string | null,
): Transport {
  const agent = new Agent({
    connections,
    pipelining: 1,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    // A connection that the far side is about to close would turn a write into one of unknown fate.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 30_000,
    keepAliveTimeoutThreshold: 2_000,
    connect: { timeout: timeouts.connectMs, ...(ca === null ? {} : { ca }) },
  });

  /** Reads to the end, so that the connection can be used again. */
  const bodyOf = async (body: Dispatcher.ResponseData['body']): Promise<{ text: string; complete: boolean }> => {
    const chunks: Buffer[] = [];
    let size = 0;
    let complete = true;
    try {
      for await (const chunk of body) {
        const bytes = Buffer.from(chunk);
        size += bytes.length;
        if (size > maxBodyBytes) {
          complete = false;
          break;
        }
        chunks.push(bytes);
      }
    } catch {
      complete = false;
    }
    return { text: Buffer.concat(chunks).toString('utf8'), complete };
  };

  return {
    async send(http) {
      let startedAt: number | null = null;
      let headIsHere = false;
      const deadline = new AbortController();
      // undici starts a request on a connection that is up and writes it in the same turn: before that nothing has left.
      const watching = agent.compose((dispatch) => (options, handler) => {
        return dispatch(options, {
          onRequestStart(controller, context) {
            startedAt = clock.monotonic();
            handler.onRequestStart?.(controller, context);
          },
          onResponseStart(controller, status, ...rest) {
            handler.onResponseStart?.(controller, status, ...rest);
            headIsHere = status >= 200;
          },
          onResponseData: (...args) => handler.onResponseData?.(...args),
          onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
          onResponseError: (...args) => handler.onResponseError?.(...args),
        });
      });
      const run = async (): Promise<Exchange> => {
        try {
          const { method, headers, body, url } = http;
          const options = { method, headers, body, dispatcher: watching, signal: deadline.signal };
          const response = await request(url, options);
          const { text, complete } = await bodyOf(response.body);
          return { kind: 'answer', status: response.statusCode, headers: response.headers, body: text, complete };
        } catch (error) {
          return failure(error, http.url.host, startedAt !== null);
        }
      };
      let cancel = (): void => {};
      // An aborted request that waits for a connection is never written, but hears of the abort only when it gets one: so it
      // is not waited for.
      const late = new Promise<Exchange>((resolve) => {
        cancel = clock.after(timeouts.totalMs, () => {
          const error = new DeadlineError('deadline');
          deadline.abort(error);
          if (!headIsHere) resolve(failure(error, http.url.host, startedAt !== null));
        });
      });
      const exchange = await Promise.race([run(), late]);
      cancel();
      return { exchange, durationMs: startedAt === null ? 0 : clock.monotonic() - startedAt };
    },
    close: () => agent.destroy(),
  };
}
