/** Records in tables, on a real SQLite; MariaDB and PostgreSQL: test/pbx/databases. */
import { writeFileSync } from 'node:fs';
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
  moved,
  readCalls,
  SOURCE,
  spanOf,
  sqliteFile,
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

t.test('of a span the calls that were recorded in it, from their beginning to their end', async (t) => {
  const { tables, calls } = everything();
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, tables);
  const long = [...calls].filter(([, { startedAt, endedAt }]) => endedAt - startedAt >= 4_000);
  t.ok(long.length > 20);
  for (const [id, call] of long.slice(0, 16)) {
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
    const copies = Array.from({ length: 14 }, (_, copy) =>
      moved(recording, change - recorded + (copy - 7) * 20 * 60_000, copy, written),
    );
    const expected = copies.map((one) => callsIn(tableEvents(one, SOURCE).events));
    const file = join(folderFor(t), 'master.db');
    sqliteFile(file, together(copies));
    for (const calls of expected) {
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
  const copies = Array.from({ length: 120 }, (_, copy) =>
    moved(recording, copy * 3 * 24 * HOUR_MS, copy, writtenIn('America/New_York')),
  );
  const file = join(folderFor(t), 'master.db');
  sqliteFile(file, together(copies));
  const calls = callsIn(copies.flatMap((one) => tableEvents(one, SOURCE).events));
  const { pages, calls: found } = await readCalls(placeIn(file, ['cdr', 'cel'], 200), spanOf(calls));
  t.equal(found.size, calls.size);
  t.ok(Math.max(...pages.map(({ events }) => events.length)) < 400);
});

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

t.test('what a place lacks is said with the remedy', async (t) => {
  const { cdr, cel } = tablesOf('inbound_answered');
  const folder = folderFor(t);
  const problem = async (name: string, kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel']) => {
    const place = placeIn(join(folder, name), kinds);
    const { problem } = await place.check();
    await t.rejects(readCalls(place, { from: 0, to: 1 }), { name: 'RecordsError', message: problem ?? 'none' });
    return problem;
  };
  t.match(await problem('none.db'), /none\.db: cannot be opened: correct file/);
  writeFileSync(join(folder, 'text.db'), 'this is no database, but a text of some length that says so'.repeat(20));
  t.match(await problem('text.db'), /is no SQLite database/);
  sqliteFile(join(folder, 'cdr.db'), { cdr });
  t.match(await problem('cdr.db'), /there is no table cel: correct cel_table .* set cel_table = ''/);
  const stock = cdr.map(({ linkedid: _, ...row }) => row);
  sqliteFile(join(folder, 'stock.db'), { cdr: stock });
  t.match(await problem('stock.db', ['cdr']), /table cdr has no column linkedid: .*'\$\{CDR\(linkedid\)\}'/);
  const odd = cel.map((row) => ({ ...row, eventtime: 'Thu Nov 26' }));
  sqliteFile(join(folder, 'odd.db'), { cel: odd });
  t.match(await problem('odd.db', ['cel']), /column eventtime of table cel holds no times .* dateformat/);
});

t.test('hints: CEL that is not written any more, columns and events that are missing', async (t) => {
  const { tables } = everything();
  const folder = folderFor(t);
  const hintsOf = async (
    name: string,
    given: Partial<typeof tables>,
    kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel'],
  ) => {
    const file = join(folder, name);
    sqliteFile(file, given);
    const { problem, hints } = await placeIn(file, kinds).check();
    t.equal(problem, null);
    return hints.join('\n');
  };
  t.equal(await hintsOf('good.db', tables), '');
  const later = moved(tablesOf('inbound_answered'), 48 * HOUR_MS, 1, writtenIn('UTC'));
  t.match(
    await hintsOf('old.db', { ...tables, cdr: [...tables.cdr, ...later.cdr] }),
    /table cel is older .* enable=yes/,
  );
  t.match(await hintsOf('no-cel.db', { cdr: tables.cdr }, ['cdr']), /CEL is not read.*unanswered=yes/s);
  const bare = tables.cdr.map(({ did: _, recordingfile: __, ...row }) => row);
  t.match(await hintsOf('bare.db', { ...tables, cdr: bare }), /no column did, recordingfile/);
  const few = tables.cel.filter(({ eventtype }) => !/BRIDGE/.test(eventtype ?? ''));
  t.match(await hintsOf('few.db', { ...tables, cel: few }), /no BRIDGE_ENTER, BRIDGE_EXIT: add them in cel.conf/);
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
  for await (const page of placeIn(file, ['cdr', 'cel'], 10).read(spanOf(calls))) {
    t.ok(page.upTo > 0);
    const row = tables.cel[next++];
    if (row !== undefined) insert.run(...columns.map((column) => row[column] ?? ''));
  }
  t.ok(next > 420, 'it could be written between all pages');
});
