/** The commands' side of the control socket. */
import type { IncomingMessage } from 'node:http';
import type { Replies, RequestName, RequestOf } from './api.ts';
import { ControlError } from './refusal.ts';
import { notAllowed } from './socket.ts';

export interface ControlClient {
  readonly path: string;
  /** The database that the daemon says it has. */
  readonly database: string;
  /** Rejects with `ControlError` when the daemon refuses, else with one sentence. */
  call<N extends RequestName>(name: N, input: RequestOf<N>): Promise<Replies[N]>;
}

/** `import` would read each of its exports, also those that bring a second HTTP client along: more work than all the rest. */
const http = process.getBuiltinModule('node:http');

const MAX_REPLY_BYTES = 64_000_000;
/** For what waits for LeadSquared or for a place of the request limit; everything else is answered within a second. */
const TIMEOUT_MS = 120_000;

/**
 * Reaches the daemon that listens at `path`; `null` when none does. Rejects when this user may not use the socket, or when
 * the daemon is of another version than this program.
 */
export async function connectControl(path: string, version: string): Promise<ControlClient | null> {
  try {
    const daemon = await ask(path, 'hello', {});
    if (daemon.version === version)
      return { path, database: daemon.database, call: (name, input) => ask(path, name, input) };
    throw new Error(
      `The running daemon is logcalld ${daemon.version} and this is ${version}: restart it (systemctl restart logcalld).`,
    );
  } catch (error) {
    if (error instanceof NotThere) return null;
    throw error;
  }
}

class NotThere extends Error {
  override readonly name = 'NotThere';
}

function ask<N extends RequestName>(path: string, name: N, input: RequestOf<N>): Promise<Replies[N]> {
  const body = Buffer.from(JSON.stringify(input), 'utf8');
  return new Promise((resolve, reject) => {
    const request = http.request({
      socketPath: path,
      path: `/v1/${name}`,
      method: 'POST',
      agent: false,
      timeout: TIMEOUT_MS,
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    });
    request.on('timeout', () => request.destroy(new Error(`logcalld did not answer in ${TIMEOUT_MS / 1000} s.`)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === undefined) reject(error);
      else if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK'].includes(error.code))
        reject(new NotThere(`logcalld does not listen at ${path} any more.`));
      else reject(notAllowed(path, error));
    });
    request.on('response', (response) => {
      // The daemon is of the same version, so the answer has the type that this version declares.
      read(response).then((value) => resolve(value as Replies[N]), reject);
    });
    request.end(body);
  });
}

async function read(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_REPLY_BYTES) throw new Error('The answer of logcalld is too long: narrow the selection.');
    chunks.push(bytes);
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const status = response.statusCode ?? 0;
  if (status === 200) return value;
  const message =
    typeof value === 'object' && value !== null && 'error' in value ? String(value.error) : `HTTP ${status}`;
  throw new ControlError(status, message);
}
