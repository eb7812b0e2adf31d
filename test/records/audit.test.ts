/** The newest records are held against what was heard: when, from where on, and what is told of what nobody heard. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { watchHearing } from '../../src/health/hearing.ts';
import type { SourceStatus } from '../../src/ports.ts';
import { createAudit } from '../../src/records/audit.ts';
import type { Gap } from '../../src/records/gaps.ts';
import type { Merged, MergeRequest, PageMerger } from '../../src/records/merge.ts';
import { SAME_TIME, timeApart } from '../../src/records/pbx-time.ts';
import { RecordsError } from '../../src/records/port.ts';
import { FakeClock } from '../adapters/asterisk/support.ts';
import { record } from '../adapters/sqlite/support.ts';

const MINUTE = 60_000;

function bench({
  heardSince = 0,
  gaps = [] as readonly Gap[],
  places = 1,
  before = null as number | null,
  time = SAME_TIME,
} = {}) {
  const clock = new FakeClock();
  const start = clock.now();
  const readings: { from: number; to: number }[] = [];
  const requests: MergeRequest[] = [];
  const logged: string[] = [];
  let created: readonly CallRecord[] = [];
  let failure: Error | null = null;
  const link = { heardUpTo: null as number | null };
  const counted: number[] = [];
  const conditions = createConditions({ write: (_level, event) => logged.push(event) });
  const merge: PageMerger = Object.assign(
    async (_events: unknown, request: MergeRequest): Promise<Merged> => {
      requests.push(request);
      const now = created;
      created = [];
      return { created: now, completed: [], erased: [], recorded: [], faults: [] };
    },
    { time: () => time },
  );
  const place = {
    name: 'place',
    async *read(span: { from: number; to: number }) {
      readings.push(span);
      if (failure !== null) throw failure;
      yield { events: [], skipped: [], upTo: span.to };
    },
    async *find() {},
    check: async () => ({ problem: null, hints: [] }),
    close: async () => {},
  };
  let present: SourceStatus = {
    ...{ name: 'pbx', state: 'connected', since: start, problem: null, frames: 1, unknownEvents: 0, faults: 0 },
    ...{ lastFrameAt: start, aheadMs: null, deaf: null, callHeardAt: null },
  };
  const hearing = watchHearing({
    ...{ conditions, clock, log: { write: (_level, event) => logged.push(event) } },
    statuses: () => [present],
    isRecorded: () => places > 0,
    onDeaf: (source) => audit.deaf(source),
  });
  const troubles: (string | null)[] = [];
  const audit = createAudit({
    sources: [{ name: 'pbx', places: Array.from({ length: places }, () => place), merge }],
    gaps: {
      list: async () => gaps,
      async progress({ created }) {
        counted.push(created);
      },
      lastHeard: async () => (before === null ? null : { at: before, time: SAME_TIME }),
    },
    heardUpTo: () => link.heardUpTo,
    clock,
    heardSince: async () => (heardSince === 0 ? start : heardSince),
    isDeaf: hearing.isDeaf,
    onLooked: (source, unheard) => hearing.looked(source, unheard),
    onTrouble: (_source, problem) => troubles.push(problem),
    onFault: (_source, text) => logged.push(text),
  });
  /** How the PBX is, and that it is told. */
  const is = (more: Partial<SourceStatus>): void => {
    present = { ...present, deaf: null, problem: null, lastFrameAt: clock.now(), ...more };
  };
  const status = (more: Partial<SourceStatus>): void => {
    is(more);
    hearing.status(present);
  };
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  audit.start();
  const raised = () => conditions.raised();
  const unheard = (id: string): CallRecord =>
    record(id, { source: 'pbx', startedAt: clock.now() - 9_000, endedAt: clock.now() - 3_000 });
  return {
    ...{
      counted,
      clock,
      start,
      link,
      readings,
      requests,
      logged,
      troubles,
      raised,
      is,
      status,
      pass,
      unheard,
      audit,
      hearing,
    },
    finds: (calls: readonly CallRecord[]) => {
      created = calls;
    },
    fails: (error: Error | null) => {
      failure = error;
    },
  };
}

t.test(
  'every five minutes, a little of what was read before again, and nothing from before it was heard',
  async (t) => {
    const { start, readings, requests, pass } = bench();
    await pass(5 * MINUTE);
    await pass(5 * MINUTE);
    t.same(
      readings.map(({ from, to }) => [from - start, to - start]),
      [
        [5_000, 5 * MINUTE],
        [5_000, 10 * MINUTE],
      ],
    );
    await pass(5 * MINUTE);
    t.equal(readings[2]?.from, start + 4 * MINUTE, 'records that are written late');
    t.equal(requests[2]?.span?.from, start + 5_000, 'a call may have begun long before');
  },
);

t.test('calls that nobody heard are told until calls are heard again for ten minutes', async (t) => {
  const { clock, raised, is, status, pass, unheard, finds, logged } = bench();
  status({});
  finds([unheard('pbx-1'), unheard('pbx-2')]);
  await pass(5 * MINUTE);
  t.match(raised(), [
    { code: 'calls-unheard', severity: 'error', source: 'pbx', text: /^pbx: 2 calls stand in its own records/ },
  ]);
  t.ok(logged.includes('calls-not-heard'));
  await pass(15 * MINUTE);
  t.equal(raised().length, 1, 'nothing was heard meanwhile');
  // Nothing is told of it: the link goes on as it is.
  is({ callHeardAt: clock.now() });
  await pass(5 * MINUTE);
  t.same(raised(), []);
});

t.test('a call after it was deaf is told, also where the clock of the PBX is behind', async (t) => {
  const behindMs = 600_000;
  const { clock, raised, status, pass, finds } = bench({ time: timeApart(-behindMs, true) });
  status({});
  status({ deaf: { text: 'Deaf.', lines: [] } });
  status({ callHeardAt: clock.now() });
  await pass(5 * MINUTE);
  const at = (ms: number) => ({ source: 'pbx', startedAt: ms - behindMs, endedAt: ms - behindMs });
  finds([record('pbx-1', at(clock.now() - MINUTE))]);
  await pass(5 * MINUTE);
  t.match(raised(), [{ code: 'calls-unheard' }]);
});

t.test('what was deaf before a restart is treated as deaf, and told as doubtful', async (t) => {
  const { readings, raised, pass, hearing } = bench();
  hearing.doubt('pbx', Date.parse('2026-11-22T10:00:00Z'));
  t.match(raised(), [
    {
      ...{ code: 'pbx-deaf-before', severity: 'warning' },
      text: /^pbx was deaf when logcalld ended, since 2026-11-22 10:00 UTC, and no event of a call has come yet: .* from its own records\.$/,
    },
  ]);
  t.ok(hearing.isDeaf('pbx'));
  await pass(20_000);
  t.ok(readings.length > 0, 'its records are looked at soon');
  hearing.doubt('pbx', null);
  t.same([raised(), hearing.isDeaf('pbx')], [[], false]);
});

t.test(
  'while it is deaf its records are looked at every quarter of a minute, and one condition tells it',
  async (t) => {
    const { clock, readings, raised, status, pass, unheard, finds } = bench();
    const deaf = { text: 'Deaf.', lines: ['read = call'] };
    await pass(MINUTE);
    status({ deaf, problem: 'Deaf.' });
    t.match(raised(), [
      {
        code: 'pbx-deaf',
        severity: 'error',
        text: 'Deaf. Meanwhile its calls are logged from its own records.',
        lines: ['read = call'],
      },
    ]);
    finds([unheard('pbx-1')]);
    await pass(5_000);
    await pass(15_000);
    t.equal(readings.length, 2);
    t.equal(raised().length, 1);
    const last = unheard('pbx-2');
    status({ callHeardAt: clock.now() });
    t.same(raised(), []);
    finds([last]);
    await pass(15_000);
    t.same(raised(), [], 'it is of the time in which it was deaf');
    await pass(5 * MINUTE);
  },
);

t.test('a deaf PBX without records loses its calls, and that is said', async (t) => {
  const { raised, status } = bench({ places: 0 });
  status({ deaf: { text: 'Deaf.', lines: [] }, problem: 'Deaf.' });
  t.match(raised()[0]?.text, /are lost, as no \[\[source\.records\]\] is set/);
});

t.test('a call that was over before a gap was is no surprise, one that went on after it is', async (t) => {
  const gap = (endedAt: number | null): Gap => ({
    ...{ id: 1, source: 'pbx', beganAt: 0, endedAt, reason: '', live: 0, state: 'filled', filledTo: {} },
    ...{ created: 0, completed: 0, skipped: 0, note: null, settledAt: null, listedAt: endedAt },
  });
  const within = bench({ gaps: [gap(null)] });
  within.finds([within.unheard('pbx-1')]);
  await within.pass(5 * MINUTE);
  t.same(within.raised(), []);
  t.same(within.counted, [1], 'it counts for the gap');
  const after = bench({ gaps: [gap(1)] });
  after.finds([after.unheard('pbx-1')]);
  await after.pass(5 * MINUTE);
  t.equal(after.raised().length, 1);
});

t.test('records that cannot be read are a trouble while it is deaf only, and are tried again', async (t) => {
  const { readings, troubles, status, pass, fails } = bench();
  fails(new RecordsError('no such file'));
  await pass(5 * MINUTE);
  t.same(troubles, []);
  status({ deaf: { text: 'Deaf.', lines: [] }, problem: 'Deaf.' });
  await pass(5_000);
  t.same(troubles, ['no such file']);
  fails(null);
  await pass(15_000);
  t.same(troubles.at(-1), null);
  t.equal(readings.length, 3);
});

t.test('of a call that has just ended the events may still come', async (t) => {
  const { start, link, requests, pass } = bench();
  link.heardUpTo = start + 4 * MINUTE;
  await pass(5 * MINUTE);
  t.equal(requests[0]?.span?.to, start + 4 * MINUTE - 15_000, 'of what was said later nothing has come');
  link.heardUpTo = null;
  await pass(5 * MINUTE);
  t.equal(requests[1]?.span?.to, start + 10 * MINUTE - 15_000, 'nothing comes over a link that is down');
});

t.test('after a start, what was recorded shortly before the end of the life before is looked at, once', async (t) => {
  const start = 1_800_000_000_000;
  const { readings, pass } = bench({ heardSince: start - 1000 * MINUTE, before: start - 600 * MINUTE });
  await pass(5 * MINUTE);
  t.same(
    readings.map(({ from, to }) => [(from - start) / MINUTE, (to - start) / MINUTE]),
    [
      [-606, -600],
      [-6, 5],
    ],
  );
  await pass(5 * MINUTE);
  t.equal(readings.length, 3);
});
