/** Records in tables, on a real SQLite; MariaDB and PostgreSQL: test/pbx/databases. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import t from 'tap';
import { createTableRecords } from '../../../../adapters/asterisk/records/database/place.ts';
import { tableEvents } from '../../../../adapters/asterisk/records/tables.ts';
import { createSqlite } from '../../../../adapters/database/sqlite.ts';
import {
  callsIn,
  everything,
  folderFor,
  foundAlone,
  moved,
  readCalls,
  SOURCE,
  spanOf,
  sqliteFile,
  type TextRow,
  tablesOf,
  together,
  writtenIn,
} from './support.ts';

const HOUR_MS = 3_600_000;

function placeIn(file: string, kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel'], rowsAtOnce = 1_000) {
  const database = createSqlite({ file });
  return createTableRecords({
    source: SOURCE,
    tables: kinds.map((kind) => ({ kind, table: kind, database })),
    rowsAtOnce,
  });
}

for (const kinds of [['cdr', 'cel'], ['cel'], ['cdr']] as const) {
  t.test(`${kinds.join(' and ')}: every call comes wholly, also in small pages`, async (t) => {
    const { tables, calls } = everything(kinds);
    const file = join(folderFor(t), 'master.db');
    sqliteFile(file, tables);
    for (const rowsAtOnce of [1_000, 20]) {
      const read = await readCalls(placeIn(file, kinds, rowsAtOnce), spanOf(calls));
      t.same([...read.calls.keys()].sort(), [...calls.keys()].sort());
      for (const [id, versions] of read.calls) {
        for (const version of versions) t.same(version, calls.get(id), id);
      }
      t.ok(rowsAtOnce > 20 ? read.pages.length === 1 : read.pages.length > 3);
      t.equal(read.pages.at(-1)?.upTo, spanOf(calls).to);
      const told = read.pages.map(({ upTo }) => upTo);
      t.same(
        told,
        told.toSorted((a, b) => a - b),
        'it only goes forward',
      );
    }
  });
}

t.test('a call is found by its id, or by that of a channel of it', async (t) => {
  const { tables, calls } = everything();
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, tables);
  const found = await foundAlone(placeIn(file), calls);
  for (const [id, call] of calls) t.same(found.get(id), call, id);
  const other = tables.cdr.find(({ uniqueid, linkedid }) => uniqueid !== linkedid);
  const byChannel = [{ id: other?.uniqueid ?? '', span: { from: 0, to: 1 } }];
  for await (const { events } of placeIn(file).find(byChannel)) {
    t.ok(callsIn(events).has(`${SOURCE}-${other?.linkedid}`));
  }
  for await (const { events } of placeIn(file).find([{ id: '1795000000.1', span: { from: 0, to: 1 } }]))
    t.same(events, []);
});

t.test('of a span the calls that were recorded in it, from their beginning to their end', async (t) => {
  const { tables, calls } = everything();
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, tables);
  const long = [...calls].filter(([, { startedAt, endedAt }]) => endedAt - startedAt >= 4_000);
  t.ok(long.length > 20);
  for (const [id, call] of long.slice(0, 10)) {
    const middle = Math.round((call.startedAt + call.endedAt) / 2);
    for (const span of [{ from: middle, to: call.endedAt }]) {
      const read = await readCalls(placeIn(file), span);
      t.same(read.calls.get(id)?.at(-1), call, id);
      t.ok(read.calls.size <= 4, 'and few others');
    }
  }
});

t.test('clocks that are put back and forward: no call is lost, whatever the zone of the table', async (t) => {
  const recording = tablesOf('inbound_answered');
  const recorded = Number(recording.cdr[0]?.linkedid?.split('.')[0]) * 1000;
  for (const [zone, at] of [
    ['Europe/Berlin', '2026-10-25T01:00:00Z'],
    ['Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['Asia/Kolkata', '2026-10-25T01:00:00Z'],
  ] as const) {
    const change = Date.parse(at);
    const written = writtenIn(zone);
    const copies = Array.from({ length: 9 }, (_, copy) =>
      moved(recording, change - recorded + (copy - 4) * 25 * 60_000, copy, written),
    );
    const expected = copies.map((one) => callsIn(tableEvents(one, SOURCE).events));
    const file = join(folderFor(t), 'master.db');
    sqliteFile(file, together(copies));
    for (const calls of expected.slice(1, -1)) {
      const [id, call] = [...calls][0] ?? [];
      if (id === undefined || call === undefined) throw new Error('the recording holds one call');
      const span = { from: call.endedAt - 1_500, to: call.endedAt + 500 };
      const { calls: found } = await readCalls(placeIn(file), span);
      t.ok(found.has(id), `${zone} ${new Date(call.startedAt).toISOString()}`);
      t.ok(found.size <= 4, 'at most those an hour away');
      t.equal(found.get(id)?.at(-1)?.startedAt, call.startedAt);
    }
  }
});

t.test('a year in one go: pages stay small, and each call comes', async (t) => {
  const recording = tablesOf('queue_answered');
  const copies = Array.from({ length: 60 }, (_, copy) =>
    moved(recording, copy * 6 * 24 * HOUR_MS, copy, writtenIn('America/New_York')),
  );
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, together(copies));
  const calls = callsIn(copies.flatMap((one) => tableEvents(one, SOURCE).events));
  const { pages, calls: found } = await readCalls(placeIn(file, ['cdr', 'cel'], 200), spanOf(calls));
  t.equal(found.size, calls.size);
  t.ok(Math.max(...pages.map(({ events }) => events.length)) < 400);
});

t.test(
  'tables with an index on the linkedid or on the time, whatever the order of their rows and the names of the PBX',
  async (t) => {
    const { tables, calls } = everything();
    const named = (row: TextRow, prefix: string): TextRow => ({
      ...row,
      uniqueid: prefix + row.uniqueid,
      linkedid: prefix + row.linkedid,
    });
    const [first = ''] = calls.keys();
    for (const index of [
      'cdr (linkedid); CREATE INDEX l ON cel (linkedid)',
      'cdr (calldate); CREATE INDEX l ON cel (eventtime)',
    ]) {
      for (const prefixes of [['blr-pbx1-'], ['', 'blr-pbx1-', 'zz-']]) {
        const file = join(folderFor(t), 'master.db');
        for (const [number, prefix] of prefixes.entries()) {
          const one = (row: TextRow) => named(row, prefix);
          // Of the same times: as of several PBXs that write into one table, the later rows first.
          sqliteFile(file, {
            cdr: tables.cdr.map(one),
            cel: number === 1 ? tables.cel.toReversed().map(one) : tables.cel.map(one),
          });
        }
        const db = new Sqlite(file);
        db.exec(`CREATE INDEX k ON ${index}`);
        db.close();
        const { calls: found } = await readCalls(placeIn(file, ['cdr', 'cel'], 100), spanOf(calls));
        for (const prefix of prefixes) {
          const id = first.replace(`${SOURCE}-`, `${SOURCE}-${prefix}`);
          t.ok(found.has(id), `${index} ${id}`);
        }
        if (prefixes.length === 1) t.equal(found.size, calls.size);
      }
    }
  },
);

t.test('rows without a linkedid and rows that are damaged are left out, counted', async (t) => {
  const { cdr, cel } = tablesOf('inbound_answered');
  const [first] = cel;
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, { cdr, cel: [...cel, { ...first, linkedid: '' }, { ...first, eventtype: '' }] });
  const calls = callsIn(tableEvents({ cdr, cel }, SOURCE).events);
  const read = await readCalls(placeIn(file), spanOf(calls));
  t.same([...read.calls.keys()], [...calls.keys()]);
  const skipped = read.pages.flatMap(({ skipped }) => skipped);
  t.match(skipped, [
    { count: 1, why: /table cel has rows without linkedid/ },
    { count: 1, why: /eventtype/ },
  ]);
});

t.test('a file that is written meanwhile is read, and never held for long', async (t) => {
  const { tables, calls } = everything();
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, { cdr: tables.cdr.slice(0, 40), cel: tables.cel.slice(0, 400) });
  const writer = new Sqlite(file);
  t.teardown(() => writer.close());
  const columns = Object.keys(tables.cel[0] ?? {});
  const insert = writer.prepare(`INSERT INTO cel VALUES (${columns.map(() => '?').join(', ')})`);
  let next = 400;
  const place = placeIn(file, ['cdr', 'cel'], 10);
  for await (const page of place.read(spanOf(calls))) {
    t.ok(page.upTo > 0);
    if (next === 405) t.equal((await place.check()).problem, null, 'a check breaks off no reading');
    const row = tables.cel[next++];
    if (row !== undefined) insert.run(...columns.map((column) => row[column] ?? ''));
  }
  t.ok(next > 420, 'it could be written between all pages');
});

t.test('of a table into which several PBXs write, the calls of one', async (t) => {
  const { cdr, cel } = tablesOf('inbound_answered');
  const named = (name: string) => (row: TextRow) => ({
    ...row,
    uniqueid: `${name}-${row.uniqueid}`,
    linkedid: `${name}-${row.linkedid}`,
  });
  const file = join(folderFor(t), 'master.db');
  const of = (name: string) => ({ cdr: cdr.map(named(name)), cel: cel.map(named(name)) });
  sqliteFile(file, together([of('pbx'), of('pbx-2')]));
  const database = createSqlite({ file });
  const place = (systemName: string | null) =>
    createTableRecords({
      ...{ source: SOURCE, systemName },
      tables: [
        { kind: 'cdr', table: 'cdr', database },
        { kind: 'cel', table: 'cel', database },
      ],
    });
  const begun = Number(cdr[0]?.linkedid?.split('.')[0]) * 1000;
  const span = { from: begun - HOUR_MS, to: begun + HOUR_MS };
  const ids = async (systemName: string | null) => [...(await readCalls(place(systemName), span)).calls.keys()].sort();
  const own = (name: string): string => `${SOURCE}-${name}-${cdr[0]?.linkedid}`;
  t.strictSame(await ids(null), [own('pbx'), own('pbx-2')]);
  t.strictSame(await ids('pbx'), [own('pbx')]);
  const id = `pbx-2-${cdr[0]?.linkedid}`;
  for await (const { events } of place('pbx').find([{ id, span }])) t.strictSame(events, [], 'it is not found either');
});
