/** Records in files: rotated, compressed, cut off, written meanwhile. */
import { appendFileSync, copyFileSync, mkdirSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { createFileRecords } from '../../../../adapters/asterisk/records/files/place.ts';
import { tableEvents } from '../../../../adapters/asterisk/records/tables.ts';
import {
  callsIn,
  everything,
  folderFor,
  foundAlone,
  readCalls,
  SOURCE,
  spanOf,
  type TextRow,
  tablesOf,
} from './support.ts';

type Kind = 'cdr' | 'cel';

const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;

/** The lines of a table, and the names of its columns. */
function linesOf(rows: readonly TextRow[], columns = Object.keys(rows[0] ?? {})) {
  return { columns, lines: rows.map((row) => `${columns.map((name) => quoted(row[name] ?? '')).join(',')}\n`) };
}

/** Master.csv of cdr_csv as `newcdrcolumns` and `loguniqueid` make it, without a name for any column. */
const MASTER =
  'accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end duration billsec disposition amaflags ' +
  'uniqueid userfield peeraccount linkedid sequence';

function asMaster(row: TextRow): TextRow {
  const { calldate = '', duration = '0', billsec = '0' } = row;
  const after = (seconds: number): string =>
    new Date(Date.parse(`${calldate.replace(' ', 'T')}Z`) + seconds * 1000)
      .toISOString()
      .slice(0, 19)
      .replace('T', ' ');
  const answered = row.disposition === 'ANSWERED';
  const end = after(Number(duration));
  return { ...row, start: calldate, answer: answered ? after(Number(duration) - Number(billsec)) : '', end };
}

/** A file in three parts as logrotate leaves them, each with the time of its last row. */
function rotated(folder: string, kind: Kind, rows: readonly TextRow[], lines: readonly string[], more = ''): string {
  const third = Math.floor(lines.length / 3);
  const parts = [
    [`${kind}.csv.2.gz`, 0, third],
    [`${kind}.csv-20261125`, third, 2 * third],
    [`${kind}.csv`, 2 * third, lines.length],
  ] as const;
  for (const [name, from, to] of parts) {
    const text = lines.slice(from, to).join('') + (name === `${kind}.csv` ? more : '');
    const path = join(folder, name);
    writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
    const last = rows[to - 1];
    const at = Number(last?.uniqueid) + 60 + Number(last?.duration ?? 0);
    utimesSync(path, at, at);
  }
  return join(folder, `${kind}.csv`);
}

for (const kinds of [['cdr', 'cel'], ['cel'], ['cdr']] as const) {
  t.test(`${kinds.join(' and ')}, rotated: every call comes wholly, also in small pages`, async (t) => {
    const { tables, calls } = everything(kinds);
    const folder = folderFor(t);
    const files = kinds.map((table) => {
      const { columns, lines } = linesOf(tables[table]);
      return { table, columns, file: rotated(folder, table, tables[table], lines, '"half a li') };
    });
    for (const callsAtOnce of [1_000, 1]) {
      const read = await readCalls(createFileRecords({ source: SOURCE, files, callsAtOnce }), spanOf(calls));
      t.same([...read.calls.keys()].sort(), [...calls.keys()].sort());
      for (const [id, versions] of read.calls) for (const version of versions) t.same(version, calls.get(id), id);
      t.ok(callsAtOnce > 1 ? read.pages.length === 1 : read.pages.length > 2);
      t.equal(read.pages.at(-1)?.upTo, spanOf(calls).to);
      t.same(
        read.pages.flatMap(({ skipped }) => skipped),
        [],
        'half a line at the end is left for later',
      );
    }
  });
}

t.test('a call is found by its id, wherever its rows stand', async (t) => {
  const { tables, calls } = everything();
  const folder = folderFor(t);
  const files = (['cdr', 'cel'] as const).map((table) => {
    const { columns, lines } = linesOf(tables[table]);
    return { table, columns, file: rotated(folder, table, tables[table], lines) };
  });
  const found = await foundAlone(createFileRecords({ source: SOURCE, files }), calls);
  for (const [id, call] of calls) t.same(found.get(id), call, id);
});

t.test('Master.csv without a heading: its columns are known by their form, in each line', async (t) => {
  const rows = everything(['cdr'], asMaster).tables.cdr;
  const { lines } = linesOf(rows, MASTER.split(' '));
  const stock = MASTER.split(' ').slice(0, 16);
  const before = linesOf(rows.slice(0, 3), stock).lines;
  const file = join(folderFor(t), 'Master.csv');
  const calls = callsIn(tableEvents({ cdr: rows, cel: [] }, SOURCE).events);
  const place = createFileRecords({ source: SOURCE, files: [{ table: 'cdr', file, columns: [] }] });

  writeFileSync(file, before.join(''));
  t.match(
    (await place.check()).problem,
    /Master\.csv: its rows have no linkedid: set loguniqueid=yes, newcdrcolumns=yes/,
  );

  writeFileSync(file, [...before, ...lines].join(''));
  t.equal((await place.check()).problem, null, 'what is written now counts');
  const read = await readCalls(place, spanOf(calls));
  t.same([...read.calls.keys()].sort(), [...calls.keys()].sort());
  t.match(read.pages[0]?.skipped, [
    { count: 3, why: /in no layout that is known; for Master\.csv set loguniqueid=yes/ },
  ]);
});

t.test('lines that are cut off, overwritten or in another encoding cost themselves alone', async (t) => {
  const { cdr } = tablesOf('inbound_answered');
  const rows = cdr.map(asMaster);
  const [line = ''] = linesOf(rows, MASTER.split(' ')).lines;
  const file = join(folderFor(t), 'Master.csv');
  const damaged = [
    line.slice(0, 70),
    '\n',
    Buffer.from(`"","\xe9\xff",${'\0'.repeat(40)}\n`, 'latin1'),
    line.replace('"ANSWERED"', '"ANSWERED'),
    line.replace('RAVI', 'RAV\xed'),
    line.slice(0, 100),
  ];
  writeFileSync(file, Buffer.concat(damaged.map((part) => Buffer.from(part as string, 'latin1'))));
  const place = createFileRecords({ source: SOURCE, files: [{ table: 'cdr', file, columns: [] }] });
  const [call] = callsIn(tableEvents({ cdr: rows, cel: [] }, SOURCE).events).values();
  const read = await readCalls(place, { from: (call?.startedAt ?? 0) - 1000, to: (call?.endedAt ?? 0) + 1000 });
  t.equal(read.calls.size, 1);
  const skipped = read.pages.flatMap(({ skipped }) => skipped);
  t.match(skipped.map(({ why }) => why).join('\n'), /Master\.csv: lines are cut off or no CSV/);
  t.notMatch(JSON.stringify(skipped), /RAV|9845012345/, 'no name and no number is told');

  appendFileSync(file, `${line.slice(100)}`);
  const later = await readCalls(place, { from: (call?.startedAt ?? 0) - 1000, to: (call?.endedAt ?? 0) + 1000 });
  t.equal(later.calls.size, 1, 'the line is whole now');
});

t.test('a rotation in the middle of a reading moves nothing, a file that is cut is told', async (t) => {
  const { tables, calls } = everything(['cel']);
  const { columns, lines } = linesOf(tables.cel);
  const folder = folderFor(t);
  const file = join(folder, 'cel.csv');
  // So long that it is more than one block.
  const long = Array.from({ length: 3 }, () => lines.join('')).join('');
  const place = createFileRecords({ source: SOURCE, files: [{ table: 'cel', file, columns }], callsAtOnce: 1 });
  writeFileSync(file, long);
  let pages = 0;
  const seen = new Set<string>();
  for await (const { events } of place.read(spanOf(calls))) {
    for (const id of callsIn(events).keys()) seen.add(id);
    if (pages++ > 0) continue;
    renameSync(file, `${file}.1`);
    writeFileSync(file, '');
  }
  t.equal(seen.size, calls.size);
  t.ok(pages > 1);

  copyFileSync(`${file}.1`, file);
  await t.rejects(
    async () => {
      for await (const _ of place.read(spanOf(calls))) truncateSync(file, 0);
    },
    { name: 'RecordsError', message: /cel\.csv: was cut while it was read; the records are read again later/ },
  );
});

t.test('files that cannot be read are told with the remedy', async (t) => {
  const folder = folderFor(t);
  const problem = async (file: string): Promise<string | null> => {
    const place = createFileRecords({
      source: SOURCE,
      files: [{ table: 'cdr', file: join(folder, file), columns: [] }],
    });
    const { problem } = await place.check();
    await t.rejects(readCalls(place, { from: 0, to: Date.now() }), {
      name: 'RecordsError',
      message: problem ?? 'none',
    });
    return problem;
  };
  t.match(await problem('Master.csv'), /Master\.csv: does not exist: correct cdr_file .* FreePBX .*type = 'mysql'/);
  t.match(await problem('none/Master.csv'), /none: does not exist: correct cdr_file/);
  mkdirSync(join(folder, 'folder.csv'));
  t.match(await problem('folder.csv'), /is not a file: correct cdr_file/);
  writeFileSync(join(folder, 'packed.csv'), '');
  writeFileSync(join(folder, 'packed.csv.1.gz'), gzipSync('a,b\n').subarray(0, 12));
  const place = createFileRecords({
    source: SOURCE,
    files: [{ table: 'cdr', file: join(folder, 'packed.csv'), columns: [] }],
  });
  await t.rejects(readCalls(place, { from: 0, to: Date.now() }), {
    message: /packed\.csv\.1\.gz: is no whole gzip file/,
  });
});

t.test('a file of another kind is told as what it is', async (t) => {
  const file = join(folderFor(t), 'master.db');
  writeFileSync(file, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.from('\nx\n'.repeat(2000))]));
  for (const [table, key] of [
    ['cdr', 'file'],
    ['cel', 'cel_file'],
  ] as const) {
    const { problem } = await createFileRecords({ source: SOURCE, files: [{ table, file, columns: [] }] }).check();
    t.equal(
      problem,
      `${file}: is an SQLite database, no CSV: set type = 'sqlite' and ${key} = '${file}' in [[source.records]], in place of ${table}_file.`,
    );
  }
});
