/** Layouts of Asterisk's CDR files, and what is said about files that are none. */
import t from 'tap';
import { readRows } from '../../../../adapters/asterisk/cdr/table.ts';
import { bytesOf, scenarioOf } from '../../../support/cdr.ts';

const scenario = scenarioOf('asterisk-22', 'ami_reconnect');
const master = bytesOf(scenario, 'Master.csv.gz').toString();
const custom = bytesOf(scenario, 'cdr_custom.csv.gz').toString();
const LATE = Number.MAX_SAFE_INTEGER;
const read = (content: string | Uint8Array, from = 0, to = LATE) =>
  readRows('Master.csv', Buffer.from(content), from, to);
const said = (content: string | Uint8Array): string => {
  try {
    read(content);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing';
};

t.test('the layouts without names of columns are told by their form', async (t) => {
  const withoutUserfield = master.replace(/("\d+\.\d+"),""/g, '$1');
  for (const text of [master, custom, withoutUserfield, `\uFEFF${master}`, `${master}\n\n`]) {
    const rows = read(text);
    t.equal(rows.length, 4);
    const [first] = rows;
    t.match(first, {
      line: 1,
      src: '+919845012345',
      channel: 'PJSIP/trunk-in-00000001',
      dstchannel: 'PJSIP/1001-00000003',
      lastapp: 'Dial',
      disposition: 'ANSWERED',
      uniqueid: '1795345405.1',
      linkedid: '1795345405.1',
      sequence: 1,
    });
  }
  t.equal(read(custom)[0]?.did, '+918041110001');
  t.same(read(''), [], 'a PBX without a call');
});

t.test('any layout with names of columns, and tables without times of answer and end', async (t) => {
  const freepbx =
    'calldate,clid,src,dst,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,uniqueid,linkedid,did\n' +
    '2026-11-22 11:03:25,"""A"" <1>",1,2,SIP/a-00000001,SIP/b-00000002,Dial,SIP/b,9,8,ANSWERED,1795345405.1,1795345405.1,80\n' +
    '2026-11-22 11:03:25,,1,2,SIP/a-00000001,,Dial,SIP/b,9,0,NO ANSWER,1795345405.1,1795345405.1,80\n';
  const [answered, missed] = read(freepbx);
  const start = Date.UTC(2026, 10, 22, 11, 3, 25);
  t.match(answered, { line: 2, start, answer: start + 1000, end: start + 9000, did: '80', sequence: 0 });
  t.match(missed, { line: 3, start, answer: null, end: start + 9000 });
});

t.test('rows of another time are left out, by the second in the uniqueid', async (t) => {
  t.equal(read(master, 1795345406000).length, 2);
  t.equal(read(master, 0, 1795345405000).length, 2);
  t.same(read(master, 1795345500000), []);
});

t.test('a file of another kind is named with what to give instead', async (t) => {
  t.equal(
    said('SQLite format 3\0\u0001'),
    'Master.csv: is an SQLite database; for Asterisk give Master.csv, a file of cdr_custom, or the cdr table as CSV.',
  );
  t.match(said('{"file":"x","bodyBase64":""}\n'), /^Master\.csv: is JSON, as FreeSWITCH writes it;/);
  t.match(said('\0\0\0\u0001'), /^Master\.csv: is not a text file;/);
});

t.test('file, line, column and remedy of everything else', async (t) => {
  const lines = master.trimEnd().split('\n');
  const changed = (index: number, from: string | RegExp, to: string) =>
    lines.map((line, at) => (at === index ? line.replace(from, to) : line)).join('\n');
  t.match(
    said(lines.map((line) => line.split(',').slice(0, 16).join(',')).join('\n')),
    /^Master\.csv: line 1: \d+ columns in no layout that is known; for Master\.csv set loguniqueid=yes and newcdrcolumns=yes/,
  );
  t.match(
    said('channel,uniqueid\na,1\n'),
    /^Master\.csv: line 1: has no column dstchannel, start, disposition, linkedid, end;/,
  );
  t.match(
    said(changed(2, '2026-11-22 11:03:34', 'yesterday')),
    /^Master\.csv: line 3: column 12 \(end\) is not a time like .*; was the file cut off, or its layout changed\? Remove/,
  );
  t.match(said(changed(1, /"1795345408\.4"/, '"x"')), /^Master\.csv: line 2: column 17 \(uniqueid\) is not an id like/);
  t.match(said(changed(3, '"ANSWERED"', '"7"')), /^Master\.csv: line 4: column 15 \(disposition\)/);
  t.match(
    said(changed(0, '2026-11-22 11:03:28', '2025-11-22 11:03:28')),
    /^Master\.csv: line 1: column 12 \(end\) lies before/,
  );
  t.match(said(master.slice(0, -60)), /^Master\.csv: line \d: .*was the file cut off/, 'cut in the last line');
  t.match(said(`${lines[0]}\n"a,b`), /^Master\.csv: line \d+: is not valid CSV; was the file cut off/);
  t.notMatch(
    said(changed(2, '2026-11-22 11:03:34', 'yesterday')),
    /971501234567|yesterday/,
    'nothing of the row is quoted',
  );
});
