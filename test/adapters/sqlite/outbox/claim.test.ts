/** Which rows are claimed, in which order, and for how long. */
import t from 'tap';
import { toDelivery } from '../../../../adapters/sqlite/outbox/row.ts';
import { STEPS } from '../../../../src/delivery/states.ts';
import { failedBefore } from '../../../../src/delivery/steps/step.ts';
import { call } from '../../../delivery/fakes.ts';
import {
  ALL,
  DELIVERED,
  intent,
  LOOK_UP,
  NONE,
  openOutbox,
  PARKED,
  POST,
  RESULT,
  RETRYING,
  SENDING,
  SKIPPED,
  UNCERTAIN,
  UPDATE,
} from './support.ts';

t.test('of the live calls the latest first, then the backlog from its oldest, then replays', async (t) => {
  const { db, end, put, claim } = openOutbox();
  end(call(5), call(3), call(4), call(1), call(2), call(6));
  put(4, LOOK_UP, "intent = 'replay'");
  put(6, LOOK_UP, "intent = 'replay'");
  put(2, POST);
  const rows = claim({ liveSince: call(4).endedAt - 1 });
  t.same(
    rows.map((row) => row.sessionId),
    ['pbx:1:5', 'pbx:1:4', 'pbx:1:2', 'pbx:1:3', 'pbx:1:1', 'pbx:1:6'],
  );
  t.ok(rows.every((row) => row.leaseOwner === 'a'));
  t.same(rows[1]?.record, call(4));
  t.same(claim({ owner: 'b' }), [], 'nothing is claimed twice');
  db.close();
});

t.test('the latest first over both steps of the way to the post, and as many as are wanted', async (t) => {
  const { db, end, put, ids } = openOutbox();
  end(...Array.from({ length: 8 }, (_, n) => call(n + 1)));
  for (const id of [2, 4, 6, 8]) put(id, POST);
  t.same(ids({ wanted: { ...NONE, live: 3 } }), [8, 7, 6]);
  t.same(ids({ wanted: { ...NONE, backlog: 3 }, liveSince: 1e9 }), [1, 2, 3]);
  put(4, POST, "intent = 'replay'");
  t.same(ids({ wanted: { ...NONE, backlog: 2 }, liveSince: 1e9 }), [5, 4], 'a replay fills what the backlog leaves');
  t.same(ids({ wanted: NONE, liveSince: 1e9 }), []);
  db.close();
});

t.test('of the live calls only those that were made after a moment, when one is told', async (t) => {
  const { db, end, put, ids } = openOutbox();
  end(call(1), call(2), call(3));
  put(2, LOOK_UP, 'created_at = 70000');
  put(1, LOOK_UP, 'created_at = 4000');
  t.same(ids({ liveAfter: 70_001 }), []);
  t.same(ids({ liveAfter: 70_000 }), [2]);
  t.same(ids({ liveAfter: 70_001, liveSince: call(2).endedAt }), [1], 'the backlog has no such moment');
  t.same(ids(), [3]);
  db.close();
});

t.test('checks and updates take turns, however many there are of either', async (t) => {
  const { db, end, put, ids } = openOutbox();
  end(...[1, 2, 3, 4, 5, 6].map((n) => call(n)));
  // Those of late facts are always due.
  for (const n of [1, 2, 3, 4]) put(n, UPDATE, 'due_at = 0');
  for (const n of [5, 6]) put(n, UNCERTAIN, 'due_at = 90000');
  const one = { wanted: { ...NONE, aside: 1 } };
  t.same([ids(one), ids(one), ids(one), ids(one)].flat().sort(), [1, 2, 5, 6]);
  t.same(ids({ wanted: { ...NONE, aside: 2 } }), [3, 4], 'all of one where nothing is left of the other');
  db.close();
});

t.test('each class for itself: checks and updates aside, what failed before behind', async (t) => {
  const { db, end, put, ids } = openOutbox();
  end(...Array.from({ length: 12 }, (_, n) => call(n + 1)));
  put(1, UNCERTAIN, 'due_at = 50');
  put(2, UPDATE, 'due_at = 40, check_attempts = 3, post_attempts = 2');
  put(3, UNCERTAIN, 'due_at = 30, failures = 3');
  put(4, UPDATE, 'due_at = 20, failures = 2');
  put(5, RETRYING, 'due_at = 10, failures = 1');
  put(6, { state: 'retrying', step: 'post' }, 'due_at = 60, failures = 4');
  put(7, DELIVERED);
  put(8, PARKED);
  put(9, SKIPPED);
  put(10, SENDING);
  t.same(ids({ wanted: { ...NONE, aside: 10 } }).sort(), [1, 2], 'attempts of other steps do not matter');
  t.same(ids({ wanted: { ...NONE, retry: 3 } }), [5, 4, 3], 'what failed seldom first, over all steps');
  t.same(ids(), [12, 11, 6], 'nothing else is to be done');
  db.close();
});

t.test('the store and delivery mean the same by: failed before', async (t) => {
  const { db, end, put, row } = openOutbox();
  end(call(1));
  const failed = db.prepare<[], number>('SELECT failed FROM delivery').pluck();
  for (const position of [LOOK_UP, POST, RETRYING, SENDING, UNCERTAIN, DELIVERED, UPDATE, PARKED, SKIPPED]) {
    for (const column of ['look_up_attempts', 'post_attempts', 'check_attempts', 'update_attempts', 'failures']) {
      for (const n of [0, 1, 2]) {
        put(
          1,
          position,
          `look_up_attempts = 0, post_attempts = 0, check_attempts = 0, update_attempts = 0, failures = 0`,
        );
        put(1, position, `${column} = ${n}`);
        t.equal(failed.get() === 1, failedBefore(row(1)), `${position.state} ${position.step} ${column} ${n}`);
      }
    }
  }
  db.close();
});

t.test('only what is due, only the steps that are asked for, none that are excepted', async (t) => {
  const { db, end, put, ids } = openOutbox();
  end(...Array.from({ length: 6 }, (_, n) => call(n + 1)));
  put(1, POST);
  put(3, UNCERTAIN, 'due_at = 100001');
  put(4, { state: 'retrying', step: 'post' }, 'due_at = 100000');
  put(5, UPDATE);
  t.same(ids({ steps: ['check'] }), [], 'not due yet');
  t.same(ids({ steps: ['check'], now: 100_001 }), [3]);
  t.same(ids({ steps: ['post'] }), [1, 4]);
  t.same(ids({ except: [6, 5] }), [2]);
  t.same(ids({ steps: [] }), []);
  t.same(ids(), [6, 5]);
  db.close();
});

t.test('a lease that runs out frees its row, and one that is renewed does not', async (t) => {
  const { db, end, claim, ids, outbox } = openOutbox();
  end(call(1), call(2), call(3));
  t.same(ids(), [3, 2, 1]);
  outbox.renew({ owner: 'a', ids: [2], leaseUntil: 160_000 });
  outbox.renew({ owner: 'b', ids: [3], leaseUntil: 160_000 });
  t.same(ids({ owner: 'b', now: 129_999 }), []);
  const given = claim({ owner: 'b', now: 130_000, leaseUntil: 170_000, except: [1] });
  t.match(given, [{ id: 3, leaseOwner: 'b', ...LOOK_UP }], 'the lease of somebody else cannot be renewed');
  t.equal(given.length, 1);
  t.same(ids({ owner: 'b', now: 159_999, except: [1] }), []);
  t.same(ids({ owner: 'b', now: 160_000, leaseUntil: 170_000, except: [1] }), [2]);
  t.same(ids({ owner: 'c', now: 160_000, leaseUntil: 170_000 }), [1], 'who excepts it leaves it to the others');
  db.close();
});

t.test('a row that was looked up for older facts is looked up again when its lease runs out', async (t) => {
  const { db, end, lookedUp, claim, row } = openOutbox();
  end(call(1));
  lookedUp();
  t.match(row(1), { ...POST, leaseOwner: 'a' });
  end({ ...call(1), agent: '1002' });
  t.match(row(1), { ...POST, leaseOwner: 'a' }, 'who works on it is not disturbed');
  t.match(claim({ owner: 'b', now: 130_000, leaseUntil: 160_000 }), [{ id: 1, ...LOOK_UP, revision: 2 }]);
  db.close();
});

t.test('a post whose lease ran out is uncertain, its attempt is over, and its worker is heard no more', async (t) => {
  const { db, end, lookedUp, outbox, settle, row } = openOutbox();
  end(call(1));
  const one = lookedUp();
  t.equal(outbox.begin(intent(one)), 'begun');
  const beside = { ...ALL, owner: 'b', leaseUntil: 200_000 };
  t.same(outbox.claim({ ...beside, now: 129_999 }), { rows: [], interrupted: 0, nextDue: 130_000 });
  t.same(outbox.claim({ ...beside, now: 140_000, except: [1] }), { rows: [], interrupted: 0, nextDue: null });
  t.same(outbox.claim({ ...beside, now: 140_000 }), { rows: [], interrupted: 1, nextDue: 160_000 });
  t.match(row(1), {
    ...UNCERTAIN,
    dueAt: 160_000,
    doubtful: true,
    leaseOwner: null,
    reason: /stopped before the answer/,
  });
  const attempts = outbox.attempts({ sessionId: one.sessionId });
  t.match(attempts, [{ finishedAt: 140_000, result: { outcome: 'interrupted' } }]);
  t.equal(settle(one, { from: SENDING, to: DELIVERED, attempt: RESULT, activityId: 'a-1' }), false);
  t.same(outbox.attempts({ sessionId: one.sessionId }), attempts, 'what is on record stays');
  t.match(outbox.claim({ ...beside, now: 160_000 }).rows.map(toDelivery), [{ id: 1, ...UNCERTAIN, leaseOwner: 'b' }]);
  t.equal(settle(one, { from: UNCERTAIN, to: DELIVERED }), false, 'also at the place where the row stands now');
  t.match(row(1), UNCERTAIN);
  db.close();
});

t.test('the next moment: a due time or the end of a lease, whichever is first', async (t) => {
  const { db, end, put, ids, outbox } = openOutbox();
  t.equal(outbox.nextDue({ now: 0 }), null);
  end(...Array.from({ length: 5 }, (_, n) => call(n + 1)));
  t.equal(outbox.nextDue({ now: 100_000 }), null, 'what is due now is no moment to wait for');
  for (const [n, step] of STEPS.entries()) {
    put(n + 1, { state: 'retrying', step }, `due_at = ${300_000 - n}`);
    t.equal(outbox.nextDue({ now: 100_000 }), 300_000 - n, `a retry at ${step}`);
  }
  put(4, UPDATE, 'due_at = 250000');
  t.equal(outbox.nextDue({ now: 100_000 }), 250_000, 'one that never failed');
  t.equal(outbox.nextDue({ now: 250_000 }), 299_998);
  put(3, DELIVERED);
  t.equal(outbox.nextDue({ now: 250_000 }), 299_999, 'nothing to do is no moment');
  t.same(ids(), [5]);
  t.equal(outbox.nextDue({ now: 100_000 }), 130_000, 'a lease');
  db.exec('UPDATE delivery SET due_at = 120000 WHERE id = 5');
  t.equal(outbox.nextDue({ now: 100_000 }), 130_000, 'who works on it needs no waking for it');
  db.close();
});
