/** Connections that are up before a request gets one, and how long an idle one is kept. */
import type { Agent, ClientRequestArgs, IncomingMessage } from 'node:http';
import type { Agent as SecureAgent } from 'node:https';
import { connect, Socket, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../../src/ports.ts';
import { http, https } from './node.ts';

/** A connection that the far side is about to close would turn a write into one of unknown fate. */
const IDLE_MS = 4_000;
const LONGEST_IDLE_MS = 30_000;
/** By so much earlier than the far side announces (`Keep-Alive: timeout=...`) a connection is given up. */
const BEFORE_CLOSE_MS = 2_000;

class ConnectError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export interface Connections {
  readonly http: Agent;
  readonly https: SecureAgent;
  /** To be told of each head of a reply, so that the connection is not kept longer than the far side keeps it. */
  answered(response: IncomingMessage): void;
  /**
   * Ends the connection so that nothing of what was written arrives any more. The system would go on to send what a connection that is
   * merely closed had not delivered, for minutes: a request that was given up could arrive long after it was looked for in vain.
   */
  abort(socket: Duplex): void;
  /** Ends all connections, those that are still being made too. */
  destroy(): void;
}

/**
 * @param connectMs ms until a connection is up, TLS included.
 * @param ca PEM certificates to trust instead of the system's.
 */
export function createConnections(connectMs: number, clock: Pick<Clock, 'after'>, ca: string | null): Connections {
  const opening = new Set<Socket>();
  const idleMs = new WeakMap<object, number>();
  const plain = new http.Agent({ keepAlive: true });
  const secure = new https.Agent({ keepAlive: true, ...(ca === null ? {} : { ca }) });
  /** Of connections over TLS. */
  const below = new WeakMap<object, Socket>();

  /**
   * Node gives a request a connection that is still being made, and writes when that is up. Here the agent gets it only when
   * it is up, TLS handshake and certificate included: before a request has a connection, nothing of it can have left.
   */
  function whenUp(agent: Agent, secured: boolean): void {
    const overIt = agent.createConnection.bind(agent);
    agent.createConnection = (options, done) => {
      if (done === undefined) return overIt(options);
      const tcp = connect(tcpOf(options));
      let socket = tcp;
      opening.add(tcp);
      let failed: Error | null = null;
      const settle = (error: Error | null): void => {
        if (!opening.delete(tcp)) return;
        cancel();
        done(error, socket);
      };
      const cancel = clock.after(connectMs, () => socket.destroy(new ConnectError('CONNECT_TIMEOUT')));
      const watch = (one: Socket): void => {
        // It stays: while a connection passes from one request to the next, nobody else listens.
        one.on('error', (error) => {
          failed ??= error;
        });
        one.once('close', () => settle(failed ?? new ConnectError('ECONNRESET')));
      };
      watch(tcp);
      tcp.once('connect', () => {
        if (!secured) {
          settle(null);
          return;
        }
        const through = { ...options, socket: tcp };
        const over = overIt(through);
        if (!(over instanceof Socket)) {
          tcp.destroy(new ConnectError('EPROTO'));
          return;
        }
        socket = over;
        below.set(socket, tcp);
        watch(socket);
        socket.once('secureConnect', () => settle(null));
      });
      return undefined;
    };
    agent.keepSocketAlive = (socket) => {
      const ms = idleMs.get(socket) ?? IDLE_MS;
      if (ms <= 0 || !(socket instanceof Socket)) return false;
      socket.setTimeout(ms);
      socket.unref();
      return true;
    };
  }
  whenUp(plain, false);
  whenUp(secure, true);

  return {
    http: plain,
    https: secure,
    answered({ socket, headers }) {
      const seconds = /\btimeout=(\d+)/i.exec(String(headers['keep-alive']))?.[1];
      if (seconds === undefined) idleMs.delete(socket);
      else idleMs.set(socket, Math.min(Number(seconds) * 1000 - BEFORE_CLOSE_MS, LONGEST_IDLE_MS));
    },
    abort(socket) {
      const tcp = below.get(socket) ?? socket;
      // One that has ended already would fail.
      if (tcp instanceof Socket && !tcp.destroyed) tcp.resetAndDestroy();
    },
    destroy() {
      plain.destroy();
      secure.destroy();
      for (const socket of opening) socket.destroy();
    },
  };
}

function tcpOf({ host, port, localAddress, family, lookup }: ClientRequestArgs): TcpNetConnectOpts {
  return {
    host: host ?? 'localhost',
    port: Number(port),
    keepAlive: true,
    noDelay: true,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(family === undefined ? {} : { family }),
    ...(lookup === undefined ? {} : { lookup }),
  };
}
