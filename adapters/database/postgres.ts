/** PostgreSQL, by pg, which is loaded with the first connection: most systems have none. */
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { RecordsError } from '../../src/records/port.ts';
import type { Database, ServerOptions } from './port.ts';
import { otherwise, type Told } from './problem.ts';
import { createServer, type Driver } from './server.ts';

/** Every value stays the text that the server sent. */
const asText = { getTypeParser: () => (value: string) => value };

export function createPostgres(options: ServerOptions): Database {
  return createServer(POSTGRES, options);
}

const POSTGRES: Driver = {
  dialect: 'postgres',
  product: 'PostgreSQL',
  async open({ address, database, username, password, tls, connectWithinMs, answerWithinMs }) {
    const { Client } = await import('pg');
    const client = new Client({
      // All of it is said here, so that nothing is taken from the environment.
      host: address.socket ?? address.host,
      port: address.port,
      user: username,
      password: password ?? '',
      database,
      ssl: tls === null ? false : named(tls),
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
      throw error;
    }
    return {
      async query(sql, values) {
        let place = 0;
        const { rows } = await client.query<Record<string, string | null>>(
          sql.replaceAll('?', () => `$${++place}`),
          [...values],
        );
        return rows;
      },
      end: () => client.end(),
      destroy: () => void client.connection.stream.destroy(),
    };
  },
  refusal(told, code, message) {
    const { name, username, database, place } = told;
    switch (code) {
      case '28P01':
      case '28000':
        // "no pg_hba.conf entry for host ..., no encryption"
        return /no encryption/.test(message) ? otherwise(told, 'wants TLS') : notLetIn(told);
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
        return 'ended';
      case 'ENOENT':
        return new RecordsError(
          `${name}: there is no socket in ${place}: is PostgreSQL running? Else correct socket of [[source.records]]: the folder of the socket.`,
        );
      default:
        if (/does not support SSL/.test(message)) return otherwise(told, 'has no TLS');
        if (/timeout expired|Query read timeout|timed? ?out/i.test(message)) return 'silent';
        if (/terminated|Connection ended|not queryable|closed/i.test(message)) return 'ended';
        return /password must be a string|SASL|no password/i.test(message)
          ? new RecordsError(
              `${name}: the server wants a password: set auth = 'password' and one in [[source.records]].`,
            )
          : null;
    }
  },
};

/** The driver tells the server the host as the name that it wants, whatever name is set: it is looked for here. */
function named(tls: ConnectionOptions): ConnectionOptions {
  const { servername } = tls;
  if (servername === undefined) return tls;
  return { ...tls, checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate) };
}

function notLetIn({ name, username, database, peer }: Told): RecordsError {
  const made = peer
    ? `CREATE ROLE ${username} LOGIN; and a line "local ${database} ${username} peer" in pg_hba.conf, for a process of that name`
    : `CREATE ROLE ${username} LOGIN PASSWORD '...'; and a line for it in pg_hba.conf`;
  return new RecordsError(
    `${name}: ${username} was not let in: correct username and password of [[source.records]], or as postgres: ${made}.`,
  );
}
