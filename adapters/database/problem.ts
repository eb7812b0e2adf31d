/** What went wrong with a database server: one sentence each, with the remedy. */
import { RecordsError } from '../../src/records/port.ts';

/** Names for the sentences. */
export interface Told {
  /** `MariaDB asteriskcdrdb`. */
  readonly name: string;
  /** `127.0.0.1:3306` or a socket. */
  readonly place: string;
  /** `MariaDB`. */
  readonly product: string;
  readonly username: string;
  readonly database: string;
  readonly socket: boolean;
  readonly peer: boolean;
  /** Over TLS. */
  readonly secure: boolean;
}

/** Failures of the way to a server, by their code: the same for all servers. */
export function unreachable(told: Told, code: string): RecordsError | null {
  const { name, place, product, socket } = told;
  const address = socket ? 'socket' : 'host and port';
  const sentence: Readonly<Record<string, string>> = {
    ECONNREFUSED: `nothing answers at ${place}: is ${product} running? Else correct ${address} of [[source.records]]`,
    ENOENT: `there is no socket ${place}: is ${product} running? Else correct socket of [[source.records]]`,
    EACCES: `the socket ${place} may not be opened: let the user of logcalld use it, or give host and port instead`,
    ENOTFOUND: `the name in ${place} is unknown: correct host of [[source.records]]`,
    EAI_AGAIN: `the name in ${place} could not be looked up: is the name server reachable?`,
    ETIMEDOUT: `${place} did not answer: check address and firewall`,
    EHOSTUNREACH: `${place} cannot be reached: check address and network`,
    ENETUNREACH: `${place} cannot be reached: check address and network`,
  };
  const text = sentence[code];
  return text === undefined ? null : new RecordsError(`${name}: ${text}.`);
}

/** The answer did not come in time; who waits for a lock, or a server that hangs, looks the same from here. */
export function silent({ name, place }: Told, withinMs: number): RecordsError {
  const text = `${place} did not answer a question within ${withinMs / 1000} s; the records are read again later`;
  return new RecordsError(`${name}: ${text}.`);
}

/** The connection ended while a question was open. */
export function cutOff({ name, place }: Told): RecordsError {
  return new RecordsError(`${name}: ${place} ended the connection; the records are read again later.`);
}

/** Remedies by what OpenSSL or Node complain of: by their codes, and by their words, since a driver may keep no more than those. */
const CERTIFICATE: readonly (readonly [RegExp, string])[] = [
  [/ALTNAME|altname|does not match certificate/, 'set servername in [source.records.tls] to the name in it'],
  [/EXPIRED|NOT_YET_VALID|has expired|not yet valid/, 'renew it on the server, or set the clock of either host'],
  [
    /CERT|SELF_SIGNED|VERIFY|ISSUER|self[- ]signed|unable to (?:verify|get)/,
    'set ca_file in [source.records.tls] to the certificate of its authority',
  ],
];

/** What keeps a connection over TLS from being made; `null`: something else. */
export function insecure({ name, place }: Told, code: string, message: string): RecordsError | null {
  const found = CERTIFICATE.find(([pattern]) => pattern.test(code) || pattern.test(message));
  if (found === undefined) return null;
  return new RecordsError(`${name}: ${place} shows a certificate that is not trusted; ${found[1]}.`);
}

/** The server takes no connection over TLS, or no other. */
export function otherwise({ name, place }: Told, server: 'has no TLS' | 'wants TLS'): RecordsError {
  const remedy =
    server === 'has no TLS'
      ? 'give it a certificate, or set enabled = false in [source.records.tls]'
      : 'set enabled = true in [source.records.tls]';
  return new RecordsError(`${name}: ${place} ${server}: ${remedy}.`);
}

/** `code`: what the server or the system calls it. Messages of servers are not handed on: they quote values. */
export function other({ name, place }: Told, code: string): RecordsError {
  return new RecordsError(`${name}: ${place} failed (${code}); its own log says more.`);
}

/** `code` of an error of Node or of a driver. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'error';
}

/** A port on several addresses fails with all of their errors. */
export function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

/** Reads the password anew. What is wrong with it is told in its own words. */
export function passwordOf(read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw new RecordsError(error instanceof Error ? error.message : String(error));
  }
}
