/** The commands' side of the control socket. */
import { connect } from 'node:net';
import type { Replies, RequestName, RequestOf } from './api.ts';
import { ControlError } from './refusal.ts';
import { notAllowed } from './socket.ts';
import type { StreamName, StreamOf } from './stream.ts';

export interface ControlClient {
  readonly path: string;
  /** The database that the daemon says it has. */
  readonly database: string;
  /** Rejects with `ControlError` when the daemon refuses, else with one sentence. */
  call<N extends RequestName>(name: N, input: RequestOf<N>): Promise<Replies[N]>;
  /** Hands over what is told, line by line, until the daemon ends it or `signal` does. Rejects as `call`. */
  follow<N extends StreamName>(
    name: N,
    input: StreamOf<N>,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

const MAX_REPLY_BYTES = 64_000_000;
/** For what waits for LeadSquared or for a place of the request limit; nearly everything else is answered within a second. */
const TIMEOUT_MS = 120_000;
/** For what writes the whole database anew. */
const TIDY_MS = 3_600_000;
const CUT_OFF = 'What answers at the control socket is not logcalld, or it ended meanwhile: try again.';

/**
 * Reaches the daemon that listens at `path`; `null` when none does. Rejects when this user may not use the socket, or when
 * the daemon is of another version than this program; `restart` says how it is started anew.
 */
export async function connectControl(
  path: string,
  version: string,
  restart: () => string = () => 'logcalld run',
): Promise<ControlClient | null> {
  try {
    const daemon = await ask(path, 'hello', {});
    if (daemon.version === version)
      return {
        ...{ path, database: daemon.database, call: (name, input) => ask(path, name, input) },
        follow: async (...args) => (await import('./follow.ts')).follow(path, ...args),
      };
    throw new Error(
      `The running daemon is logcalld ${daemon.version} and this is ${version}: restart it: ${restart()}`,
    );
  } catch (error) {
    if (error instanceof NotThere) return null;
    throw error;
  }
}

class NotThere extends Error {
  override readonly name = 'NotThere';
}

/**
 * One exchange by HTTP/1.0 on a connection of its own: the daemon answers with the length and closes. Node's client would do the
 * same and costs more than all the rest of `logcalld status`.
 */
function ask<N extends RequestName>(path: string, name: N, input: RequestOf<N>): Promise<Replies[N]> {
  const body = Buffer.from(JSON.stringify(input), 'utf8');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect(path);
    const ms = name === 'tidy' ? TIDY_MS : TIMEOUT_MS;
    socket.setTimeout(ms, () => {
      socket.destroy(new Error(`logcalld did not answer in ${ms / 1000} s.`));
    });
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_REPLY_BYTES)
        socket.destroy(new Error('The answer of logcalld is too long: narrow the selection.'));
      chunks.push(chunk);
    });
    let failure: NodeJS.ErrnoException | null = null;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      const reply = replyIn(Buffer.concat(chunks));
      // A refusal may come before all of the request was taken, which then cannot be sent.
      if (reply === null) reject(failure === null ? new Error(CUT_OFF) : explained(path, failure));
      // The daemon is of the same version, so the answer has the type that this version declares.
      else if (reply.status === 200) resolve(reply.value as Replies[N]);
      else reject(new ControlError(reply.status, refusalIn(reply)));
    });
    socket.write(
      `POST /v1/${name} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
  });
}

interface Reply {
  readonly status: number;
  readonly value: unknown;
}

/** The answer in these bytes (RFC 9112); `null` unless it is whole. */
function replyIn(bytes: Buffer): Reply | null {
  const end = bytes.indexOf('\r\n\r\n');
  const head = bytes.toString('latin1', 0, Math.max(0, end));
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  const body = bytes.subarray(end + 4);
  if (status === undefined || length === undefined || body.length !== Number(length)) return null;
  try {
    return { status: Number(status), value: JSON.parse(body.toString('utf8')) };
  } catch {
    return null;
  }
}

function refusalIn({ status, value }: Reply): string {
  return typeof value === 'object' && value !== null && 'error' in value ? String(value.error) : `HTTP ${status}`;
}

function explained(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === undefined) return error;
  const nobody = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK'].includes(error.code);
  return nobody ? new NotThere(`logcalld does not listen at ${path} any more.`) : notAllowed(path, error);
}
