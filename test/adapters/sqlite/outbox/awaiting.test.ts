/** Calls that wait for the PBX's own record before they are posted. */
import t from 'tap';
import { outboxOf } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { type Held, sessionRow } from '../../../../adapters/sqlite/sessions/row.ts';
import { sessionStore } from '../../../../adapters/sqlite/sessions/store.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import type { Why } from '../../../../src/delivery/parked/reasons.ts';
import { call } from '../../../delivery/fakes.ts';
import { LOOK_UP, openOutbox, SKIPPED } from './support.ts';

const HELD: Held = { dueAt: 150_000, reason: 'Waits for the record.' };

function held(box: ReturnType<typeof openOutbox>, record: CallRecord, why = HELD, unposted: Why | null = null): void {
  sessionStore(box.db, [outboxOf])(sessionRow(record, unposted, why), 5000);
}

const source = call(1).source;
const waiting = ({ outbox }: ReturnType<typeof openOutbox>) =>
  outbox.awaiting({ source, limit: 10 }).map(({ record }) => record.callSessionId);

t.test('it is not claimed before its time, and then goes on by itself', async (t) => {
  const box = openOutbox();
  held(box, call(1));
  t.match(box.row(1), { ...LOOK_UP, dueAt: 150_000, reason: 'Waits for the record.' });
  t.strictSame(waiting(box), [call(1).callSessionId]);
  t.strictSame(box.outbox.awaiting({ source: 'other', limit: 10 }), []);
  t.strictSame(box.ids(), []);
  t.equal(box.outbox.nextDue({ now: 100_000 }), 150_000);
  t.strictSame(box.ids({ now: 150_000 }), [1]);
});

t.test('with its record it is free at once, with the facts of then', async (t) => {
  const box = openOutbox();
  held(box, call(1));
  box.end({ ...call(1), talkSeconds: 99 });
  t.strictSame(box.ids(), [], 'newer facts alone do not free it');
  box.outbox.release({ ids: [call(1).callSessionId, 'pbx:9:9'] });
  t.strictSame(waiting(box), []);
  t.match(box.row(1), { dueAt: 0, reason: null, record: { talkSeconds: 99 } });
  t.strictSame(box.ids(), [1]);
});

t.test('one that went on meanwhile keeps what became of it', async (t) => {
  const box = openOutbox();
  held(box, call(1));
  box.claim({ now: 150_000 });
  box.db.exec("UPDATE delivery SET reason = 'Looked up.'");
  box.outbox.release({ ids: [call(1).callSessionId] });
  t.strictSame(waiting(box), []);
  t.match(box.row(1), { dueAt: 150_000, reason: 'Looked up.' });
});

t.test('what is not to be posted waits for nothing', async (t) => {
  const box = openOutbox();
  held(box, call(1), HELD, { code: 'skip-internal', reason: 'An internal call.' });
  t.match(box.row(1), { ...SKIPPED, reason: 'An internal call.' });
  t.strictSame(waiting(box), []);
});
