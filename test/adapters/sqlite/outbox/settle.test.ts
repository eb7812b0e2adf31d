/** The end of a step, with what is stored beside it; and facts of a call that change at any moment. */
import t from 'tap';
import { next } from '../../../../src/delivery/states.ts';
import { call } from '../../../delivery/fakes.ts';
import {
  DELIVERED,
  intent,
  LOOK_UP,
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

const LEAD = { leadId: 'lead', userId: null };

t.test('a row moves only for the owner of its lease, and only from where it stands', async (t) => {
  const { db, end, claim, settle, outbox, row } = openOutbox();
  end(call(1), call(2));
  t.equal(settle({ id: 1 }, { from: LOOK_UP, to: SKIPPED }), false, 'nobody has a lease');
  claim();
  t.equal(settle({ id: 1 }, { from: SENDING, to: DELIVERED }), false, 'another state');
  t.equal(settle({ id: 1 }, { from: POST, to: SENDING }), false, 'another step');
  t.equal(settle({ id: 1 }, { from: LOOK_UP, to: SKIPPED, owner: 'b' }), false, 'another owner');
  t.equal(settle({ id: 9 }, { from: LOOK_UP, to: SKIPPED }), false, 'no such row');
  const move = { owner: 'a', from: LOOK_UP, revision: 1, now: 20_000, dueAt: 30_000 };
  const items = [
    { ...move, id: 1, to: SKIPPED, reason: 'internal' },
    { ...move, id: 1, to: SKIPPED, reason: 'twice' },
    { ...move, id: 2, to: RETRYING, reason: 'later' },
  ];
  t.same(outbox.settle({ items }), [true, false, true], 'each for itself');
  t.match(row(1), { ...SKIPPED, reason: 'internal', leaseOwner: null, updatedAt: 20_000 });
  t.match(row(2), { ...RETRYING, reason: 'later', leaseOwner: null, dueAt: 30_000 });
  db.close();
});

t.test('a row that cannot be stored is left as it was, and stops no other', async (t) => {
  const { db, end, claim, outbox, row } = openOutbox();
  end(call(1), call(2), call(3));
  claim();
  const of = (id: number, reason: string) => ({
    ...{ id, owner: 'a', revision: 1, now: 20_000, dueAt: 0, reason },
    ...{ from: LOOK_UP, to: SKIPPED },
  });
  db.exec(`CREATE TRIGGER refuse BEFORE UPDATE OF reason ON delivery WHEN NEW.reason = 'bad'
    BEGIN SELECT raise(ABORT, 'not this one'); END`);
  const done = outbox.settle({ items: [of(1, 'good'), of(2, 'bad'), of(3, 'good')] });
  t.same(done, [true, { refused: 'not this one' }, true]);
  t.match([row(1), row(2), row(3)], [SKIPPED, { ...LOOK_UP, leaseOwner: 'a', reason: null }, SKIPPED]);
  t.same(outbox.settle({ items: [of(2, 'bad')] }), [{ refused: 'not this one' }]);
  db.close();
});

t.test('trouble of the file stores nothing and throws', async (t) => {
  const { db, end, claim, outbox, row } = openOutbox();
  end(call(1), call(2));
  claim();
  const of = (id: number, reason: string) => ({
    ...{ id, owner: 'a', revision: 1, now: 20_000, dueAt: 0, reason },
    ...{ from: LOOK_UP, to: SKIPPED },
  });
  db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
  t.throws(() => outbox.settle({ items: [of(1, 'good'), of(2, 'x'.repeat(100_000))] }), { code: 'SQLITE_FULL' });
  t.match([row(1), row(2)], [LOOK_UP, LOOK_UP]);
  db.close();
});

t.test('the lease goes on where the same worker goes on', async (t) => {
  const { db, end, lookedUp, ids, row } = openOutbox();
  end(call(1));
  lookedUp();
  t.match(row(1), { ...POST, leaseOwner: 'a', leadId: 'lead' });
  t.same(ids({ owner: 'b' }), []);
  t.same(ids({ owner: 'b', now: 129_999 }), []);
  t.same(ids({ owner: 'b', now: 130_000 }), [1]);
  db.close();
});

t.test('each step has attempts of its own', async (t) => {
  const { db, end, claim, settle, outbox, row } = openOutbox();
  end(call(1));
  const attempts = () => row(1).attempts;
  const again = { from: LOOK_UP, to: RETRYING, burn: 'look-up', dueAt: 0 } as const;
  claim();
  settle({ id: 1 }, { ...again, leaseUntil: 130_000 });
  settle({ id: 1 }, { ...again, from: RETRYING, leaseUntil: 130_000 });
  t.same(attempts(), { 'look-up': 2, post: 0, check: 0, update: 0 });
  settle({ id: 1 }, { from: RETRYING, to: POST, found: LEAD, leaseUntil: 130_000 });
  const post = () => {
    t.equal(outbox.begin(intent(row(1))), 'begun');
    settle({ id: 1 }, { from: SENDING, to: UNCERTAIN, burn: 'post', leaseUntil: 130_000 });
  };
  post();
  t.same(attempts(), { 'look-up': 2, post: 1, check: 0, update: 0 });
  settle({ id: 1 }, { from: UNCERTAIN, to: UNCERTAIN, burn: 'check', leaseUntil: 130_000 });
  settle({ id: 1 }, { from: UNCERTAIN, to: UNCERTAIN, burn: 'check', leaseUntil: 130_000 });
  t.same(attempts(), { 'look-up': 2, post: 1, check: 2, update: 0 });
  settle({ id: 1 }, { from: UNCERTAIN, to: next(UNCERTAIN, 'absent'), certain: true, leaseUntil: 130_000 });
  t.match(row(1), { state: 'retrying', step: 'post', doubtful: false });
  post();
  t.same(attempts(), { 'look-up': 2, post: 2, check: 0, update: 0 }, 'those of a post add up over its checks');
  t.match(row(1), { tries: 2, doubtful: true });
  db.close();
});

t.test('a post: its intent, its end, and what the CRM has', async (t) => {
  const { db, end, lookedUp, settle, outbox, row } = openOutbox();
  end(call(1));
  const one = lookedUp();
  t.equal(outbox.begin(intent(one)), 'begun');
  t.match(row(1), { ...SENDING, tries: 1, firstAttemptAt: 10_000, deliveredAt: null, posted: null });
  const { sessionId } = one;
  t.match(outbox.attempts({ sessionId }), [
    { number: 1, step: 'post', trigger: 'live', permit: 7, permitWaitMs: 2, startedAt: 10_000, result: null },
  ]);
  t.match(outbox.attempts({ sessionId })[0]?.bodyHash, /^[0-9a-f]{64}$/);
  settle(one, { from: SENDING, to: DELIVERED, activityId: 'a-1', attempt: RESULT, certain: true });
  t.match(row(1), {
    ...DELIVERED,
    ...{ activityId: 'a-1', deliveredAt: 20_000, leaseOwner: null },
    posted: { recordingUrl: null, durationSeconds: 60 },
  });
  t.match(outbox.attempts({ sessionId }), [{ finishedAt: 20_000, result: { outcome: 'accepted', durationMs: 13 } }]);
  db.close();
});

t.test('facts that change are noticed in the transaction that stores them', async (t) => {
  const { db, end, put, row } = openOutbox();
  const change = (n: number, recording: string) => end(call(n, { recording }));
  end(...[1, 2, 3, 4, 5, 6, 7].map((n) => call(n)));
  put(1, POST, 'due_at = 700000');
  put(2, RETRYING, 'due_at = 700000');
  put(3, { state: 'retrying', step: 'post' }, 'due_at = 700000');
  put(4, DELIVERED, 'update_attempts = 3');
  put(5, UPDATE, 'due_at = 700000, update_attempts = 3');
  put(6, UNCERTAIN, 'due_at = 700000');
  put(7, PARKED);
  for (const n of [1, 2, 3, 4, 5, 6, 7]) change(n, 'late.wav');
  t.match(row(1), { ...LOOK_UP, dueAt: 0, revision: 2 }, 'the newer facts are looked up');
  t.match(row(2), { ...RETRYING, dueAt: 700_000 }, 'a failed lookup waits its time');
  t.match(row(3), { state: 'retrying', step: 'look-up', dueAt: 0 });
  t.match(row(4), { ...UPDATE, dueAt: 0, attempts: { update: 0 } });
  t.match(row(5), { ...UPDATE, dueAt: 0, attempts: { update: 0 } });
  t.match(row(6), { ...UNCERTAIN, dueAt: 700_000 }, 'first whether it has arrived at all');
  t.match(row(7), PARKED);
  db.exec("UPDATE delivery SET state = 'delivered', step = NULL WHERE id = 4");
  change(4, 'late.wav');
  t.match(row(4), DELIVERED, 'the same facts are no change');
  db.close();
});

t.test('facts that change while it is posted are an update of their own', async (t) => {
  const { db, end, lookedUp, claim, settle, outbox, row } = openOutbox();
  end(call(1));
  const one = lookedUp();
  outbox.begin(intent(one));
  end(call(1, { recording: 'during.wav' }));
  t.match(row(1), SENDING, 'the post under way is left alone');
  const delivered = { from: SENDING, to: DELIVERED, activityId: 'a-1', attempt: RESULT, dueAt: 0 } as const;
  t.equal(settle(one, delivered), true);
  t.match(row(1), { ...UPDATE, dueAt: 0, leaseOwner: null, activityId: 'a-1', posted: { recordingUrl: null } });

  const [late] = claim();
  t.match(late, { ...UPDATE, revision: 2 });
  end(call(1, { recording: 'again.wav' }));
  const facts = { recordingUrl: 'during.wav', durationSeconds: 60 };
  const updated = { from: UPDATE, to: DELIVERED, now: 30_000 };
  const attempted = { step: 'update', startedAt: 29_000, result: RESULT } as const;
  settle(one, { ...updated, revision: 2, updated: { facts }, attempted });
  t.match(row(1), { ...UPDATE, dueAt: 0, posted: facts }, 'newer facts wait');
  claim();
  settle(one, { ...updated, revision: 3, updated: { facts: { ...facts, recordingUrl: 'again.wav' } } });
  t.match(row(1), { ...DELIVERED, posted: { recordingUrl: 'again.wav' } });
  t.match(outbox.attempts({ sessionId: one.sessionId }), [
    { number: 1, step: 'post', trigger: 'live', result: { outcome: 'accepted' } },
    { number: 2, step: 'update', trigger: 'live', permit: null, startedAt: 29_000, finishedAt: 30_000 },
  ]);
  db.close();
});

t.test('the same when the post is found afterwards', async (t) => {
  const { db, end, lookedUp, claim, settle, outbox, row } = openOutbox();
  end(call(1));
  const one = lookedUp();
  outbox.begin(intent(one));
  settle(one, { from: SENDING, to: UNCERTAIN, attempt: { ...RESULT, outcome: 'uncertain' } });
  t.match(row(1), { doubtful: true });
  end(call(1, { recording: 'late.wav' }));
  claim();
  settle(one, { from: UNCERTAIN, to: DELIVERED, activityId: 'a-1', certain: true });
  t.match(row(1), { ...UPDATE, dueAt: 0, doubtful: false, activityId: 'a-1', posted: { durationSeconds: 60 } });
  db.close();
});

t.test('what was looked up for older facts is looked up again', async (t) => {
  const { db, end, claim, settle, row } = openOutbox();
  end(call(1), call(2));
  const [second, first] = claim();
  if (first === undefined || second === undefined) return t.fail('two rows');
  end(call(1, { agent: '1002' }));
  const move = { from: LOOK_UP, to: POST, found: LEAD, leaseUntil: 130_000, dueAt: 9_000_000 };
  t.equal(settle(first, move), false, 'the worker does not go on with it');
  t.match(row(1), { ...LOOK_UP, leaseOwner: null, dueAt: 0 });
  t.equal(settle(second, move), true);
  t.match(row(2), { ...POST, leaseOwner: 'a', leadId: 'lead' });
  db.close();
});

t.test('facts that change while a row waits for its post, or is posted in vain, are looked up again', async (t) => {
  const { db, end, lookedUp, settle, outbox, row } = openOutbox();
  end(call(1));
  const waiting = lookedUp();
  end({ ...waiting.record, agent: '1002' });
  settle(waiting, { from: POST, to: POST });
  t.match(row(waiting.id), { ...LOOK_UP, leaseOwner: null });
  end(call(2));
  const posted = lookedUp({ except: [waiting.id] });
  outbox.begin(intent(posted));
  end({ ...posted.record, agent: '1002' });
  settle(posted, { from: SENDING, to: POST, revision: 2 });
  t.match(
    row(posted.id),
    { ...LOOK_UP, leaseOwner: null },
    'whatever revision the step says: that which was sent counts',
  );
  db.close();
});

t.test('an activity that another row has settles no doubt: the row is free, and looked for again', async (t) => {
  const { db, end, put, claim, outbox, row } = openOutbox();
  end(call(1), call(2));
  put(1, UNCERTAIN, 'doubtful = 1');
  put(2, UNCERTAIN, 'doubtful = 1');
  claim();
  const landed = { owner: 'a', from: UNCERTAIN, to: DELIVERED, revision: 1, now: 20_000, dueAt: 0, reason: null };
  const items = [1, 2].map((id) => ({ ...landed, id, activityId: 'a-1', certain: true }));
  t.same(outbox.settle({ items }), [true, false]);
  t.match(row(1), { ...DELIVERED, activityId: 'a-1', doubtful: false });
  t.match(row(2), { ...UNCERTAIN, activityId: null, doubtful: true, leaseOwner: null });
  t.same(
    claim().map(({ id }) => id),
    [2],
  );
  db.close();
});
