/** Which calls the CDR completes, which it creates, and which it must not touch. */
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { backfill, spanOf } from '../../../src/call/cdr/backfill.ts';
import type { CdrCall } from '../../../src/call/cdr/calls.ts';
import { type Heard, listen } from '../../../src/call/cdr/coverage.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { RecordedFrame } from '../../../src/inspect.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { cdrOf, cutAfter, differences, framesOf, hearing, recordFor, scenarioOf, UNTOLD } from '../../support/cdr.ts';
import { type Scenario, scenarios } from '../../support/recordings.ts';
import { runs } from '../../support/runs.ts';

const T = Date.UTC(2026, 10, 22, 11);

const record = (more: Partial<CallRecord> = {}): CallRecord => ({
  callSessionId: 'pbx-1.0',
  source: 'pbx',
  direction: 'Inbound',
  status: 'Answered',
  external: '+919845012345',
  externalE164: '+919845012345',
  externalName: null,
  withheld: false,
  did: '+918041110001',
  didE164: '+918041110001',
  trunk: 'PJSIP/trunk-in',
  queue: null,
  ringGroup: null,
  agent: '1001',
  agentDomain: null,
  agentsRung: ['1001'],
  responsible: '1001',
  agentsTalked: [{ ext: '1001', from: T + 2000, to: T + 10_000 }],
  startedAt: T,
  answeredAt: T + 2000,
  endedAt: T + 10_000,
  durationSeconds: 8,
  talkSeconds: 8,
  ringSeconds: 2,
  holdSeconds: 0,
  recording: null,
  recordings: more.recording == null ? [] : [more.recording],
  q850: 16,
  sip: null,
  flags: [],
  legs: 2,
  reasons: null,
  ...more,
});

const cdr = (more: Partial<CallRecord> = {}, ids: readonly string[] = ['1.0', '1.1']): CdrCall => ({
  record: record(more),
  ids: new Set(ids),
  channels: new Set(ids),
});

/** Records that tell nothing of the channel 1.0, after which they name the call. */
const without = (more: Partial<CallRecord>): CdrCall => ({ ...cdr(more), channels: new Set(['1.1']) });

const heard = (ids: readonly string[], ...gaps: Heard['gaps']): Heard => ({
  ids: new Set(ids),
  mentioned: new Set(ids),
  gaps,
});
const GAP = { from: T + 4000, to: T + 30_000 };

t.test('the end that was not seen comes from the CDR', async (t) => {
  const known = record({
    endedAt: T + 4000,
    agentsTalked: [{ ext: '1001', from: T + 2000, to: T + 4000 }],
    flags: ['blind-interval', 'end-unknown'],
  });
  const [done] = backfill([known], heard(['1.0'], GAP), [cdr({ endedAt: T + 9500, recording: 'a.wav' })]);
  t.match(done, { endedAt: T + 9500, answeredAt: T + 2000, durationSeconds: 8, recording: 'a.wav' });
  t.same(done?.flags, ['blind-interval', 'from-cdr']);
  const cut = cdr({ endedAt: T + 9500, agentsTalked: [{ ext: '1001', from: T + 2500, to: T + 9500 }] });
  const [talk] = backfill([known], heard(['1.0'], GAP), [cut])[0]?.agentsTalked ?? [];
  t.same(talk, { ext: '1001', from: T + 2000, to: T + 9500 }, 'begun as events saw it, ended as the CDR says');
  t.same(backfill([known], heard(['1.0'], GAP), []), [known], 'without its row nothing is known');
});

t.test('an end that the records do not know either stays unknown', async (t) => {
  const known = record({ endedAt: T + 4000, flags: ['blind-interval', 'end-unknown'] });
  const [done] = backfill([known], heard(['1.0'], GAP), [cdr({ endedAt: T + 9500, flags: ['end-unknown'] })]);
  t.equal(done?.endedAt, T + 9500, 'it lived until then at least');
  t.same(done?.flags, ['blind-interval', 'end-unknown', 'from-cdr']);
});

t.test(
  'a call that was over when the PBX was lost gets the recording that is told later, and nothing else',
  async (t) => {
    const told = cdr({
      recording: '/rec/1.wav',
      endedAt: T + 12_000,
      agent: '1002',
      agentsRung: ['1002'],
      queue: '8000',
    });
    const known = record({ flags: ['recording-unnamed'] });
    const lost = (after: number) => heard(['1.0'], { from: T + 10_000 + after, to: T + 900_000 });
    for (const after of [300, 300_000]) {
      const [done] = backfill([known], lost(after), [told]);
      t.strictSame(done, { ...known, recording: '/rec/1.wav', recordings: ['/rec/1.wav'], flags: ['from-cdr'] });
      t.strictSame(backfill([done as CallRecord], lost(after), [told]), [done], 'once');
    }
    t.strictSame(backfill([known], lost(400_000), [told]), [known], 'it would have been told long before');
    t.strictSame(backfill([known], lost(-10_000), [told]), [known], 'it ended when the PBX was heard again');
    const named = record({ recording: '/rec/a.wav' });
    t.strictSame(backfill([named], lost(300), [told]), [named], 'what events named stays alone');
    const missed = record({ status: 'Missed' });
    t.strictSame(backfill([missed], lost(300), [told]), [missed], 'nobody answered it');
    t.match(
      backfill([known], { ...lost(400_000), lostAt: [T + 10_300] }, [told]),
      [{ recording: '/rec/1.wav' }],
      'other losses',
    );
    t.strictSame(backfill([known], { ...lost(300), lostAt: [] }, [told]), [known]);
  },
);

t.test('the first trunk failed while the PBX was heard, and the next was answered in the gap', async (t) => {
  const failed = record({
    ...{ direction: 'Outbound', status: 'Failed', trunk: 'PJSIP/a', agent: '1001', answeredAt: null },
    ...{ agentsTalked: [], durationSeconds: 0, endedAt: T + 4000, flags: ['blind-interval'] },
  });
  const next = { direction: 'Outbound', trunk: 'PJSIP/b', answeredAt: T + 6000, endedAt: T + 9000 } as const;
  const talks = [{ ext: '1001', from: T + 6000, to: T + 9000 }];
  const [done] = backfill([failed], heard(['1.0'], GAP), [cdr({ ...next, agentsTalked: talks })]);
  t.match(done, { status: 'Answered', ...next, durationSeconds: 3, talkSeconds: 3 });
  const before = cdr({ ...next, answeredAt: T + 3000 });
  t.same(backfill([failed], heard(['1.0'], GAP), [before]), [failed], 'what was heard to end ended');
});

t.test('records that begin with a later channel of the call complete it, and make no second one', async (t) => {
  const known = record({ endedAt: T + 4000, flags: ['blind-interval', 'end-unknown'] });
  const later = cdr({ callSessionId: 'pbx-1.1', startedAt: T + 5000, endedAt: T + 9500 }, ['1.0', '1.1']);
  t.match(backfill([known], heard(['1.0'], GAP), [later]), [{ callSessionId: 'pbx-1.0', endedAt: T + 9500 }]);
  const other = cdr({ callSessionId: 'pbx-1.2', startedAt: T + 5000, endedAt: T + 9600 }, ['1.0', '1.2']);
  t.same(backfill([known], heard(['1.0'], GAP), [later, other]), [known], 'which of two it is, nothing says');
});

t.test(
  'records that lack the channel of the caller, or end before he was last known to live, complete nothing',
  async (t) => {
    const known = record({ endedAt: T + 4000, flags: ['blind-interval', 'end-unknown'] });
    t.same(backfill([known], heard(['1.0'], GAP), [without({ agent: '1003', endedAt: T + 9500 })]), [known]);
    const long = { ...known, endedAt: T + 90_000, endBetween: { from: T + 90_000, to: T + 95_000 } };
    t.same(backfill([long], heard(['1.0'], GAP), [cdr({ agent: '1003', endedAt: T + 9500 })]), [long]);
    t.match(backfill([long], heard(['1.0'], GAP), [cdr({ endedAt: T + 86_000 })]), [
      { flags: ['blind-interval', 'from-cdr'] },
    ]);
  },
);

t.test('a call that rang when the link was lost was answered, or not, by what the CDR says', async (t) => {
  const ringing = record({
    status: 'Missed',
    agent: null,
    answeredAt: null,
    agentsTalked: [],
    durationSeconds: 0,
    endedAt: T + 4000,
    flags: ['blind-interval', 'end-unknown'],
  });
  const answered = cdr({
    agent: '1003',
    agentsRung: ['1003'],
    agentsTalked: [{ ext: '1003', from: T + 6500, to: T + 9500 }],
    answeredAt: T + 6500,
    endedAt: T + 9500,
  });
  const [first] = backfill([ringing], heard(['1.0'], GAP), [answered]);
  t.match(first, { status: 'Answered', agent: '1003', responsible: '1003', answeredAt: T + 6500, durationSeconds: 3 });
  t.same(first?.agentsRung, ['1001', '1003']);
  t.same(first?.agentsTalked, answered.record.agentsTalked);
  const busy = cdr({ status: 'Busy', answeredAt: null, agent: null, agentsTalked: [], endedAt: T + 9500 });
  t.match(backfill([ringing], heard(['1.0'], GAP), [busy])[0], {
    status: 'Busy',
    answeredAt: null,
    durationSeconds: 0,
  });
  const inferred = cdr({ ...answered.record, answeredAt: T + 500, flags: ['answer-unknown'] });
  t.match(
    backfill([ringing], heard(['1.0'], GAP), [inferred])[0],
    { answeredAt: T + 4000, flags: ['blind-interval', 'answer-unknown', 'from-cdr'] },
    'nobody had answered while the call was heard',
  );
});

t.test('who the other party was, where only our own leg had been heard', async (t) => {
  const lone = record({
    direction: 'Internal',
    status: 'Failed',
    external: null,
    externalE164: null,
    trunk: null,
    answeredAt: null,
    agentsTalked: [],
    legs: 1,
    flags: ['blind-interval', 'end-unknown'],
  });
  const [done] = backfill([lone], heard(['1.0'], GAP), [cdr({ direction: 'Outbound' })]);
  t.match(done, { direction: 'Outbound', externalE164: '+919845012345', trunk: 'PJSIP/trunk-in', legs: 2 });
});

t.test('an answer that was only inferred comes from the CDR, where that tells it', async (t) => {
  const late = record({
    answeredAt: T + 6000,
    agentsTalked: [{ ext: '1001', from: T + 6000, to: T + 10_000 }],
    flags: ['blind-interval', 'answer-unknown'],
  });
  const [done] = backfill([late], heard(['1.0'], GAP), [cdr()]);
  t.match(done, {
    answeredAt: T + 2000,
    endedAt: T + 10_000,
    durationSeconds: 8,
    flags: ['blind-interval', 'from-cdr'],
  });
  t.same(backfill([late], heard(['1.0'], GAP), [cdr({ flags: ['answer-unknown'] })]), [late]);
});

t.test('a call of which the gap hid only who else rang keeps its times', async (t) => {
  const seen = record({ flags: ['blind-interval'] });
  const [done] = backfill([seen], heard(['1.0'], GAP), [cdr({ agentsRung: ['1002', '1001'], endedAt: T + 77_000 })]);
  t.same(done, { ...seen, agentsRung: ['1001', '1002'], flags: ['blind-interval', 'from-cdr'] });
  const first = { ...seen, recording: '/rec/1.wav', recordings: ['/rec/1.wav'] };
  const [both] = backfill([first], heard(['1.0'], GAP), [cdr({ recording: '1.wav', recordings: ['1.wav', '2.wav'] })]);
  t.match(both, { recording: '/rec/1.wav', flags: ['blind-interval', 'from-cdr'] });
  t.same(both?.recordings, ['/rec/1.wav', '2.wav'], 'a recording of the gap is added');
  const whole = record();
  t.same(backfill([whole], heard(['1.0'], GAP), [cdr({ agentsRung: ['1002'], recording: 'a.wav' })]), [whole]);
});

t.test('a call that was not heard at all is created, if its time was not heard either', async (t) => {
  const inside = { startedAt: T + 5000, endedAt: T + 20_000 };
  const [made] = backfill([], heard(['7.0'], GAP), [cdr(inside)]);
  t.same(made, record({ ...inside, flags: ['blind-interval', 'from-cdr', 'not-heard'] }));
  t.same(backfill([], heard(['7.0']), [cdr(inside)]), [], 'no gap');
  t.same(backfill([], heard(['1.1'], GAP), [cdr(inside)]), [], 'one of its channels was heard: the call goes on');
  t.same(backfill([], heard([], GAP), [cdr({ startedAt: T - 60_000, endedAt: T + 9000 })]), [], 'it began long before');
  t.same(backfill([], heard([], GAP), [cdr({ startedAt: T + 9000, endedAt: T + 60_000 })]), [], 'it ended long after');
  t.same(
    backfill([], heard([], { from: T, to: T + 1 }, { from: T + 90_000, to: T + 90_001 }), [
      cdr({ startedAt: T, endedAt: T + 90_000 }),
    ]),
    [],
    'it lies in no single gap',
  );
});

t.test('a call that began unheard, was spoken of later and never told about is created', async (t) => {
  const spoken = { ids: new Set<string>(), mentioned: new Set(['1.1']), gaps: [GAP] };
  const on = cdr({ startedAt: T + 9000, endedAt: T + 90_000 });
  t.same(backfill([], spoken, [on])[0]?.flags, ['blind-interval', 'from-cdr', 'not-heard']);
  t.same(backfill([], spoken, [cdr({ startedAt: T - 60_000, endedAt: T + 90_000 })]), [], 'it began before the gap');
});

t.test('events tell about a channel, or only speak of it', async (t) => {
  const listener = listen();
  const stamp = { source: 'pbx', at: 0, receivedAt: 0 };
  const clearing = { q850: 16, sip: null, text: null };
  listener.note([{ ...stamp, kind: 'cleared', channel: '1.1', linkedId: '1.0', clearing }], 0, 1);
  const scenario = scenarioOf('freeswitch-1.11', 'internal');
  const late = hearing(scenario, (await framesOf(scenario)).slice(-6)).heard;
  t.same([...listener.heard().ids], []);
  t.same([...listener.heard().mentioned], ['1.1', '1.0']);
  t.ok(late.ids.size > 0, 'FreeSWITCH tells the whole life of a leg at its end');
});

t.test('order of ends', async (t) => {
  const early = cdr({ callSessionId: 'pbx-2.0', startedAt: T + 5000, endedAt: T + 6000 }, ['2.0']);
  const records = backfill([record({ endedAt: T + 8000 })], heard(['1.0'], GAP), [early]);
  t.same(
    records.map((one) => one.callSessionId),
    ['pbx-2.0', 'pbx-1.0'],
  );
});

t.test('blind intervals: from the last thing heard to the first complete list', async (t) => {
  const at = (kind: 'source-connected' | 'snapshot-complete'): CallEvent => {
    const stamp = { source: 'pbx', at: 0, receivedAt: 0 };
    return kind === 'snapshot-complete' ? { ...stamp, kind } : { ...stamp, kind, boot: null, bootedAt: null };
  };
  const counted = listen();
  counted.note([at('source-connected')], 1000, 1);
  counted.note([at('snapshot-complete')], 1100, 1);
  counted.note([], 2000, 1);
  counted.note([at('source-connected')], 9000, 2);
  counted.note([], 9100, 2);
  counted.note([at('snapshot-complete')], 9200, 2);
  counted.note([at('snapshot-complete')], 9900, 2);
  t.same(counted.heard().gaps, [{ from: 2000, to: 9200 }]);
  const uncounted = listen();
  for (const [time, events] of [
    [1000, [at('source-connected')]],
    [2000, []],
    [9000, [at('source-connected')]],
  ] as const) {
    uncounted.note(events, time, 1);
  }
  t.same(uncounted.heard().gaps, [{ from: 2000, to: 9000 }], 'a second greeting, and no list');
  t.equal(spanOf([]), null);
  t.same(
    spanOf([
      { from: 20_000, to: 30_000 },
      { from: 50_000, to: 60_000 },
    ]),
    { from: 15_000, to: 65_000 },
  );
});

const FILES = [
  'cdr_custom.csv.gz',
  'Master.csv.gz',
  'json_cdr.jsonl.gz',
  'cel.csv.gz',
  'asteriskcdrdb_cdr.csv.gz',
  'asteriskcdrdb_cel.csv.gz',
];
const withCdr = scenarios().flatMap((scenario) =>
  FILES.filter((file) => existsSync(new URL(file, scenario.directory))).map((file) => ({ scenario, file })),
);

t.test('a recording that was heard completely is not changed by its CDR', async (t) => {
  for (const { scenario, file } of withCdr) {
    const { records, heard: what } = hearing(scenario, await framesOf(scenario));
    if (what.gaps.length > 0) continue;
    t.strictSame(backfill(records, what, cdrOf(scenario, file)), records, `${scenario.name} ${file}`);
  }
});

t.test('calls around the recorded gaps are what the telephones saw', async (t) => {
  for (const [set, name, file, created, untouched] of [
    ['asterisk-22', 'ami_reconnect', 'cdr_custom.csv.gz', 1, '+971501234567'],
    ['asterisk-22', 'ami_reconnect', 'Master.csv.gz', 1, '+971501234567'],
    ['asterisk-16', 'ami_reconnect', 'cdr_custom.csv.gz', 1, '+971501234567'],
    ['freeswitch-1.11', 'esl_reconnect_midcall', 'json_cdr.jsonl.gz', 1, '+971501234567'],
  ] as const) {
    const scenario = scenarioOf(set, name);
    const { records, heard: what } = hearing(scenario, await framesOf(scenario));
    const done = backfill(records, what, cdrOf(scenario, file));
    t.equal(done.length - records.length, created, name);
    for (const truth of scenario.truth) {
      t.same(differences(truth, recordFor(truth, done, scenario.startedAt), scenario, 1300), [], truth.external ?? '');
    }
    t.notOk(done.some(({ flags }) => flags.includes('end-unknown')));
    const call = (list: readonly CallRecord[]) => list.find(({ external }) => external === untouched);
    t.strictSame(call(done), call(records), 'the call that spans the gap');
  }
});

t.test('a client that did not ask for the channels after the gap gets their calls from the CDR as well', async (t) => {
  for (const set of ['asterisk-22', 'asterisk-16']) {
    const scenario = scenarioOf(set, 'ami_reconnect');
    if (!existsSync(new URL('events-filtered.jsonl.gz', scenario.directory))) continue;
    const { records, heard: what } = hearing(scenario, await framesOf(scenario, 'events-filtered.jsonl.gz'));
    const done = backfill(records, what, cdrOf(scenario, 'cdr_custom.csv.gz'));
    t.equal(done.length, scenario.truth.length, set);
    for (const truth of scenario.truth) {
      t.same(differences(truth, recordFor(truth, done, scenario.startedAt), scenario, 1300), [], truth.external ?? '');
    }
  }
});

/** Recordings of one link, of which any part can be taken away; the events of a busy hour would take too long. */
const cuttable = withCdr.filter(
  ({ scenario, file }) =>
    !file.startsWith('Master') &&
    !/crash|reconnect|restart|shutdown|stop|storm|burst|thirty|confbridge|conference/.test(scenario.name),
);

const framesBy = new Map<Scenario, Promise<readonly RecordedFrame[]>>();

async function cutTest(scenario: Scenario, file: string, where: number): Promise<readonly string[]> {
  const reading = framesBy.get(scenario) ?? framesOf(scenario);
  framesBy.set(scenario, reading);
  const frames = await reading;
  const { records, heard: what } = hearing(
    scenario,
    cutAfter(scenario.pbx, frames, Math.max(1, Math.ceil(where * frames.length))),
  );
  const done = backfill(records, what, cdrOf(scenario, file));
  const wrong = new Set<string>();
  for (const truth of scenario.truth) {
    if (truth.direction === 'Internal') continue;
    const untold = /cdr/.test(file) && scenario.pbx === 'asterisk' ? (UNTOLD[scenario.name] ?? []) : [];
    const names = differences(truth, recordFor(truth, done, scenario.startedAt), scenario, 2000);
    for (const name of names) if (!untold.includes(name)) wrong.add(`${name} of ${truth.external}`);
  }
  const external = done.filter(({ direction }) => direction !== 'Internal').length;
  const wanted = scenario.truth.filter(({ direction }) => direction !== 'Internal').length;
  if (external !== wanted) wrong.add(`${external} calls for ${wanted}`);
  return [...wrong];
}

t.test('wherever the link is lost: each call once, and as the telephones saw it', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(cuttable.length - 1), fc.double({ min: 0, max: 1, noNaN: true }), async (index, where) => {
      const one = cuttable[index];
      if (one === undefined) return;
      const wrong = await cutTest(one.scenario, one.file, where);
      if (wrong.length > 0) {
        throw new Error(`${one.scenario.set}/${one.scenario.name} cut at ${where}: ${wrong.join(', ')}`);
      }
    }),
    runs(70, 700),
  );
  t.pass();
});

t.test('a call found in a list of channels gets its beginning from the CDR, and keeps what was heard', async (t) => {
  const found = record({
    ...{ startedAt: T + 30_000, answeredAt: T + 31_000, endedAt: T + 60_000, direction: 'Outbound', did: null },
    flags: ['blind-interval', 'start-unknown', 'answer-unknown'],
  });
  const told = { startedAt: T + 9000, answeredAt: T + 12_000, endedAt: T + 60_400, did: '+918041110006' };
  const [call] = backfill([found], heard(['1.1'], GAP), [cdr(told)]);
  t.match(call, { direction: 'Inbound', did: '+918041110006', startedAt: T + 9000, answeredAt: T + 12_000 });
  t.equal(call?.endedAt, T + 60_000, 'its end was heard');
  t.same(call?.flags, ['blind-interval', 'from-cdr']);
  const [same] = backfill([found], heard(['1.1'], GAP), [cdr({ ...told, flags: ['start-unknown'] })]);
  t.equal(same?.startedAt, T + 30_000, 'a CDR that does not know it either tells nothing of it');
});

t.test('that a list showed no talk says nothing against an answer that the CDR tells', async (t) => {
  const found = record({
    ...{
      startedAt: T + 30_000,
      answeredAt: null,
      endedAt: T + 33_000,
      status: 'Missed',
      agent: null,
      agentsTalked: [],
    },
    flags: ['blind-interval', 'start-unknown', 'end-unknown'],
  });
  const told = {
    ...{ startedAt: T + 30_000, answeredAt: T + 30_500, endedAt: T + 39_500, status: 'Answered' as const },
    agentsTalked: [{ ext: '1001', from: T + 30_500, to: T + 39_500 }],
  };
  const [call] = backfill([found], heard(['1.1'], GAP), [cdr(told)]);
  t.match(call, { status: 'Answered', answeredAt: T + 30_500, durationSeconds: 9, talkSeconds: 9 });
  const [guessed] = backfill([found], heard(['1.1'], GAP), [cdr({ ...told, flags: ['answer-unknown'] })]);
  t.match(guessed, { answeredAt: T + 33_000 }, 'one that is inferred may be that of the queue');
});

t.test('an answer that was heard not to come is not taken from the CDR', async (t) => {
  const missed = record({
    ...{ answeredAt: null, agent: null, agentsTalked: [], status: 'Missed', endedAt: T + 60_000 },
    flags: ['blind-interval', 'start-unknown'],
  });
  const [call] = backfill([missed], heard(['1.1'], GAP), [cdr({ answeredAt: T + 12_000, endedAt: T + 60_400 })]);
  t.match(call, { answeredAt: null, status: 'Missed', durationSeconds: 0 });
});

t.test('a record on a clock that drifts makes no call that begins or is answered after its end', async (t) => {
  const found = record({
    ...{ startedAt: T + 30_000, answeredAt: T + 31_000, endedAt: T + 60_000 },
    flags: ['blind-interval', 'start-unknown', 'answer-unknown'],
  });
  const [call] = backfill([found], heard(['1.1'], GAP), [
    cdr({ startedAt: T + 61_000, answeredAt: T + 63_000, endedAt: T + 70_000 }),
  ]);
  t.match(call, { startedAt: T + 60_000, answeredAt: T + 60_000, endedAt: T + 60_000, durationSeconds: 0 });
});

t.test('a call that was taken from the records while it went on, and that they tell of further', async (t) => {
  const first = cdr({ endedAt: T + 4000, durationSeconds: 2, talkSeconds: 2 });
  const [begun] = backfill([], heard([], GAP), [first]);
  t.match(begun, { durationSeconds: 2, flags: ['blind-interval', 'from-cdr', 'not-heard'] });
  if (begun === undefined) return;
  // Transferred blind: the row of the other leg is written when that is over.
  const talks = [...begun.agentsTalked, { ext: '1003', from: T + 5000, to: T + 10_000 }];
  const whole = cdr({ agent: '1003', agentsTalked: talks });
  const [grown] = backfill([begun], heard([], GAP), [whole]);
  t.match(grown, { endedAt: T + 10_000, durationSeconds: 8, agent: '1003', flags: begun.flags });
  t.equal(backfill([begun], heard([], GAP), [first])[0], begun, 'told again, nothing changes');
  const part = cdr({ startedAt: T + 4000, endedAt: T + 10_000 });
  t.equal(backfill([begun], heard([], GAP), [part])[0], begun, 'a later part alone is not the whole');
  const known = { ...begun, flags: ['blind-interval'] };
  t.equal(backfill([known], heard([], GAP), [whole])[0]?.endedAt, known.endedAt, 'what was heard to its end stays');
});
