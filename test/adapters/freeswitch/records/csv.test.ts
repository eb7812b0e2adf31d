/** Files of mod_cdr_csv as a place of records. */
import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { BEST_TEMPLATE } from '../../../../adapters/freeswitch/records/csv/template.ts';
import { createCsvRecords } from '../../../../adapters/freeswitch/records/index.ts';
import type { CsvOptions } from '../../../../adapters/freeswitch/records/options.ts';
import { bytesOf, scenarioOf } from '../../../support/cdr.ts';
import { bestLine } from './csv-rows.ts';
import { bodiesOf, found, lay, SOURCE, stoppedByRights, temporary, told } from './support.ts';

const DAY = 24 * 3_600_000;
const at = (text: string) => Date.parse(`${text.replace(' ', 'T')}Z`);
const SPAN = { from: at('2026-11-22 00:00:00'), to: at('2026-11-29 00:00:00') };
const LATER = at('2027-01-01 00:00:00');

const csv = (name: string) => bytesOf(scenarioOf('freeswitch-1.11', name), 'cdr.csv.gz');
const place = (file: string, more: Partial<CsvOptions> = {}) =>
  createCsvRecords({ name: file, file, source: SOURCE, timeZone: 'UTC', now: () => LATER, ...more });
const callsIn = async (folder: string, content: Uint8Array | string, more: Partial<CsvOptions> = {}) => {
  const file = join(folder, 'Master.csv');
  writeFileSync(file, content);
  return told(place(file, more), SPAN);
};

/** A variable as a template names it. */
const v = (name: string) => `\${${name}}`;

/** A line of the template "example". */
const line = (uuid: string, fields: Readonly<Record<string, string>> = {}): string => {
  const { name = 'Ravi', from = '+919845012345', to = '+918041110006', start = '2026-11-22 10:00:00' } = fields;
  const { answer = '', end = '2026-11-22 10:00:10', cause = 'NORMAL_CLEARING', other = '', duration = '10' } = fields;
  const values = [name, from, to, 'public', start, answer, end, duration, '0', cause, uuid, other, '', 'PCMU', 'PCMU'];
  return `${values.map((value) => `"${value}"`).join(',')}\n`;
};

t.test('the template that FreeSWITCH ships', async (t) => {
  const folder = temporary(t);
  t.match((await callsIn(folder, csv('queue_answered'))).calls, [
    { direction: 'Inbound', status: 'Answered', externalE164: '+919845012345', did: '+918041110006', agent: '1006' },
  ]);
  t.match((await callsIn(folder, csv('ringgroup_second_answers'))).calls, [
    { agent: '1002', agentsRung: ['1001', '1003', '1002'], status: 'Answered', legs: 4 },
  ]);
  t.match((await callsIn(folder, csv('out_answered'))).calls, [
    { direction: 'Outbound', status: 'Answered', agent: '1001', externalE164: '+919845012345' },
  ]);
  t.match((await callsIn(folder, csv('out_busy'))).calls, [{ direction: 'Outbound', status: 'Busy', agent: '1003' }]);
  t.match((await callsIn(folder, csv('click2call_bridge'))).calls, [
    { direction: 'Outbound', status: 'Answered', agent: '1001', externalE164: '+971501234567' },
  ]);
  t.match((await callsIn(folder, csv('internal'))).calls, [{ direction: 'Internal', status: 'Answered' }]);
});

t.test(
  'an extension to which the dialplan has put a call through is not told as the number that was dialled',
  async (t) => {
    const { calls } = await callsIn(temporary(t), csv('in_answered_agent_hangup'));
    t.match(calls, [{ direction: 'Inbound', status: 'Answered', agent: '1001', did: null }]);
  },
);

t.test('names with quotes, commas, line feeds, and in two encodings', async (t) => {
  const { calls, skipped } = await callsIn(temporary(t), csv('names_utf8'));
  t.strictSame(skipped, {});
  t.strictSame(
    calls.map(({ externalName }) => externalName).sort(),
    [
      '%{uuid} $1',
      "O'Brien, Séan & Co; 50% off",
      'Tab\\Back <x>',
      'a b\nc',
      'José Muñoz',
      'محمد \\"Abu\\" علي',
      'राम शर्मा',
      '日本 太郎 😀',
      '+919845012345',
    ].sort(),
  );
});

t.test('lines that are cut off or foreign are counted, and cost nothing else', async (t) => {
  const folder = temporary(t);
  const [a, b, c] = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'].map((id) => line(`${id}-0000-0000-0000-000000000000`));
  const cut = line('dddddddd-0000-0000-0000-000000000000').slice(0, 60);
  const { calls, skipped } = await callsIn(folder, [a, 'name,number\n', cut, b, `${cut}\n`, '\n', c].join(''));
  t.equal(calls.length, 3);
  t.match(
    Object.entries(skipped).sort(([x], [y]) => (x < y ? -1 : 1)),
    [
      [/a line is cut off or of no template that is known; set template as in cdr_csv\.conf\.xml/, 2],
      [/a line is cut off; was the disk full\? The one behind it was read/, 1],
    ],
  );
  t.notMatch(JSON.stringify(Object.keys(skipped)), /9845012345|Ravi/);
});

t.test('a last line that is being written is read by the next reading', async (t) => {
  const folder = temporary(t);
  const file = join(folder, 'Master.csv');
  const whole = line('aaaaaaaa-0000-0000-0000-000000000000');
  const end = at('2026-11-22 10:00:10');
  lay(folder, 'Master.csv', whole + whole.replaceAll('aaaaaaaa', 'bbbbbbbb').slice(0, 50), end);
  const first = await told(place(file, { now: () => end + 5000 }), { from: end - DAY, to: end });
  t.equal(first.calls.length, 0, 'what ended so late may have lines to come');
  t.strictSame(first.skipped, {});
  const upTo = first.pages.at(-1)?.upTo ?? 0;
  t.ok(upTo < end);
  appendFileSync(file, whole.replaceAll('aaaaaaaa', 'bbbbbbbb').slice(50));
  t.equal((await told(place(file), { from: upTo, to: end + 5000 })).calls.length, 2);
  // An hour later nobody will finish it.
  lay(folder, 'Master.csv', whole + whole.slice(0, 50), end);
  const late = await told(place(file, { now: () => end + 3_600_000 }), { from: end - DAY, to: end });
  t.match(Object.entries(late.skipped), []);
  t.equal(late.pages.at(-1)?.upTo, end);
});

t.test('files that were put aside', async (t) => {
  const folder = temporary(t);
  const day = (n: number) => `2026-11-${n} 10:00:00`;
  const call = (id: string, n: number) =>
    line(`${id}-0000-0000-0000-000000000000`, { start: day(n), end: day(n).replace(':00:00', ':00:10') });
  lay(folder, 'Master.csv.2026-11-20-23-00-00', call('aaaaaaaa', 20), at(day(20)) + 20_000);
  lay(folder, 'Master.csv.2026-11-21-23-00-00.gz', gzipSync(call('bbbbbbbb', 21)), at(day(21)) + 20_000);
  lay(folder, 'Master.csv', call('cccccccc', 22), at(day(22)) + 20_000);
  lay(folder, 'Master.csv~', 'x', at(day(22)));
  lay(folder, '1001.csv', call('dddddddd', 22), at(day(22)));
  const ids = async (from: number, to: number) =>
    (await told(place(join(folder, 'Master.csv')), { from: at(day(from)), to: at(day(to)) + 20_000 })).calls
      .map(({ callSessionId }) => callSessionId.slice(11, 12))
      .join('');
  t.equal(await ids(20, 22), 'abc');
  t.equal(await ids(21, 21), 'b');
  t.equal(await ids(22, 22), 'c');
  t.equal((await told(place(join(folder, '1001.csv')), SPAN)).calls.length, 1);
});

t.test('a place in a large file is found without reading what is before', async (t) => {
  const folder = temporary(t);
  const start = at('2026-11-01 00:00:00');
  const stamp = (time: number) => new Date(time).toISOString().slice(0, 19).replace('T', ' ');
  const lines = Array.from({ length: 20_000 }, (_, n) => {
    const begun = start + n * 120_000;
    const id = `${String(n).padStart(8, '0')}-0000-0000-0000-000000000000`;
    return line(id, { start: stamp(begun), end: stamp(begun + 10_000) });
  });
  // What lies days before is damaged: reading it would be told.
  lines.splice(100, 10, ...Array.from({ length: 10 }, () => 'damaged\n'));
  const file = lay(folder, 'Master.csv', lines.join(''), start + 20_000 * 120_000);
  const from = start + 15_000 * 120_000;
  const { calls, skipped, pages } = await told(place(file), { from, to: from + 3_600_000 });
  t.strictSame(skipped, {});
  t.equal(calls.length, 30);
  t.equal(calls[0]?.startedAt, from + 500, 'the middle of the second');
  t.ok(pages.length > 0);
});

t.test('a line from a time when the clock of the PBX was ahead does not hide those behind it', async (t) => {
  const folder = temporary(t);
  const call = (id: string, day: string) =>
    line(`${id}-0000-0000-0000-000000000000`, { start: `${day} 10:00:00`, end: `${day} 10:00:10` });
  const content = [call('aaaaaaaa', '2026-11-22'), call('bbbbbbbb', '2036-11-22'), call('cccccccc', '2026-11-23')].join(
    '',
  );
  const file = lay(folder, 'Master.csv', content, at('2026-11-23 10:00:11'));
  const { calls, skipped } = await told(place(file), SPAN);
  t.equal(calls.length, 2);
  t.match(Object.entries(skipped), [
    [/a line tells an end after it was written; was the clock of the PBX or its zone set\?/, 1],
  ]);
});

t.test('local times while clocks are set back: the duration and the order of the lines decide', async (t) => {
  const folder = temporary(t);
  const call = (id: string, start: string, end: string, duration: number) =>
    line(`${id}-0000-0000-0000-000000000000`, {
      start: `2026-10-25 ${start}`,
      end: `2026-10-25 ${end}`,
      duration: String(duration),
    });
  const content = [
    call('aaaaaaaa', '02:50:00', '02:55:00', 300),
    call('bbbbbbbb', '02:58:00', '02:03:00', 300),
    call('cccccccc', '02:10:00', '02:15:00', 300),
    call('dddddddd', '01:30:00', '02:20:00', 6600),
  ].join('');
  const file = lay(folder, 'Master.csv', content, at('2026-10-25 01:30:00'));
  const span = { from: at('2026-10-24 20:00:00'), to: at('2026-10-25 12:00:00') };
  const { calls } = await told(place(file, { timeZone: 'Europe/Berlin' }), span);
  const times = Object.fromEntries(
    calls.map((one) => [
      one.callSessionId[11],
      [one.startedAt, one.endedAt].map((time) => new Date(time).toISOString().slice(11, 16)).join('-'),
    ]),
  );
  t.strictSame(times, { a: '00:50-00:55', b: '00:58-01:03', c: '01:10-01:15', d: '23:30-01:20' });
});

t.test('a template that tells how legs belong together', async (t) => {
  const folder = temporary(t);
  for (const name of ['blind_refer', 'att_xfer_cancelled', 'followme_mobile_answers', 'queue_ringall_answered']) {
    const scenario = scenarioOf('freeswitch-1.11', name);
    const { calls, skipped } = await callsIn(folder, bodiesOf(scenario).map(bestLine).join(''));
    const [truth] = scenario.truth;
    t.strictSame(skipped, {});
    t.match(calls, [{ status: truth?.status, agent: truth?.agent, externalE164: truth?.externalE164 }], name);
    t.strictSame([...(calls[0]?.agentsRung ?? [])].sort(), [...(truth?.agentsRung ?? [])].sort(), name);
  }
  const proposed = bytesOf(scenarioOf('freeswitch-1.11', 'cdr_csv_proposed_template'), 'cdr.csv.gz');
  t.match((await callsIn(folder, proposed)).calls.length, 8);
});

t.test("an admin's own template", async (t) => {
  const folder = temporary(t);
  const template = `${v('start_epoch')};${v('end_epoch')};${v('uuid')};${v('caller_id_number')};"${v('destination_number')}"`;
  const content = '1795341600;1795341610;aaaaaaaa-0000-0000-0000-000000000000;+919845012345;"+918041110001"\n';
  const { calls, skipped } = await callsIn(folder, content, { template });
  t.match(calls, [{ direction: 'Inbound', did: '+918041110001', startedAt: 1795341600500 }]);
  t.strictSame(skipped, {});
  t.throws(() => place('Master.csv', { template: v('caller_id_number') }), {
    message:
      /^Master\.csv: its template tells no \$\{uuid\}, \$\{start_uepoch\} or \$\{end_uepoch\}; add them in cdr_csv/,
  });
  t.throws(() => place('Master.csv', { timeZone: 'Mars/Olympus' }), { name: 'RangeError' });
});

t.test('what is checked without reading a call', async (t) => {
  const folder = temporary(t);
  const file = join(folder, 'Master.csv');
  const check = (content: string | Uint8Array, more: Partial<CsvOptions> = {}) => {
    writeFileSync(file, content);
    return place(file, more).check();
  };
  t.match(await place(file).check(), { problem: /Master\.csv: is not there; .*mod_cdr_csv/, hints: [] });
  await t.rejects(told(place(file), SPAN), { name: 'RecordsError', message: /is not there/ });
  t.match(await place(folder).check(), { problem: /is a folder; name the file in it/ });
  await t.rejects(told(place(folder), SPAN), { name: 'RecordsError', message: /is a folder/ });
  t.match(await check(''), { problem: null, hints: [/holds no call yet/] });
  t.match(await check('a,b\n'), { problem: /of no template that is known/ });
  const { problem, hints } = await check(csv('queue_answered'));
  t.equal(problem, null);
  t.match(hints, [/<param name="legs" value="ab"\/>/]);
  t.ok(hints[0]?.includes(`<template name="logcalld">${BEST_TEMPLATE}</template>`), 'the exact line to add');
  const own = bodiesOf(scenarioOf('freeswitch-1.11', 'ringgroup_second_answers'));
  t.strictSame(await check(own.map(bestLine).join('')), { problem: null, hints: [] });
  t.match(
    await check(
      own
        .filter(({ leg }) => !leg.called)
        .map(bestLine)
        .join(''),
    ),
    { hints: [/have no lines/] },
  );
});

t.test('a call is found among the lines that were written while it went on', async (t) => {
  const folder = temporary(t);
  const [whole] = (await callsIn(folder, csv('ringgroup_second_answers'))).calls;
  if (whole === undefined) throw new Error('no call');
  const span = { from: whole.startedAt - 5000, to: whole.endedAt + 5000 };
  const one = place(join(folder, 'Master.csv'));
  const id = whole.callSessionId.slice(SOURCE.length + 1);
  t.strictSame((await found(one, [{ id, span }])).calls, [whole]);
  t.strictSame((await found(one, [{ id: '5f0c7c7e-0000-4000-8000-000000000000', span }])).calls, []);
});

t.test('a file that FreeSWITCH has made anew for itself alone is not passed over', async (t) => {
  const folder = temporary(t);
  const file = join(folder, 'Master.csv');
  const aside = join(folder, 'Master.csv.2026-11-22-10-00-00');
  writeFileSync(aside, csv('queue_answered'));
  writeFileSync(file, csv('out_answered'));
  chmodSync(file, 0);
  const read = () => stoppedByRights(folder, () => told(place(file), SPAN));
  await t.rejects(read(), {
    name: 'RecordsError',
    message: /Master\.csv: cannot be read \(EACCES\); allow it: setfacl .*again after each rotation/,
  });
  t.match(await stoppedByRights(folder, () => place(file).check()), { problem: /again after each rotation/ });
  chmodSync(file, 0o644);
  chmodSync(aside, 0);
  await t.rejects(read(), { name: 'RecordsError', message: /Master\.csv\.2026-11-22-10-00-00: cannot be read/ });
});

t.test('a PBX whose clock is ahead of this one: its lines are held to be complete by its own clock', async (t) => {
  const folder = temporary(t);
  const file = join(folder, 'Master.csv');
  writeFileSync(file, line('5f0c7c7e-0000-4000-8000-000000000001'));
  const span = { from: at('2026-11-22 09:00:00'), to: at('2026-11-22 10:05:00') };
  const one = place(file, { now: () => at('2026-11-22 09:10:00') });
  t.equal((await told(one, span)).pages.at(-1)?.upTo, at('2026-11-22 09:10:00'));
  t.equal((await told(one, span, undefined, 3_600_000)).pages.at(-1)?.upTo, span.to);
});
