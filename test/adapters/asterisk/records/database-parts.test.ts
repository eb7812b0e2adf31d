/** Long tables without an index, in a file of SQLite whose writer waits for each question: no question goes through all of one. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import t from 'tap';
import { createTableRecords } from '../../../../adapters/asterisk/records/database/place.ts';
import type { Database } from '../../../../adapters/database/port.ts';
import { createSqlite } from '../../../../adapters/database/sqlite.ts';
import { everything, folderFor, readCalls, SOURCE, spanOf, sqliteFile } from './support.ts';

const OLD = 30_000;
const TIMES = { cdr: 'calldate', cel: 'eventtime' } as const;

/** Rows of three years ago before those that are there. */
function lengthen(file: string): void {
  const db = new Sqlite(file);
  for (const table of ['cdr', 'cel'] as const) {
    const columns = db.prepare<[], string>(`SELECT name FROM pragma_table_info('${table}')`).pluck().all();
    const value = (name: string): string => {
      if (name === 'linkedid' || name === 'uniqueid') return "'1700000000.' || i";
      return name === TIMES[table] ? "'2023-11-14 22:13:20'" : `c."${name}"`;
    };
    const names = columns.map((name) => `"${name}"`).join(', ');
    db.exec(`UPDATE ${table} SET rowid = rowid + ${4 * OLD};
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OLD})
      INSERT INTO ${table} (rowid, ${names}) SELECT i, ${columns.map(value).join(', ')}
      FROM n, (SELECT * FROM ${table} LIMIT 1) c`);
  }
  db.close();
}

t.test('every call comes wholly, by questions for a part of the rows', async (t) => {
  const { tables, calls } = everything();
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, tables);
  lengthen(file);
  const real = createSqlite({ file });
  const asked: { sql: string; values: readonly (string | number)[] }[] = [];
  const database: Database = {
    ...real,
    async connect() {
      const connection = await real.connect();
      return {
        ...connection,
        select(sql, values = []) {
          asked.push({ sql, values });
          return connection.select(sql, values);
        },
      };
    },
  };
  const place = createTableRecords({
    source: SOURCE,
    tables: (['cdr', 'cel'] as const).map((kind) => ({ kind, table: kind, database })),
    rowsAtOnce: 100,
  });
  const read = await readCalls(place, spanOf(calls));
  t.same([...read.calls.keys()].sort(), [...calls.keys()].sort());
  for (const [id, versions] of read.calls) for (const version of versions) t.same(version, calls.get(id), id);
  const through = asked.filter(({ sql }) => / WHERE .*(?: IN \(|>= \?)/s.test(sql));
  t.ok(through.length > 100);
  for (const { sql, values } of through) {
    const [low, high] = values.slice(-2).map(Number);
    if (!sql.includes('rowid BETWEEN ? AND ?') || Number(high) - Number(low) >= 20_000) t.fail(sql);
  }
  const { hints } = await place.check();
  t.match(hints.join('\n'), /no index on linkedid and uniqueid.*CREATE INDEX cel_uniqueid ON cel \(uniqueid\);/s);
});
