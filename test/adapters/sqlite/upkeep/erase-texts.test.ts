/** What LeadSquared was sent and answered holds numbers too, also of calls whose record names them no more, or never did. */
import t from 'tap';
import { type Erasure, eraser, FIRST_PLACE } from '../../../../adapters/sqlite/upkeep/erase.ts';
import { DELIVERED, intent, LOOK_UP, openOutbox, PARKED, RESULT, SENDING, UNCERTAIN } from '../outbox/support.ts';
import { record } from '../support.ts';

const THEIRS = '9845012345';

type Outbox = ReturnType<typeof openOutbox>;

function erased({ db }: Outbox, dryRun = false, part: Partial<Erasure> = {}) {
  const sum = { calls: 0, deliveries: 0, waiting: [] as string[] };
  const { erase } = eraser(db);
  for (let place: typeof FIRST_PLACE | null = FIRST_PLACE; place !== null; ) {
    const page = erase({ digits: THEIRS, e164: `+91${THEIRS}`, ...part, dryRun, place });
    sum.calls += page.calls;
    sum.deliveries += page.deliveries;
    sum.waiting.push(...page.waiting);
    place = page.next;
  }
  return sum;
}

/** Every text that is stored. */
const stored = ({ db }: Outbox): string =>
  ['session', 'delivery', 'attempt', 'delivery_reason', 'lead_cache']
    .map((table) => JSON.stringify(db.prepare(`SELECT * FROM ${table}`).all()))
    .join('\n');

t.test('what LeadSquared answered about another call named the number: its digits go, the call stays', async (t) => {
  const it = openOutbox();
  it.end(record('other'));
  const row = it.lookedUp();
  it.outbox.begin(intent(row));
  const answer = `{"List":[{"SourceNumber":"+91-${THEIRS}"},{"SourceNumber":"+91-9876543210"}]}`;
  it.settle(row, { from: SENDING, to: DELIVERED, activityId: 'x', attempt: { ...RESULT, message: THEIRS, answer } });
  t.same(erased(it, true), { calls: 0, deliveries: 1, waiting: [] });
  t.match(stored(it), THEIRS, 'a dry run changes nothing');
  t.same(erased(it), { calls: 0, deliveries: 1, waiting: [] });
  t.notMatch(stored(it), THEIRS);
  t.match(it.outbox.attempts({ sessionId: 'other' }), [
    { bodyHash: /^[\da-f]{64}$/, result: { message: '0000000000', answer: answer.replace(THEIRS, '0000000000') } },
  ]);
  t.same(erased(it), { calls: 0, deliveries: 0, waiting: [] });
});

t.test('a call that was posted with the number before its facts were corrected', async (t) => {
  const it = openOutbox();
  it.end(record('corrected'));
  const row = it.lookedUp();
  const body = { CallSessionId: 'corrected', SourceNumber: `+91-${THEIRS}`, DestinationNumber: '+91-8041234567' };
  it.outbox.begin(intent(row, { body, facts: { recordingUrl: `x/${THEIRS}.wav`, durationSeconds: 1 } }));
  it.settle(row, { from: SENDING, to: DELIVERED, activityId: 'x', attempt: RESULT });
  t.same(erased(it), { calls: 0, deliveries: 1, waiting: [] });
  t.notMatch(stored(it), THEIRS);
  t.match(it.row(row.id), { ...DELIVERED, body: { ...body, SourceNumber: '+91-0000000000' } });
  t.match(it.outbox.attempts({ sessionId: 'corrected' }), [{ bodyHash: null }], 'a hash of a number tells it');
});

t.test('the sentence of a parked call; its count stays right', async (t) => {
  const it = openOutbox();
  it.end(record('parked'));
  const [row] = it.claim();
  if (row === undefined) throw new Error('Nothing was claimed.');
  it.settle(row, { from: LOOK_UP, to: PARKED, code: 'rejected', reason: `A lead has ${THEIRS} already.` });
  t.same(erased(it), { calls: 0, deliveries: 1, waiting: [] });
  t.notMatch(stored(it), THEIRS);
  t.match(it.db.prepare('SELECT reason, n FROM delivery_reason').all(), [
    { reason: 'A lead has 0000000000 already.', n: 1 },
  ]);
});

t.test('one on its way is looked for by the body that was posted: it is named and stays', async (t) => {
  const it = openOutbox();
  it.end(record('sent'));
  const row = it.lookedUp();
  it.outbox.begin(intent(row, { body: { SourceNumber: THEIRS } }));
  it.settle(row, { from: SENDING, to: UNCERTAIN, attempt: RESULT });
  t.same(erased(it), { calls: 0, deliveries: 0, waiting: ['sent'] });
  t.match(it.row(row.id).body, { SourceNumber: THEIRS });
  it.put(row.id, DELIVERED);
  t.same(erased(it), { calls: 0, deliveries: 1, waiting: [] });
  t.notMatch(stored(it), THEIRS);
});

t.test('a time is no number: a call whose times end with the same digits stays', async (t) => {
  const it = openOutbox();
  const startedAt = 1_790_007_654_321;
  it.end(record('stranger', { startedAt, answeredAt: startedAt + 1, endedAt: startedAt + 2 }));
  it.put(1, DELIVERED);
  t.same(erased(it, false, { digits: '7654321', e164: '+3547654321' }), { calls: 0, deliveries: 0, waiting: [] });
});
