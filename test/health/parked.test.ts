/** When parked calls are told, how badly, and with what. */
import t from 'tap';
import { watchParked } from '../../src/daemon/parked.ts';
import type { ParkedCounts } from '../../src/delivery/parked/counts.ts';
import { PARKED_CODES, remedyOf, replayCommand, SKIPPED_CODES } from '../../src/delivery/parked/reasons.ts';
import type { Outbox, OutboxCounts } from '../../src/delivery/store.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { parkedCondition, parkedFinding } from '../../src/health/parked.ts';
import { FakeClock, flush } from '../delivery/fakes.ts';

/** `fresh`: of each code; `recent`: how many of the latest calls are parked, and of how many. */
const counts = (
  fresh: Readonly<Record<string, number>>,
  recent: readonly [number, number] = [0, 200],
): ParkedCounts => ({
  reasons: Object.entries(fresh).map(([code, n]) => ({ code, count: n + 1, fresh: n })),
  latest: { fresh: recent[0], calls: recent[1] },
  acknowledgedAt: null,
});

t.test('a few are a warning, a share of the recent calls an error', async (t) => {
  const severity = (recent: readonly [number, number]) => parkedFinding(counts({ rejected: 6 }, recent))?.severity;
  t.equal(severity([0, 200]), 'warning', 'all of them are older');
  t.equal(severity([4, 4]), 'warning', 'of a handful they say nothing yet');
  t.equal(severity([5, 50]), 'warning', 'a tenth');
  t.equal(severity([6, 50]), 'error', 'more than a tenth');
  t.equal(severity([5, 5]), 'error');
});

t.test('five hundred are told at a glance: how many, why, what helps, what to type', async (t) => {
  t.strictSame(parkedCondition(counts({})), []);
  t.strictSame(parkedCondition(counts({ rejected: 0 })), [], 'taken note of');
  const [told] = parkedCondition(counts({ rejected: 20, 'no-user': 480, 'no-lead': 0 }, [90, 200]));
  t.match(told, { code: 'calls-parked', severity: 'error', source: null });
  t.match(
    told?.text,
    /^500 calls are parked and not in LeadSquared, among them 90 of the last 200: 480 no-user, 20 rejected\. /,
  );
  t.match(told?.text, /"logcalld calls --state parked" shows them, "logcalld acknowledge" takes note of them\.$/);
  t.strictSame(told?.lines, [
    `no-user (480): ${remedyOf('no-user').what}.`,
    `  what helps: ${remedyOf('no-user').helps}`,
    '  shows them: logcalld calls --reason no-user',
    '  sends them: logcalld replay --reason no-user',
    `rejected (20): ${remedyOf('rejected').what}.`,
    `  what helps: ${remedyOf('rejected').helps}`,
    '  shows them: logcalld calls --reason rejected',
    '  sends them: logcalld replay --reason rejected',
  ]);
  t.match(parkedFinding(counts({ rejected: 1 }))?.text, /^1 call is parked/);
});

t.test('the codes can be typed, and none is both of parked and of skipped calls', async (t) => {
  for (const code of [...PARKED_CODES, ...SKIPPED_CODES]) t.match(code, /^[a-z]+(-[a-z]+)*$/);
  for (const code of SKIPPED_CODES) t.match(code, /^skip-/);
  for (const code of PARKED_CODES) t.notMatch(code, /^skip-/);
  t.equal(replayCommand('check-impossible'), 'logcalld replay ID --force', 'each is looked at by a person');
  t.equal(replayCommand('no-user', 'pbx-1'), 'logcalld replay pbx-1');
  t.strictSame(remedyOf('of a later version'), remedyOf('other'));
  t.strictSame(remedyOf(null), remedyOf('other'));
});

t.test('it is looked at when calls are parked and when they leave, and not for each of thousands', async (t) => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const conditions = createConditions({ write: (level, code) => lines.push(`${level} ${code}`) });
  let parked = 0;
  let looks = 0;
  const outbox = {
    async counts() {
      looks += 1;
      return { parked: counts({ 'no-user': parked }) } as OutboxCounts;
    },
    settle: async ({ items }: Parameters<Outbox['settle']>[0]) => items.map(() => true),
    requeue: async ({ ids }: Parameters<Outbox['requeue']>[0]) => ids.length,
  } as unknown as Outbox;
  const watch = watchParked(outbox, conditions, clock);
  const settle = (state: 'parked' | 'delivered') =>
    watch.outbox.settle({ items: [{ to: { state, step: null } } as never] }).then(flush);
  await watch.start();
  await settle('delivered');
  t.same([looks, conditions.raised()], [1, []], 'a call that is posted is no reason to look');
  for (parked = 1; parked < 1000; parked++) await settle('parked');
  t.equal(looks, 2, 'at once');
  await clock.advance(10_000);
  t.equal(looks, 3, 'and once more for the rest');
  t.match(conditions.raised(), [{ text: /^1000 calls/ }]);
  await clock.advance(40_000);
  t.equal(looks, 3);
  await clock.advance(10_000);
  t.equal(looks, 4, 'each minute, whatever happens');
  await clock.advance(10_000);
  parked = 0;
  await watch.outbox.requeue({ ids: [1], force: false, named: false, now: 0, checkAt: 0 });
  await flush();
  t.same(conditions.raised(), []);
  t.same(lines, ['warn calls-parked', 'notice calls-parked'], 'told once, not with every call');
  watch.stop();
  t.equal(clock.timers.length, 0, 'nothing keeps the program from ending');
  await settle('parked');
  t.equal(looks, 5);
});

t.test('what is erased, or grows too old to be among the latest, is told within a minute', async (t) => {
  const clock = new FakeClock();
  const conditions = createConditions({ write: () => {} });
  let found = counts({ 'no-user': 20 }, [20, 50]);
  const outbox = { counts: async () => ({ parked: found }) as OutboxCounts } as unknown as Outbox;
  const watch = watchParked(outbox, conditions, clock);
  await watch.start();
  t.match(conditions.raised(), [{ severity: 'error' }]);
  found = counts({ 'no-user': 20 }, [0, 50]);
  await clock.advance(60_000);
  t.match(conditions.raised(), [{ severity: 'warning' }]);
  found = counts({});
  await clock.advance(60_000);
  t.same(conditions.raised(), []);
  watch.stop();
});

t.test('which reason has most calls is nothing new', async (t) => {
  const gist = (fresh: Readonly<Record<string, number>>) => parkedFinding(counts(fresh))?.gist;
  t.equal(gist({ rejected: 5, 'no-user': 4 }), gist({ rejected: 5, 'no-user': 6 }));
  t.not(gist({ rejected: 5 }), gist({ rejected: 5, 'no-user': 6 }));
});
