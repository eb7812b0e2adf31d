/** Layouts of Asterisk's files of records, and what is said about files that are none. */
import t from 'tap';
import { readCsv } from '../../../../adapters/asterisk/records/csv.ts';
import { readAsteriskRecords } from '../../../../adapters/asterisk/records/reader.ts';
import { ALWAYS, bytesOf, scenarioOf } from '../../../support/cdr.ts';

const scenario = scenarioOf('asterisk-22', 'ami_reconnect');
const master = bytesOf(scenario, 'Master.csv.gz').toString();
const custom = bytesOf(scenario, 'cdr_custom.csv.gz').toString();
const lines = master.trimEnd().split('\n');
const rowsIn = (content: string | Uint8Array) => readCsv('Master.csv', Buffer.from(content)).rows;
const read = (content: string | Uint8Array, from = ALWAYS.from, to = ALWAYS.to) =>
  readAsteriskRecords([{ name: 'Master.csv', content: Buffer.from(content) }], 'pbx', { from, to });
const channels = (content: string, from?: number, to?: number) =>
  read(content, from, to).events.filter(({ kind }) => kind === 'channel-created').length;
const refused = (content: string | Uint8Array): string => {
  try {
    readCsv('Master.csv', Buffer.from(content));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing';
};
const said = (content: string) =>
  read(content)
    .skipped.map(({ why }) => why)
    .join('\n');
const changed = (index: number, from: string | RegExp, to: string) =>
  lines.map((line, at) => (at === index ? line.replace(from, to) : line)).join('\n');

t.test('the layouts without names of columns are told by their form', async (t) => {
  const withoutUserfield = master.replace(/("\d+\.\d+"),""/g, '$1');
  for (const text of [master, custom, withoutUserfield, `\uFEFF${master}`, `${master}\n\n`]) {
    const rows = rowsIn(text);
    t.equal(rows.length, 4);
    const [first] = rows;
    t.match(first, {
      src: '+919845012345',
      channel: 'PJSIP/trunk-in-00000001',
      dstchannel: 'PJSIP/1001-00000003',
      lastapp: 'Dial',
      disposition: 'ANSWERED',
      uniqueid: '1795345405.1',
      linkedid: '1795345405.1',
      sequence: '1',
    });
  }
  t.equal(rowsIn(custom)[0]?.did, '+918041110001');
  t.same(rowsIn(''), [], 'a PBX without a call');
});

t.test('the sample of cel_custom.conf, with its literal and without', async (t) => {
  const values =
    '"2026-11-22 16:33:25.102","","+919845012345","","","","+918041110001","from-trunk","PJSIP/a-00000001","","","3","",' +
    '"1795345405.1","1795345405.1","","","",""\n';
  for (const text of [`"CHAN_START",${values}`, `"CHAN_START","My Literal",${values}`]) {
    const { table, rows } = readCsv('Master.csv', Buffer.from(text));
    t.equal(table, 'cel');
    t.match(rows[0], { channame: 'PJSIP/a-00000001', exten: '+918041110001', linkedid: '1795345405.1' });
  }
});

t.test('rows of another time are left out, by the second in the uniqueid', async (t) => {
  const all = channels(master);
  t.ok(channels(master, 1795345406000 + 86_400_000) < all);
  t.ok(channels(master, 0, 1795345405000) < all);
  t.equal(channels(master, 1795345500000 + 86_400_000), 0);
});

t.test('a file of another kind is named with what to give instead', async (t) => {
  t.match(
    refused('SQLite format 3\0\u0001'),
    /^Master\.csv: is an SQLite database; for Asterisk give Master\.csv, .* \(sqlite3 -header -csv FILE "select \* from cdr" > cdr\.csv\)\.$/,
  );
  t.match(refused('{"file":"x","bodyBase64":""}\n'), /^Master\.csv: is JSON, as FreeSWITCH writes it;/);
  t.match(refused('\0\0\0\u0001'), /^Master\.csv: is not a text file;/);
  t.match(
    refused(lines.map((line) => line.split(',').slice(0, 16).join(',')).join('\n')),
    /^Master\.csv: line 1: \d+ columns in no layout that is known; for Master\.csv set loguniqueid=yes and newcdrcolumns=yes/,
  );
  t.match(
    refused('channel,uniqueid\na,1\n'),
    /^Master\.csv: line 1: has no column dstchannel, disposition, linkedid, start, end;/,
  );
  t.match(refused('channame,uniqueid\na,1\n'), /^Master\.csv: line 1: has no column eventtype, eventtime, linkedid;/);
});

t.test('file, line and column of a row that is left out', async (t) => {
  t.match(said(changed(2, '2026-11-22 11:03:34', 'yesterday')), /^Master\.csv: line 3: column end is not a time like /);
  t.match(said(changed(1, /"1795345408\.4"/, '"x"')), /^Master\.csv: line 2: column uniqueid is not an id like/);
  t.match(said(changed(3, '"ANSWERED"', '"7"')), /^Master\.csv: line 4: column disposition/);
  t.match(
    said(changed(0, '2026-11-22 11:03:28', '2025-11-22 11:03:28')),
    /^Master\.csv: line 1: column end lies before/,
  );
  t.notMatch(
    said(changed(2, '2026-11-22 11:03:34', 'yesterday')),
    /971501234567|yesterday/,
    'nothing of the row is quoted',
  );
  t.equal(
    channels(changed(2, '2026-11-22 11:03:34', 'yesterday')),
    channels(lines.filter((_, at) => at !== 2).join('\n')),
  );
});

t.test('a file that is being written, or was cut off, tells the rest', async (t) => {
  for (const text of [master.slice(0, -60), `${master}"a,b`, `${lines[0]}\n"a,b\n${lines.slice(1).join('\n')}`]) {
    const { skipped, events } = read(text);
    t.same(
      skipped.map(({ count }) => count),
      [1],
    );
    t.match(skipped[0]?.why, /^Master\.csv: line \d: .*was the file cut off/);
    t.ok(events.length > 0);
  }
});
