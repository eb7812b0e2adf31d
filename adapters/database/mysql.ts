/** MariaDB and MySQL, by mysql2, which is loaded with the first connection: most systems have none. */
import { connect, isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { RecordsError } from '../../src/records/port.ts';
import type { Address, Database, ServerOptions } from './port.ts';
import { otherwise, type Told } from './problem.ts';
import { createServer, type Driver } from './server.ts';

export function createMysql(options: ServerOptions): Database {
  return createServer(MYSQL, options);
}

const MYSQL: Driver = {
  dialect: 'mysql',
  product: 'MariaDB',
  async open({ address, database, username, password, tls, connectWithinMs, answerWithinMs }, told) {
    const { createConnection } = await import('mysql2/promise');
    const client = await createConnection({
      ...wayTo(address, tls, told),
      user: username,
      ...(password === null ? {} : { password }),
      database,
      connectTimeout: connectWithinMs,
      charset: 'utf8mb4',
      // No file of this machine is ever sent to the server.
      flags: ['-LOCAL_FILES'],
      typeCast: (field) => field.string(),
    });
    // A connection that ends between two questions must not end the program; the next question tells it.
    client.on('error', () => undefined);
    return {
      async query(sql, values) {
        const [rows] = await client.query({ sql: filled(sql, values), timeout: answerWithinMs });
        return Array.isArray(rows) ? rows : [];
      },
      end: () => client.end(),
      destroy: () => client.destroy(),
    };
  },
  refusal(told, code, message) {
    const { name, username, database } = told;
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
      case 'HANDSHAKE_NO_SSL_SUPPORT':
        return otherwise(told, 'has no TLS');
      case 'ER_SECURE_TRANSPORT_REQUIRED':
        return otherwise(told, 'wants TLS');
      case 'PROTOCOL_SEQUENCE_TIMEOUT':
        return 'silent';
      case 'PROTOCOL_CONNECTION_LOST':
      case 'ER_SERVER_SHUTDOWN':
      case 'ER_CONNECTION_KILLED':
        return 'ended';
      default:
        // MySQL tells the number alone; the driver has no code for a question to a connection that has ended.
        if (/require_secure_transport/.test(message)) return otherwise(told, 'wants TLS');
        return /closed state/.test(message) ? 'ended' : null;
    }
  },
};

/** The driver looks for the host that it is told in the certificate, and can look for names only: so it is told the name, and handed the way. */
function wayTo({ socket, host, port }: Address, tls: ConnectionOptions | null, { name }: Told) {
  if (socket !== null) return { socketPath: socket };
  if (tls === null) return { host, port };
  const expected = tls.servername ?? host;
  // A servername that is an address is looked for by a function of its own, which the driver does not take.
  if (isIP(expected) !== 0 || tls.checkServerIdentity !== undefined) {
    throw new RecordsError(
      `${name}: the certificate of the server can be checked by a name only: set servername in [source.records.tls] to the name in it.`,
    );
  }
  const { ca } = tls;
  const ssl = { rejectUnauthorized: true, verifyIdentity: true, ...(typeof ca === 'string' ? { ca } : {}) };
  return { host: expected, port, ssl, stream: () => connect({ host, port, noDelay: true, keepAlive: true }) };
}

/** Texts in hexadecimal: that is safe whatever the server's sql_mode makes of backslashes. */
function filled(sql: string, values: readonly (string | number)[]): string {
  let next = 0;
  return sql.replaceAll('?', () => {
    const value = values[next++] ?? '';
    return typeof value === 'number' ? String(value) : `_utf8mb4 X'${Buffer.from(value).toString('hex')}'`;
  });
}

/** The server tells the host as which it saw us, which the account must have: `'logcalld'@'localhost'`. */
function accountIn(message: string, username: string): string {
  return /'[^']*'@'[^']*'/.exec(message)?.[0] ?? `'${username}'@'localhost'`;
}

function denial({ database, peer, socket, secure }: Told, code: string, account: string): string {
  const grant = `GRANT SELECT ON ${database}.* TO ${account};`;
  if (code.startsWith('ER_ACCESS_DENIED')) {
    const identified = peer ? 'VIA unix_socket' : "BY '...'";
    // MariaDB says no more to whoever comes in the clear where it wants TLS (10.11 with require_secure_transport).
    const inTheClear = socket || secure ? '' : ' A server that wants TLS says the same: [source.records.tls].';
    return `${account} was not let in: correct username and password of [[source.records]], or as root of the server: CREATE USER ${account} IDENTIFIED ${identified}; ${grant}${inTheClear}`;
  }
  return `${account} may not read the tables; as root of the server: ${grant}`;
}
