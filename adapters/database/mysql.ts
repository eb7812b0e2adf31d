/** MariaDB and MySQL, by mysql2. */
import { type Connection as Client, createConnection } from 'mysql2/promise';
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

export function createMysql(options: ServerOptions): Database {
  const { address, database, username, password } = options;
  const connectWithinMs = options.connectWithinMs ?? CONNECT_WITHIN_MS;
  const answerWithinMs = options.answerWithinMs ?? ANSWER_WITHIN_MS;
  const name = `MariaDB ${database}`;
  const told: Told = {
    ...{ name, product: 'MariaDB', username, database },
    ...{ place: placeOf(address), socket: address.socket !== null, peer: password === null },
  };

  async function connect(): Promise<Connection> {
    const secret = password === null ? {} : { password: passwordOf(password) };
    let client: Client;
    try {
      client = await createConnection({
        ...(address.socket === null ? { host: address.host, port: address.port } : { socketPath: address.socket }),
        user: username,
        ...secret,
        database,
        connectTimeout: connectWithinMs,
        charset: 'utf8mb4',
        // No file of this machine is ever sent to the server.
        flags: ['-LOCAL_FILES'],
        typeCast: (field) => field.string(),
      });
    } catch (error) {
      throw refusal(told, error, connectWithinMs);
    }
    // A connection that ends between two questions must not end the program; the next question tells it.
    client.on('error', () => undefined);
    return connection(client, told, answerWithinMs);
  }
  return { dialect: 'mysql', name, connect };
}

function connection(client: Client, told: Told, withinMs: number): Connection {
  return {
    async select(sql, values = []) {
      try {
        const [rows] = await client.query({ sql: filled(sql, values), timeout: withinMs });
        return Array.isArray(rows) ? rows.map(rowOf) : [];
      } catch (error) {
        client.destroy();
        throw refusal(told, error, withinMs);
      }
    },
    async close() {
      await client.end().catch(() => client.destroy());
    },
  };
}

/** Texts in hexadecimal: that is safe whatever the server's sql_mode makes of backslashes. */
function filled(sql: string, values: readonly (string | number)[]): string {
  let next = 0;
  return sql.replaceAll('?', () => {
    const value = values[next++] ?? '';
    return typeof value === 'number' ? String(value) : `_utf8mb4 X'${Buffer.from(value).toString('hex')}'`;
  });
}

function rowOf(row: object): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name.toLowerCase(), value === null ? null : String(value)]),
  );
}

function refusal(told: Told, caught: unknown, withinMs: number): RecordsError {
  const error = firstOf(caught);
  const code = codeOf(error);
  const { name, username, database } = told;
  const message = error instanceof Error ? error.message : '';
  switch (code) {
    case 'ER_ACCESS_DENIED_ERROR':
    case 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR':
    case 'ER_DBACCESS_DENIED_ERROR':
    case 'ER_TABLEACCESS_DENIED_ERROR':
    case 'ER_COLUMNACCESS_DENIED_ERROR':
    case 'ER_HOST_NOT_PRIVILEGED':
      return new RecordsError(`${name}: ${denial(told, code, accountIn(message, username))}`);
    case 'ER_BAD_DB_ERROR':
      return new RecordsError(
        `${name}: there is no database ${database}: correct database of [[source.records]] (FreePBX: asteriskcdrdb).`,
      );
    case 'ER_NO_SUCH_TABLE':
      return new RecordsError(`${name}: a table is gone: correct cdr_table and cel_table of [[source.records]].`);
    case 'ER_CON_COUNT_ERROR':
    case 'ER_TOO_MANY_USER_CONNECTIONS':
      return new RecordsError(`${name}: the server has no free connection; the records are read again later.`);
    case 'PROTOCOL_SEQUENCE_TIMEOUT':
      return silent(told, withinMs);
    case 'PROTOCOL_CONNECTION_LOST':
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ER_SERVER_SHUTDOWN':
    case 'ER_CONNECTION_KILLED':
      return cutOff(told);
    default:
      // The driver has no code for a question to a connection that has ended.
      if (/closed state/.test(message)) return cutOff(told);
      return unreachable(told, code) ?? other(told, code);
  }
}

/** The server tells the host as which it saw us, which the account must have: `'logcalld'@'localhost'`. */
function accountIn(message: string, username: string): string {
  return /'[^']*'@'[^']*'/.exec(message)?.[0] ?? `'${username}'@'localhost'`;
}

function denial({ database, peer }: Told, code: string, account: string): string {
  const grant = `GRANT SELECT ON ${database}.* TO ${account};`;
  if (code.startsWith('ER_ACCESS_DENIED')) {
    const identified = peer ? 'VIA unix_socket' : "BY '...'";
    return `${account} was not let in: correct username and password of [[source.records]], or as root of the server: CREATE USER ${account} IDENTIFIED ${identified}; ${grant}`;
  }
  return `${account} may not read the tables; as root of the server: ${grant}`;
}
