/**
 * What readers of records ask of a database: rows as text. Only `SELECT` is ever sent. Whoever reads opens a connection, and closes
 * it when the reading is done.
 */

import type { SecureSettings } from '../tls/settings.ts';

/** A row by the names of its columns in lower case, every value as the text that the database writes of it. */
export type Row = Readonly<Record<string, string | null>>;

export type Dialect = 'mysql' | 'postgres' | 'sqlite';

/** One open connection. Its questions are answered one after the other. */
export interface Connection {
  /** `?` stands for a value, in the order of `values`. Rejects with a `RecordsError`; the connection is of no use afterwards. */
  select(sql: string, values?: readonly (string | number)[]): Promise<readonly Row[]>;
  /** Never rejects. */
  close(): Promise<void>;
}

export interface Database {
  readonly dialect: Dialect;
  /** For messages, e.g. `MariaDB asteriskcdrdb` or `/var/log/asterisk/master.db`. */
  readonly name: string;
  /** Connects and logs in. Rejects with a `RecordsError` that names the remedy. */
  connect(): Promise<Connection>;
}

/** Where a server listens: on a socket of this machine, or on a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly socket: string | null;
}

export interface ServerOptions {
  readonly address: Address;
  readonly database: string;
  readonly username: string;
  /** Read anew for each connection; `null`: the server knows the user by its process. An Error of it is told as it is. */
  readonly password: (() => string) | null;
  /** Over TLS, with a certificate that is checked before anything is told; `undefined`: in the clear. */
  readonly tls?: SecureSettings | undefined;
  /** For connecting and logging in, ms. */
  readonly connectWithinMs?: number;
  /** For the answer to one question, ms. */
  readonly answerWithinMs?: number;
}

export const CONNECT_WITHIN_MS = 10_000;
export const ANSWER_WITHIN_MS = 120_000;

/** `127.0.0.1:3306`, or the path of the socket. */
export function placeOf({ socket, host, port }: Address): string {
  return socket ?? `${host}:${port}`;
}
