/** Connections that are up before a request gets one, and how long an idle one is kept. */
import type { Agent, IncomingMessage } from 'node:http';
import type { Agent as SecureAgent } from 'node:https';
import { Socket } from 'node:net';
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

  /**
   * Node gives a request a connection that is still being made, and writes when that is up. Here the agent gets it only when
   * it is up, TLS handshake and certificate included: before a request has a connection, nothing of it can have left.
   */
  function whenUp(agent: Agent, up: 'connect' | 'secureConnect'): void {
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (options, done) => {
      const socket = connect(options);
      if (!(socket instanceof Socket) || done === undefined) return socket;
      opening.add(socket);
      let failed: Error | null = null;
      const settle = (error: Error | null): void => {
        if (!opening.delete(socket)) return;
        cancel();
        done(error, socket);
      };
      const cancel = clock.after(connectMs, () => socket.destroy(new ConnectError('CONNECT_TIMEOUT')));
      // It stays: while a connection passes from one request to the next, nobody else listens.
      socket.on('error', (error) => {
        failed ??= error;
      });
      socket.once(up, () => settle(null));
      socket.once('close', () => settle(failed ?? new ConnectError('ECONNRESET')));
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
  whenUp(plain, 'connect');
  whenUp(secure, 'secureConnect');

  return {
    http: plain,
    https: secure,
    answered({ socket, headers }) {
      const seconds = /\btimeout=(\d+)/i.exec(String(headers['keep-alive']))?.[1];
      if (seconds === undefined) idleMs.delete(socket);
      else idleMs.set(socket, Math.min(Number(seconds) * 1000 - BEFORE_CLOSE_MS, LONGEST_IDLE_MS));
    },
    destroy() {
      plain.destroy();
      secure.destroy();
      for (const socket of opening) socket.destroy();
    },
  };
}
