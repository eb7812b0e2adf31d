/** What goes wrong with a database while records are read: one sentence each, and never the end of the program. */

import { createTableRecords } from '../../../adapters/asterisk/records/database/place.ts';
import { shapeOf } from '../../../adapters/asterisk/records/database/shape.ts';
import { scopeOf, windowOf } from '../../../adapters/asterisk/records/database/windows.ts';
import { createMysql } from '../../../adapters/database/mysql.ts';
import type { Database, ServerOptions } from '../../../adapters/database/port.ts';
import { createPostgres } from '../../../adapters/database/postgres.ts';
import { RecordsError } from '../../../src/records/port.ts';
import { messageOf } from '../report.ts';
import type { RecordsLab } from './lab.ts';
import { READER, type Tables } from './tables.ts';

interface FaultRow {
  readonly story: string;
  readonly run: () => Promise<readonly string[]>;
}

const SHORT_MS = 1_000;

/** When the calls of the lab were made. */
const theStories = () => ({ from: Date.now() - 900_000, to: Date.now() });

/** For the servers of the lab, whose data is not needed afterwards: the last rows kill them. */
export function faultRows(lab: RecordsLab): readonly FaultRow[] {
  return [lab.mariadb, lab.postgres].flatMap((tables) => rowsFor(tables));
}

function rowsFor(tables: Tables): readonly FaultRow[] {
  const { type, server, database } = tables;
  const mysql = type === 'mysql';
  const title = mysql ? 'MariaDB' : 'PostgreSQL';
  const open = (changed: Partial<ServerOptions> = {}): Database => {
    const address = { host: server.host, port: server.port, socket: null };
    const options = { address, database, username: READER.username, password: () => READER.password, ...changed };
    return mysql ? createMysql(options) : createPostgres(options);
  };
  const readAll = async (from: Database, cdr = 'cdr'): Promise<number> => {
    const records = createTableRecords({
      source: 'records',
      tables: [
        { kind: 'cdr', table: cdr, database: from },
        { kind: 'cel', table: 'cel', database: from },
      ],
      rowsAtOnce: 50,
    });
    let pages = 0;
    for await (const page of records.read(theStories())) pages += page.events.length > 0 ? 1 : 0;
    return pages;
  };
  const row = (story: string, run: () => Promise<readonly string[]>): FaultRow => ({
    story: `${title}: ${story}`,
    run,
  });
  const refused = (story: string, wanted: RegExp, run: () => Promise<unknown>): FaultRow =>
    row(story, async () =>
      told(
        wanted,
        await run().then(
          () => null,
          (error: unknown) => error,
        ),
      ),
    );

  return [
    refused('a wrong password', /was not let in: .*CREATE/, () => readAll(open({ password: () => 'another' }))),
    refused('a database that is not there', /there is no database nowhere/, async () => {
      // Without any right to it MariaDB tells nothing of a database.
      if (mysql) await server.admin(`GRANT SELECT ON nowhere.* TO 'logcalld'@'localhost';`);
      await readAll(open({ database: 'nowhere' }));
    }),
    refused('a table that is not there', /there is no table calls: correct cdr_table/, () => readAll(open(), 'calls')),
    refused('no right to the tables', /GRANT SELECT/, async () => {
      await server.admin(
        mysql ? `CREATE USER 'guest'@'localhost' IDENTIFIED BY 'guest';` : `CREATE ROLE guest LOGIN PASSWORD 'guest';`,
      );
      await readAll(open({ username: 'guest', password: () => 'guest' }));
    }),
    refused('nobody listens on the port', /nothing answers at 127\.0\.0\.1:1: is/, () =>
      readAll(open({ address: { host: '127.0.0.1', port: 1, socket: null } })),
    ),
    row('over its socket, all of it', async () => {
      const address = { host: server.host, port: server.port, socket: server.socket };
      return (await readAll(open({ address }))) > 1 ? [] : ['it read no calls'];
    }),
    row('the server knows its user by the socket', async () => {
      const address = { host: server.host, port: server.port, socket: server.socket };
      const username = mysql ? 'root' : 'postgres';
      if (mysql) await server.admin("ALTER USER 'root'@'localhost' IDENTIFIED VIA unix_socket;");
      return (await readAll(open({ address, username, password: null }))) > 1 ? [] : ['it read no calls'];
    }),
    row('nothing but SELECT is sent', () => onlySelects(tables, () => readAll(open()))),
    // FreePBX has an index on the time of cdr, cdr_pgsql none.
    ...(mysql ? [row('by its index, not through the whole table', () => byIndex(tables, open()))] : []),
    refused('a server that hangs', /did not answer a question within/, async () => {
      const connection = await open({ answerWithinMs: SHORT_MS }).connect();
      process.kill(server.pid(), 'SIGSTOP');
      try {
        // The processes of PostgreSQL that serve a connection go on when their parent stops, a thread of MariaDB for a moment.
        await connection.select(mysql ? 'SELECT SLEEP(30)' : 'SELECT pg_sleep(30)');
      } finally {
        process.kill(server.pid(), 'SIGCONT');
        await connection.close();
      }
    }),
    refused('a server that is killed in the middle of a question', /ended the connection/, async () => {
      const connection = await open().connect();
      const answer = connection.select(mysql ? 'SELECT SLEEP(30)' : 'SELECT pg_sleep(30)');
      answer.catch(() => undefined);
      await server.kill();
      await answer.finally(() => connection.close());
    }),
    row('a server that came back', async () => {
      await server.start();
      return (await readAll(open())) > 1 ? [] : ['it read no calls'];
    }),
    row('a server that ends between two pages', async () => {
      const records = createTableRecords({
        source: 'records',
        tables: [{ kind: 'cel', table: 'cel', database: open() }],
        rowsAtOnce: 20,
      });
      const pages = records.read(theStories())[Symbol.asyncIterator]();
      await pages.next();
      await server.stop();
      const error = await pages.next().then(
        () => null,
        (thrown: unknown) => thrown,
      );
      await records.close();
      return told(/ended the connection|nothing answers/, error);
    }),
  ];
}

function told(wanted: RegExp, error: unknown): readonly string[] {
  if (!(error instanceof RecordsError)) return [`not a RecordsError: ${error === null ? 'nothing' : messageOf(error)}`];
  return wanted.test(error.message) ? [] : [`it said: ${error.message}`];
}

/** The server's own log of statements. */
async function onlySelects({ server, type }: Tables, read: () => Promise<unknown>): Promise<readonly string[]> {
  if (type === 'postgres') {
    // Whoever may only read cannot write, and the server refuses it.
    await server.admin('ALTER ROLE logcalld SET default_transaction_read_only = on;');
    await read();
    return [];
  }
  await server.admin("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = 1;");
  await read();
  await server.admin(
    'SET GLOBAL general_log = 0; CREATE DATABASE IF NOT EXISTS seen; GRANT SELECT ON mysql.general_log TO logcalld@localhost;',
  );
  const address = { host: server.host, port: server.port, socket: null };
  const connection = await createMysql({
    address,
    database: 'mysql',
    username: READER.username,
    password: () => READER.password,
  }).connect();
  const statements = await connection.select(
    "SELECT argument FROM general_log WHERE command_type NOT IN ('Connect', 'Quit') AND user_host LIKE 'logcalld%'",
  );
  await connection.close();
  const others = statements.filter(({ argument }) => !/^\s*SELECT\b/i.test(argument ?? ''));
  if (statements.length < 3) return [`only ${statements.length} statements were seen`];
  return others.map(({ argument }) => `it sent: ${argument}`);
}

/** Of an hour in a table of years few rows are looked at. */
async function byIndex({ fill, server, database }: Tables, from: Database): Promise<readonly string[]> {
  const rows = Array.from({ length: 20_000 }, (_, index) => ({
    calldate: new Date(Date.UTC(2024, 0, 1) + index * 1_800_000).toISOString().slice(0, 19),
    uniqueid: `${1704067200 + index * 1800}.1`,
    linkedid: `${1704067200 + index * 1800}.1`,
    disposition: 'ANSWERED',
    channel: 'PJSIP/1001-00000001',
  }));
  await fill('cdr', rows);
  await server.admin('ANALYZE TABLE cdr; FLUSH STATUS;', database);
  const connection = await from.connect();
  const at = Date.UTC(2024, 6, 1);
  const shape = await shapeOf(connection, from, 'cdr', 'cdr');
  const before = await readRows(connection);
  const scope = await scopeOf(connection, shape, at, at + 3_600_000);
  if (scope === null) return ['it found no rows of that day'];
  await windowOf(connection, scope, at, at + 3_600_000, 1_000);
  const read = (await readRows(connection)) - before;
  await connection.close();
  return read < 1_000 ? [] : [`${read} rows were read for an hour`];
}

async function readRows(connection: {
  select(sql: string): Promise<readonly Readonly<Record<string, string | null>>[]>;
}): Promise<number> {
  const rows = await connection.select(
    "SELECT SUM(variable_value) AS total FROM information_schema.session_status WHERE variable_name LIKE 'HANDLER_READ%'",
  );
  return Number(rows[0]?.total ?? 0);
}
