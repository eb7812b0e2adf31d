/** The rows of the outbox: how they come, what an operator sees and does, and over a start of the machine. */
import t from 'tap';
import { remember } from '../../../../adapters/sqlite/upkeep/identity.ts';
import { call } from '../../../delivery/fakes.ts';
import {
  ALL,
  DELIVERED,
  intent,
  LOOK_UP,
  openOutbox,
  PARKED,
  POST,
  RETRYING,
  SENDING,
  SKIPPED,
  UNCERTAIN,
  UPDATE,
} from './support.ts';

t.test('a call gets one row, however often it is stored', async (t) => {
  const { db, end, outbox, row } = openOutbox();
  end(call(1), call(1), { ...call(1), legs: 3 });
  t.match(outbox.counts({ now: 0 }), { states: { pending: 1 }, oldestWaiting: call(1).endedAt });
  t.match(row(1), { ...LOOK_UP, dueAt: 0, destination: 'leadsquared', trigger: 'live', revision: 2, createdAt: 5000 });
  db.close();
});

t.test('an intent is refused when the call changed, or the row is not where it should be', async (t) => {
  const { db, end, claim, lookedUp, settle, outbox, row } = openOutbox();
  end(call(1));
  const [early] = claim();
  if (early === undefined) return t.fail('one row');
  t.equal(outbox.begin(intent(early)), 'lost', 'it was not looked up');
  settle(early, { from: LOOK_UP, to: LOOK_UP });
  const one = lookedUp();
  t.equal(outbox.begin(intent(one, { owner: 'b' })), 'lost', "the lease is somebody else's");
  end({ ...call(1), talkSeconds: 61 });
  t.equal(outbox.begin(intent(one)), 'changed');
  t.equal(outbox.attempts({ sessionId: one.sessionId }).length, 0, 'nothing was written');
  t.match(row(1), { ...POST, tries: 0, firstAttemptAt: null, body: null });
  t.equal(outbox.begin(intent(one, { revision: 2 })), 'begun');
  t.match(row(1), { ...SENDING, tries: 1, firstAttemptAt: 10_000, body: { CallSessionId: 'pbx:1:1' } });
  t.not(outbox.begin(intent(one, { revision: 2, owner: 'b' })), 'begun', 'it is under way');
  t.equal(outbox.begin(intent({ ...one, id: 99 })), 'lost', 'no such row');
  db.close();
});

t.test('activities that are known to be of other rows', async (t) => {
  const { db, end, outbox } = openOutbox();
  end(call(1), call(2), call(3));
  db.exec("UPDATE delivery SET activity_id = 'act-' || id WHERE id < 3");
  const activityIds = ['act-1', 'act-2', 'act-3'];
  t.same([...outbox.taken({ id: 3, activityIds })].sort(), ['act-1', 'act-2']);
  t.same(outbox.taken({ id: 1, activityIds }), ['act-2'], 'its own is free to it');
  t.same(outbox.taken({ id: 1, activityIds: [] }), []);
  db.close();
});

t.test('sent again by an operator', async (t) => {
  const { db, end, put, claim, settle, outbox, row } = openOutbox();
  end(...[1, 2, 3, 4, 5, 6].map((n) => call(n)));
  put(1, PARKED, 'post_attempts = 5, look_up_attempts = 2');
  put(2, PARKED, 'doubtful = 1, check_attempts = 6');
  put(3, SKIPPED);
  put(4, DELIVERED);
  put(5, UPDATE, 'update_attempts = 2');
  const all = { ids: [1, 2, 3, 4, 5, 6, 99], named: false, now: 1, checkAt: 9000 };
  t.equal(outbox.requeue({ ...all, force: false }), 3);
  const none = { 'look-up': 0, post: 0, check: 0, update: 0 };
  t.match(row(1), { ...LOOK_UP, trigger: 'replay', dueAt: 0, attempts: none, reason: /by an operator/ });
  t.match(row(2), { ...UNCERTAIN, trigger: 'replay', dueAt: 9000, attempts: none }, 'it may have arrived');
  t.match(row(3), { ...LOOK_UP, trigger: 'replay' });
  t.match([row(4), row(5), row(6)], [DELIVERED, UPDATE, { ...LOOK_UP, trigger: 'live' }]);

  claim({ steps: ['update'] });
  put(2, PARKED);
  t.equal(outbox.requeue({ ...all, named: true, force: true }), 3);
  t.match([row(2), row(6)], [{ named: true }, { named: false }], 'it is named for as long as it is on its way');
  t.match(row(2), { ...LOOK_UP, dueAt: 0 }, 'a second call log is wanted');
  t.match(row(4), { ...LOOK_UP, trigger: 'replay' });
  t.match(row(5), { ...LOOK_UP, leaseOwner: null, attempts: none });
  t.equal(settle({ id: 5 }, { from: UPDATE, to: DELIVERED }), false, 'who worked on it is heard no more');
  db.close();
});

t.test('the clock of due times: one for all processes of a boot, whatever the wall clock does', async (t) => {
  const { db, end, put, ids, outbox, row } = openOutbox();
  const waits = { checkMs: 60_000, latestMs: 3_600_000, alone: false };
  const ahead = outbox.open({ bootId: 'one', wall: 1_000_500.7, monotonic: 500.2, ...waits });
  t.equal(ahead, 1_000_000);
  end(...[1, 2, 3, 4, 5].map((n) => call(n)));
  put(1, UNCERTAIN, 'due_at = 1000600');
  put(2, RETRYING, 'due_at = 99000000');
  put(3, RETRYING, 'due_at = 1100000');
  put(4, POST);
  const claimed = { now: 1_000_500, leaseUntil: 1_030_500 };
  t.same(ids({ ...claimed, wanted: { ...ALL.wanted, live: 1 } }), [5]);

  t.equal(outbox.open({ bootId: 'one', wall: 77, monotonic: 900, ...waits }), ahead, 'the wall clock was set');
  t.match([row(1), row(2), row(5)], [{ dueAt: 1_000_600 }, { dueAt: 99_000_000 }, { leaseOwner: 'a' }]);
  t.same(ids({ ...claimed, owner: 'b' }), [4], 'leases of other processes hold');

  outbox.open({ bootId: 'one', wall: 77, monotonic: 950, ...waits, alone: true });
  t.same(ids({ ...claimed, owner: 'c' }), [5, 4], 'who is alone waits for no lease');

  const second = outbox.open({ bootId: 'two', wall: 1_200_000, monotonic: 10, ...waits });
  t.equal(second, 1_199_990);
  const now = 1_200_000;
  t.match(row(1), { ...UNCERTAIN, dueAt: now + 60_000 }, 'how long the machine was down is not known');
  t.match(row(2), { dueAt: 0 }, 'a clock that was set back makes nothing wait for it');
  t.match(row(3), { dueAt: 1_100_000 });
  t.same(ids({ owner: 'c', now, leaseUntil: now + 1 }), [5, 4, 2, 3], 'nobody has a lease any more');
  t.equal(outbox.open({ bootId: 'two', wall: 5, monotonic: 5, ...waits }), second);
  db.close();
});

t.test('after a crash of the machine a post is looked for', async (t) => {
  const { db, end, lookedUp, outbox, row } = openOutbox();
  const waits = { checkMs: 60_000, latestMs: 3_600_000, alone: false };
  outbox.open({ bootId: 'one', wall: 100_000, monotonic: 0, ...waits });
  end(call(1));
  outbox.begin(intent(lookedUp()));
  outbox.open({ bootId: 'two', wall: 110_000, monotonic: 0, ...waits });
  const nothing = { rows: [], interrupted: 1, nextDue: 170_000 };
  t.same(outbox.claim({ ...ALL, owner: 'b', now: 110_000, checkAt: 170_000 }), nothing);
  t.match(row(1), { ...UNCERTAIN, dueAt: 170_000, doubtful: true });
  db.close();
});

t.test('selection', async (t) => {
  const { db, end, outbox } = openOutbox();
  end(call(1), call(2, { source: 'other' }), call(3));
  db.prepare("UPDATE delivery SET state = 'parked', step = NULL, reason = 'bad' WHERE id IN (2, 3)").run();
  const ids = (filter: Parameters<typeof outbox.select>[0]['filter']) =>
    outbox.select({ filter, after: 0, limit: 10 }).map((row) => row.id);
  t.same(ids({}), [1, 2, 3]);
  t.same(ids({ ids: ['pbx:1:3', 'nothing'] }), [3]);
  t.same(ids({ states: ['parked'] }), [2, 3]);
  t.same(ids({ states: ['parked'], source: 'pbx' }), [3]);
  t.same(ids({ since: call(2).endedAt, until: call(3).endedAt }), [2]);
  t.same(ids({ number: '9811000002' }), [2]);
  t.same(ids({ number: '+91 98110-00003' }), [3]);
  t.same(
    outbox.select({ filter: {}, after: 1, limit: 1 }).map((row) => row.id),
    [2],
    'pages',
  );
  db.exec("UPDATE delivery SET code = 'no-user', reason = 'No user: 105%_ is not there.' WHERE id = 1");
  t.same(ids({ code: 'no-user' }), [1]);
  t.same(ids({ code: 'other' }), [2, 3], 'parked without a code, as they are counted');
  t.same(ids({ code: 'no user' }), []);
  t.same(ids({ reason: 'later-code' }), []);
  t.same(ids({ reason: 'no user: 105%_' }), [1], 'a piece of the sentence, whatever is in it');
  t.same(ids({ reason: 'BAD' }), [2, 3], 'of a row without a code');
  t.same(ids({ reason: '105_' }), []);
  t.same(ids({ sentence: 'bad' }), [2, 3], 'the whole sentence');
  t.same(ids({ sentence: 'ba' }), []);
  db.exec("UPDATE delivery SET code = 'later-code', reason = 'No other user is there.' WHERE id = 2");
  t.same(ids({ code: 'other' }), [3], 'not those whose sentence has the word');
  t.same(ids({ reason: 'later-code' }), [2], 'a code that nobody knows');
  db.exec("UPDATE delivery SET code = NULL, reason = 'bad' WHERE id = 2");
  t.same(ids({ code: 'no-user', states: ['delivered'] }), [], 'the other filters hold as well');
  db.exec("UPDATE delivery SET code = NULL, reason = 'bad' WHERE id = 1");
  t.same(outbox.counts({ now: 0 }).parkedReasons, [{ code: null, reason: 'bad', count: 2 }]);
  db.close();
});

t.test('calls of the last day that were not posted are counted by reason', async (t) => {
  const { db, end, outbox } = openOutbox();
  const now = Date.UTC(2026, 10, 25);
  const day = 24 * 3_600_000;
  const ended = [now - day - 1, now - day + 1, now - 5000, now, now].map((endedAt, n) => call(n + 1, { endedAt }));
  end(...ended);
  db.prepare("UPDATE delivery SET state = 'skipped', step = NULL, reason = 'internal' WHERE id < 4").run();
  db.prepare("UPDATE delivery SET state = 'skipped', step = NULL WHERE id = 4").run();
  t.strictSame(outbox.counts({ now: now + 0.5 }).skippedReasons, [
    { code: null, reason: 'internal', count: 2 },
    { code: null, reason: '', count: 1 },
  ]);
  t.strictSame(outbox.counts({ now: now + 2 * day }).skippedReasons, []);
  db.close();
});

t.test('a call that was skipped is posted when newer facts say so', async (t) => {
  const { db, outbox, end, endUnposted, put, row, claim, settle } = openOutbox();
  for (const n of [1, 2, 3, 4]) endUnposted(call(n), 'Internal call between two extensions.');
  t.match(row(1), { ...SKIPPED, reason: /^Internal call/ });
  endUnposted({ ...call(1), legs: 3 }, 'Internal call between two extensions.');
  t.match(row(1), SKIPPED, 'it is still none to be posted');
  end({ ...call(1), legs: 4 });
  t.match(row(1), { ...LOOK_UP, dueAt: 0, reason: null });
  put(2, SKIPPED, 'doubtful = 1');
  end({ ...call(2), legs: 4 });
  t.match(row(2), { ...UNCERTAIN, dueAt: 0 }, 'it may have been posted before it was skipped');
  remember(db, 'doubt', { until: 4000, waitMs: 60_000 }, 4000);
  // At its first start since the boot the machine did not know the time yet: due times count from then.
  outbox.open({ bootId: 'b', wall: 1000, monotonic: 5000, checkMs: 60_000, latestMs: 60_000, alone: true });
  end({ ...call(3), legs: 4 });
  t.match(row(3), { ...UNCERTAIN, dueAt: 60_000 }, 'or before the doubt, a second ago');
  remember(db, 'doubt', { until: 4000, waitMs: 1000 }, 4000);
  end({ ...call(4), legs: 4 });
  t.match(row(4), { ...UNCERTAIN, dueAt: 0 }, 'that is long enough ago');
  // Skipped by what was looked up of it, while newer facts came.
  const [one] = claim();
  if (one === undefined) return t.fail('one row');
  end({ ...call(1), legs: 5 });
  settle(one, { from: LOOK_UP, to: SKIPPED, revision: one.revision });
  t.match(row(1), LOOK_UP, 'it is asked again');
  db.close();
});
