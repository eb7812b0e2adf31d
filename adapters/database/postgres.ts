/** PostgreSQL, by pg. */
import { Client } from 'pg';
import { RecordsError } from '../../src/records/port.ts';
import {
  ANSWER_WITHIN_MS,
  CONNECT_WITHIN_MS,
  type Connection,
  type Database,
  placeOf,
  type Row,
  type ServerOptions,
} from './port.ts';
import { codeOf, cutOff, firstOf, other, passwordOf, silent, type Told, unreachable } from './problem.ts';

/** Every value stays the text that the server sent. */
const asText = { getTypeParser: () => (value: string) => value };

export function createPostgres(options: ServerOptions): Database {
  const { address, database, username, password } = options;
  const connectWithinMs = options.connectWithinMs ?? CONNECT_WITHIN_MS;
  const answerWithinMs = options.answerWithinMs ?? ANSWER_WITHIN_MS;
  const name = `PostgreSQL ${database}`;
  const told: Told = {
    ...{ name, product: 'PostgreSQL', username, database },
    ...{ place: placeOf(address), socket: address.socket !== null, peer: password === null },
  };

  async function connect(): Promise<Connection> {
    const client = new Client({
      // All of it is said here, so that nothing is taken from the environment.
      host: address.socket ?? address.host,
      port: address.port,
      user: username,
      password: password === null ? '' : passwordOf(password),
      database,
      ssl: false,
      application_name: 'logcalld',
      connectionTimeoutMillis: connectWithinMs,
      query_timeout: answerWithinMs,
      types: asText,
    });
    // A connection that ends between two questions must not end the program; the next question tells it.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw refusal(told, error, connectWithinMs);
    }
    return connection(client, told, answerWithinMs);
  }
  return { dialect: 'postgres', name, connect };
}

function connection(client: Client, told: Told, withinMs: number): Connection {
  const close = async (): Promise<void> => {
    await client.end().catch(() => undefined);
  };
  return {
    async select(sql, values = []) {
      let place = 0;
      try {
        const { rows } = await client.query<Row>(
          sql.replaceAll('?', () => `$${++place}`),
          [...values],
        );
        return rows.map((row) =>
          Object.fromEntries(Object.entries(row).map(([key, value]) => [key.toLowerCase(), value])),
        );
      } catch (error) {
        // A server that hangs would not take the goodbye.
        client.connection.stream.destroy();
        throw refusal(told, error, withinMs);
      }
    },
    close,
  };
}

function refusal(told: Told, caught: unknown, withinMs: number): RecordsError {
  const error = firstOf(caught);
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : '';
  const { name, username, database, peer, place } = told;
  switch (code) {
    case '28P01':
    case '28000': {
      const made = peer
        ? `CREATE ROLE ${username} LOGIN; and a line "local ${database} ${username} peer" in pg_hba.conf, for a process of that name`
        : `CREATE ROLE ${username} LOGIN PASSWORD '...'; and a line for it in pg_hba.conf`;
      return new RecordsError(
        `${name}: ${username} was not let in: correct username and password of [[source.records]], or as postgres: ${made}.`,
      );
    }
    case '3D000':
      return new RecordsError(`${name}: there is no database ${database}: correct database of [[source.records]].`);
    case '42501':
      return new RecordsError(
        `${name}: ${username} may not read the tables; as postgres: GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${username};`,
      );
    case '42P01':
      return new RecordsError(`${name}: a table is gone: correct the names of the tables in [[source.records]].`);
    case '53300':
      return new RecordsError(`${name}: the server has no free connection; the records are read again later.`);
    case '57P01':
    case '57P02':
    case '57P03':
    case 'ECONNRESET':
    case 'EPIPE':
      return cutOff(told);
    case 'ENOENT':
      return new RecordsError(
        `${name}: there is no socket in ${place}: is PostgreSQL running? Else correct socket of [[source.records]]: the folder of the socket.`,
      );
    default:
      if (/timeout expired|Query read timeout|timed? ?out/i.test(message)) return silent(told, withinMs);
      if (/terminated|Connection ended|not queryable|closed/i.test(message)) return cutOff(told);
      if (/password must be a string|SASL|no password/i.test(message)) {
        return new RecordsError(
          `${name}: the server wants a password: set auth = 'password' and one in [[source.records]].`,
        );
      }
      return unreachable(told, code) ?? other(told, code);
  }
}
