/** Folders of mod_json_cdr as a place of records. */
import { chmodSync, existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { createJsonCdrRecords } from '../../../../adapters/freeswitch/records/json-cdr.ts';
import { callsOfCdr } from '../../../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { SkippedRecords } from '../../../../src/records/port.ts';
import { eventsOf, scenarioOf } from '../../../support/cdr.ts';
import { labPlan, scenarios } from '../../../support/recordings.ts';
import {
  bodiesOf,
  found,
  idsOf,
  lay,
  type RecordedBody,
  SOURCE,
  spanOfLegs,
  stoppedByRights,
  temporary,
  told,
} from './support.ts';

const HOUR = 3_600_000;

const recorded = scenarios().filter(
  ({ pbx, directory }) => pbx === 'freeswitch' && existsSync(new URL('json_cdr.jsonl.gz', directory)),
);
const bodies = (name: string) => bodiesOf(scenarioOf('freeswitch-1.11', name));
const place = (...folders: string[]) => createJsonCdrRecords({ name: 'json_cdr', folders, source: SOURCE });
const layAll = (folder: string, list: readonly RecordedBody[], prefix = '') => {
  for (const { file, bytes, leg } of list) lay(folder, prefix + file, bytes, leg.endedAt);
};
/** The calls of some legs, read at once. */
const callsOf = (list: readonly RecordedBody[]) => {
  const text = list.map(({ bytes }) => JSON.stringify(JSON.parse(bytes.toString()))).join('\n');
  return callsOfCdr(eventsOf('freeswitch', text), SOURCE, labPlan('freeswitch'), DEFAULT_RULES).map(
    (one) => one.record,
  );
};

t.test('the calls of all recordings, in one folder', async (t) => {
  const folder = temporary(t);
  const all = recorded.map(bodiesOf);
  for (const list of all) layAll(folder, list);
  const whole = await told(place(folder), spanOfLegs(all.flat()));
  t.strictSame(whole.skipped, {});
  const wanted = all.flatMap(callsOf);
  t.strictSame(idsOf(whole.calls), idsOf(wanted), 'each once');
  const byId = new Map(whole.calls.map((call) => [call.callSessionId, call]));
  for (const call of wanted) t.strictSame(byId.get(call.callSessionId), call, call.callSessionId);
  t.ok(whole.pages.length > 1, 'in pages');
  t.ok(
    whole.pages.every(({ upTo }, index) => index === 0 || upTo >= (whole.pages[index - 1]?.upTo ?? 0)),
    'that go on',
  );
});

t.test('a span tells the calls that lie in it, wholly', async (t) => {
  const folder = temporary(t);
  const own = bodies('att_xfer_feature');
  for (const name of ['att_xfer_feature', 'in_answered_agent_hangup', 'ringgroup_second_answers'])
    layAll(folder, bodies(name));
  const { from, to } = spanOfLegs(own);
  for (const span of [
    { from, to },
    { from: from + 3000, to: from + 3001 },
    { from: to, to: to + HOUR },
  ]) {
    const { calls } = await told(place(folder), span);
    t.strictSame(calls, callsOf(own));
  }
  t.strictSame((await told(place(folder), { from: from - HOUR, to: from - 1 })).calls.length, 2, 'the others');
  t.strictSame((await told(place(folder), { from: to + 1, to: to + HOUR })).calls, []);
});

t.test('legs of a call that end hours apart, in folders of days, prefixed and packed', async (t) => {
  const folder = temporary(t);
  const own = bodies('attended_refer');
  const [first, ...rest] = own;
  if (first === undefined) throw new Error('no legs');
  // The first leg was recorded five hours before the others: further than strangers are looked for.
  lay(folder, `2026-11-21/a_${first.file}`, first.bytes, first.leg.endedAt - 5 * HOUR);
  for (const { file, bytes, leg } of rest) lay(folder, `2026-11-22/${file}.gz`, gzipSync(bytes), leg.endedAt);
  const last = spanOfLegs(own).to;
  const { calls, skipped } = await told(place(folder), { from: last, to: last });
  t.strictSame(calls, callsOf(own));
  t.strictSame(skipped, {});
});

t.test('a phone that a queue rang in vain an hour before is found, though nobody names it', async (t) => {
  const folder = temporary(t);
  const own = bodies('cdr_csv_proposed_template').filter(({ leg }) =>
    leg.events.some((event) => JSON.stringify(event).includes('5cc29acd-e220-46b9-b491-ce2f0b92c117')),
  );
  t.equal(own.length, 3);
  const [vain] = own.filter(({ leg }) => leg.ties.size === 1);
  for (const { file, bytes, leg } of own) {
    lay(folder, file, bytes, leg === vain?.leg ? leg.endedAt - HOUR : leg.endedAt);
  }
  const { calls } = await told(place(folder), { from: spanOfLegs(own).to, to: spanOfLegs(own).to });
  t.match(calls, [{ agent: '1007', agentsRung: ['1006', '1007'], legs: 3 }]);
});

t.test('without records of called legs the calls are the same', async (t) => {
  const folder = temporary(t);
  const own = bodies('ringgroup_second_answers');
  layAll(
    folder,
    own.filter(({ leg }) => !leg.called),
  );
  const { calls } = await told(place(folder), spanOfLegs(own));
  t.match(calls, [{ agent: '1002', agentsRung: ['1001', '1002', '1003'], status: 'Answered', legs: 4 }]);
  const { problem, hints } = await place(folder).check();
  t.equal(problem, null);
  t.match(hints, [/<param name="log-b-leg" value="true"\/>/]);
  layAll(folder, own);
  t.strictSame(await place(folder).check(), { problem: null, hints: [] });
});

t.test('the spool of failed posts, URL-encoded or in base64, and a leg that is in both folders', async (t) => {
  const [logs, spool] = [temporary(t), temporary(t)];
  const own = bodies('in_answered_caller_hangup');
  layAll(logs, own);
  for (const [index, { file, bytes, leg }] of own.entries()) {
    const text = index % 2 === 0 ? encodeURIComponent(bytes.toString()) : `${bytes.toString('base64')}\n`;
    lay(spool, file, text, leg.endedAt + 20_000);
  }
  const span = spanOfLegs(own);
  t.strictSame((await told(place(spool), span)).calls, callsOf(own));
  t.strictSame((await told(place(logs, spool, `${spool}/`), span)).calls, callsOf(own));
});

t.test('what is no record is counted, and costs nothing else', async (t) => {
  const folder = temporary(t);
  const own = bodies('in_answered_caller_hangup');
  layAll(folder, own);
  const { to } = spanOfLegs(own);
  const other = (n: number) => `${n}0000000-0000-0000-0000-000000000000.cdr.json`;
  lay(folder, 'README.txt', 'x', to);
  lay(folder, '.hidden', 'x', to);
  lay(folder, 'old.txt', 'x', to - 30 * HOUR);
  lay(folder, other(1), own[0]?.bytes.subarray(0, 700) ?? '', to);
  lay(folder, other(2), '', to);
  lay(folder, other(3), '{"some":"thing"}', to);
  lay(folder, `${other(4)}.gz`, 'not packed', to);
  lay(folder, other(5), '{"variables":{"uuid":"a","start_uepoch":"x"}}', to);
  mkdirSync(join(folder, other(6)));
  const { calls, skipped } = await told(place(folder), spanOfLegs(own));
  t.strictSame(calls, callsOf(own));
  const said = Object.entries(skipped).sort(([a], [b]) => (a < b ? -1 : 1));
  t.match(said, [
    [/10000000.*: is no whole record, FreeSWITCH ended or the disk was full/, 3],
    [/30000000.*: is JSON without "variables" and their "uuid"; it is no file of mod_json_cdr/, 2],
    [/README\.txt: is not named like a record of mod_json_cdr/, 1],
  ]);
  t.equal(said.length, 3);
});

t.test('a file that is being written is read by the next reading', async (t) => {
  const folder = temporary(t);
  const own = bodies('in_answered_caller_hangup');
  const [first, second] = own;
  if (first === undefined || second === undefined) throw new Error('no legs');
  const { from, to } = spanOfLegs(own);
  const early = first.leg.endedAt - 10;
  lay(folder, first.file, first.bytes.subarray(0, 500), early);
  lay(folder, second.file, second.bytes, second.leg.endedAt);
  const at = (now: number) => createJsonCdrRecords({ name: 'x', folders: [folder], source: SOURCE, now: () => now });
  const early1 = await told(at(to + 1000), { from, to });
  t.equal(early1.pages.at(-1)?.upTo, early - 1, 'goes on before it');
  t.strictSame(early1.skipped, {});
  t.strictSame(early1.calls, [], 'the call is not told in part');
  // The same when the file of the leg that ended first is whole.
  lay(folder, first.file, first.bytes, early);
  lay(folder, second.file, second.bytes.subarray(0, 500), second.leg.endedAt);
  t.strictSame((await told(at(to + 1000), { from, to })).calls, []);
  lay(folder, second.file, second.bytes, second.leg.endedAt);
  lay(folder, first.file, first.bytes, early);
  const next = await told(at(to + 1000), { from: early - 1, to });
  t.strictSame(next.calls, callsOf(own));
  t.equal(next.pages.at(-1)?.upTo, to);
  // Nothing is told of the time to come.
  t.equal((await told(at(to + 1000), { from, to: to + HOUR })).pages.at(-1)?.upTo, to + 1000);
});

t.test('a broken record of a leg that others name is counted once, and told as they tell it', async (t) => {
  const folder = temporary(t);
  const own = bodies('in_answered_caller_hangup');
  layAll(folder, own);
  const called = own.find(({ leg }) => leg.called);
  lay(folder, called?.file ?? '', called?.bytes.subarray(0, 300) ?? '', called?.leg.endedAt ?? 0);
  const { calls, skipped } = await told(place(folder), spanOfLegs(own));
  t.match(calls, [{ status: 'Answered', agent: '1001', agentsRung: ['1001'] }]);
  t.match(Object.entries(skipped), [[/is no whole record/, 1]]);
});

t.test('files that go away while the folder is read', async (t) => {
  const folder = temporary(t);
  const all = recorded.flatMap(bodiesOf).sort((a, b) => a.leg.endedAt - b.leg.endedAt);
  layAll(folder, all);
  const last = all.slice(-4);
  const skipped: SkippedRecords[] = [];
  let pages = 0;
  for await (const page of place(folder).read(spanOfLegs(all))) {
    if (pages === 0) for (const { file } of last) rmSync(join(folder, file));
    pages += 1;
    skipped.push(...page.skipped);
  }
  t.ok(pages > 1);
  t.match(skipped, [{ count: last.length, why: /was removed while the folder was read/ }]);
});

t.test('a folder that cannot be read', async (t) => {
  const folder = temporary(t);
  const missing = join(folder, 'json_cdr');
  await t.rejects(told(place(missing), { from: 0, to: 1 }), {
    name: 'RecordsError',
    message: /json_cdr: is not there; load mod_json_cdr .*<param name="log-dir" value=".*json_cdr"\/>/,
  });
  t.match(await place(missing).check(), { problem: /is not there; load mod_json_cdr/, hints: [] });
  writeFileSync(missing, '');
  await t.rejects(told(place(missing), { from: 0, to: 1 }), { message: /is a file; name the folder/ });
  t.match(await place(folder).check(), { problem: null, hints: [/holds no record of a call/] });
});

t.test('files and folders without the right to read them: the time is not held to be read', async (t) => {
  const folder = temporary(t);
  const own = bodies('in_answered_caller_hangup');
  const span = spanOfLegs(own);
  layAll(folder, own);
  for (const { file } of own) chmodSync(join(folder, file), 0);
  const read = () => stoppedByRights(folder, () => told(place(folder), span));
  const denied = { name: 'RecordsError', message: /cannot be read \(EACCES\); allow it: setfacl/ };
  await t.rejects(read(), denied);
  const id = own[0]?.leg.channel ?? '';
  await t.rejects(
    stoppedByRights(folder, () => found(place(folder), [{ id, span }])),
    denied,
  );
  t.match(await stoppedByRights(folder, () => place(folder).check()), { problem: /cannot be read \(EACCES\)/ });

  // One among others that can be read is left out, and counted.
  chmodSync(join(folder, own[0]?.file ?? ''), 0o644);
  t.match(Object.entries((await read()).skipped), [[/cannot be read \(EACCES\); allow it: setfacl/, 1]]);

  // With rotate each start makes a folder; of one that was closed before that time nothing is missing.
  const begun = join(folder, '2026-11-22-10-00-00');
  mkdirSync(begun);
  chmodSync(begun, 0o700);
  await t.rejects(read(), {
    name: 'RecordsError',
    message: /2026-11-22-10-00-00: may not be read; allow it: setfacl -R/,
  });
  chmodSync(begun, 0o744);
  lay(begun, own[1]?.file ?? '', own[1]?.bytes ?? '', span.to);
  await t.rejects(read(), { message: /2026-11-22-10-00-00: may not be read/ }, 'it can be listed, and nothing more');
  chmodSync(begun, 0o700);
  utimesSync(begun, span.from / 1000 - 86_400, span.from / 1000 - 86_400);
  t.ok(Object.keys((await read()).skipped).some((why) => /2026-11-22-10-00-00: may not be read/.test(why)));
});

t.test('a PBX whose clock is ahead of this one: what it has recorded by its own clock is read', async (t) => {
  const folder = temporary(t);
  const own = bodies('in_answered_caller_hangup');
  const span = spanOfLegs(own);
  layAll(folder, own);
  const ahead = HOUR;
  const one = createJsonCdrRecords({ name: 'x', folders: [folder], source: SOURCE, now: () => span.to + 1000 - ahead });
  t.strictSame((await told(one, span)).calls, [], 'by our clock it lies in the time to come');
  const seen = await told(one, span, undefined, ahead);
  t.strictSame([seen.calls, seen.pages.at(-1)?.upTo], [callsOf(own), span.to]);
});

t.test('a call is found by its id, and costs nothing before it has its file', async (t) => {
  const folder = temporary(t);
  const own = bodies('att_xfer_feature');
  const [wanted] = callsOf(own);
  const id = (wanted?.callSessionId ?? '').slice(SOURCE.length + 1);
  const strangers = bodies('ringgroup_second_answers').map((one) => ({ ...one, leg: { ...one.leg } }));
  const span = spanOfLegs(own);
  for (const { file, bytes } of strangers) lay(folder, `2026-11-22/${file}`, bytes, span.to - 1000);
  // Would be told by any reading of that time.
  lay(folder, '2026-11-22/notes.txt', 'x', span.to - 1000);
  const calls = [{ id, span: { from: span.from - 5000, to: span.to + 5000 } }];
  const none = await found(place(folder), calls);
  t.strictSame(none, { calls: [], skipped: [] });
  layAll(join(folder, '2026-11-22'), own);
  const all = await found(place(folder), calls);
  t.strictSame(all.calls, [wanted]);
  t.strictSame(await found(place(folder), [{ id: 'nobody', span }]), { calls: [], skipped: [] });
  await t.rejects(found(place(join(folder, 'gone')), calls), { name: 'RecordsError', message: /gone: is not there/ });
});
