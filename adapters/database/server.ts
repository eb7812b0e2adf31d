/** What a connection to a database server is, whichever server it is: its driver says what its own words mean. */
import type { ConnectionOptions } from 'node:tls';
import { RecordsError } from '../../src/records/port.ts';
import {
  ANSWER_WITHIN_MS,
  CONNECT_WITHIN_MS,
  type Connection,
  type Database,
  type Dialect,
  placeOf,
  type Row,
  type ServerOptions,
} from './port.ts';
import { codeOf, cutOff, firstOf, insecure, other, passwordOf, silent, type Told, unreachable } from './problem.ts';

/** With what a driver connects. */
export interface Login extends Pick<ServerOptions, 'address' | 'database' | 'username'> {
  readonly password: string | null;
  /** `null`: in the clear. */
  readonly tls: ConnectionOptions | null;
  readonly connectWithinMs: number;
  readonly answerWithinMs: number;
}

/** A connection of a driver. */
export interface Session {
  /** Rows whose values are texts or `null`. */
  query(sql: string, values: readonly (string | number)[]): Promise<readonly object[]>;
  /** Says goodbye. */
  end(): Promise<void>;
  /** Without a word: a server that hangs would not take the goodbye. */
  destroy(): void;
}

export interface Driver {
  readonly dialect: Dialect;
  readonly product: string;
  open(login: Login, told: Told): Promise<Session>;
  /**
   * What an error of this server or of its driver means; `ended`: the connection did, `silent`: no answer came in time, `null`: what
   * its code means everywhere.
   */
  refusal(told: Told, code: string, message: string): RecordsError | 'ended' | 'silent' | null;
}

export function createServer(driver: Driver, options: ServerOptions): Database {
  const { address, database, username, password, tls } = options;
  const connectWithinMs = options.connectWithinMs ?? CONNECT_WITHIN_MS;
  const answerWithinMs = options.answerWithinMs ?? ANSWER_WITHIN_MS;
  const { product, dialect } = driver;
  const name = `${product} ${database}`;
  const told: Told = {
    ...{ name, product, username, database },
    ...{ place: placeOf(address), socket: address.socket !== null, peer: password === null, secure: tls !== undefined },
  };

  const refusal = (caught: unknown, withinMs: number): RecordsError => {
    if (caught instanceof RecordsError) return caught;
    const error = firstOf(caught);
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : '';
    const own = driver.refusal(told, code, message);
    if (own === 'ended' || ENDED.has(code)) return cutOff(told);
    if (own === 'silent') return silent(told, withinMs);
    return own ?? insecure(told, code, message) ?? unreachable(told, code) ?? other(told, code);
  };

  async function connect(): Promise<Connection> {
    const login: Login = {
      ...{ address, database, username, connectWithinMs, answerWithinMs },
      password: password === null ? null : passwordOf(password),
      tls: tls === undefined ? null : settingsOf(tls, name),
    };
    try {
      return connection(await driver.open(login, told), (error) => refusal(error, answerWithinMs));
    } catch (error) {
      throw refusal(error, connectWithinMs);
    }
  }
  return { dialect, name, connect };
}

/** A server that hangs closes no connection; whoever has read all waits no longer for it, ms. */
const GOODBYE_MS = 2000;

const ENDED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** What is wrong with a certificate's file is told in its own words. */
function settingsOf(read: () => ConnectionOptions, name: string): ConnectionOptions {
  try {
    return read();
  } catch (error) {
    throw new RecordsError(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function connection(session: Session, refusal: (error: unknown) => RecordsError): Connection {
  return {
    async select(sql, values = []) {
      try {
        return (await session.query(sql, values)).map(rowOf);
      } catch (error) {
        session.destroy();
        throw refusal(error);
      }
    },
    async close() {
      const late = Promise.withResolvers<false>();
      const timer = setTimeout(late.resolve, GOODBYE_MS, false);
      const ended = session.end().then(
        () => true,
        () => false,
      );
      if (!(await Promise.race([ended, late.promise]))) session.destroy();
      clearTimeout(timer);
    },
  };
}

function rowOf(row: object): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name.toLowerCase(), value === null ? null : String(value)]),
  );
}
