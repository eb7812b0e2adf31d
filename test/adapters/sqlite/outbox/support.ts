/** An outbox in memory with calls in it, and short ways to say what is asked of it. */
import { outboxModule, outboxOn } from '../../../../adapters/sqlite/outbox/outbox.ts';
import { toDelivery } from '../../../../adapters/sqlite/outbox/row.ts';
import { sessionRow } from '../../../../adapters/sqlite/sessions/row.ts';
import { sessionStore } from '../../../../adapters/sqlite/sessions/store.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import { next, type Position, STEPS } from '../../../../src/delivery/states.ts';
import type { AttemptResult, Claim, Delivery, Intent, Settlement } from '../../../../src/delivery/store.ts';
import { memoryDatabase } from '../support.ts';

export const LOOK_UP: Position = { state: 'pending', step: 'look-up' };
export const POST: Position = { state: 'pending', step: 'post' };
export const SENDING: Position = { state: 'sending', step: 'post' };
export const UNCERTAIN: Position = { state: 'uncertain', step: 'check' };
export const DELIVERED: Position = { state: 'delivered', step: null };
export const UPDATE: Position = { state: 'delivered', step: 'update' };
export const RETRYING: Position = { state: 'retrying', step: 'look-up' };
export const PARKED: Position = { state: 'parked', step: null };
export const SKIPPED: Position = { state: 'skipped', step: null };

export const RESULT: AttemptResult = {
  outcome: 'accepted',
  http: 200,
  exception: null,
  message: 'ok',
  answer: '{}',
  durationMs: 12.7,
};

/** Everything, for the worker `a`, at 100,000 until 130,000. */
export const ALL: Claim & { checkAt: number } = {
  owner: 'a',
  now: 100_000,
  leaseUntil: 130_000,
  liveSince: -1,
  liveAfter: 0,
  wanted: { live: 10, backlog: 10, aside: 10, retry: 10 },
  steps: STEPS,
  except: [],
  checkAt: 160_000,
};

export const NONE = { live: 0, backlog: 0, aside: 0, retry: 0 };

export function intent(row: Delivery, over: Partial<Intent> = {}): Intent {
  return {
    id: row.id,
    owner: 'a',
    revision: row.revision,
    trigger: 'live',
    permit: 7,
    permitWaitMs: 1.5,
    startedAt: 10_000,
    leaseUntil: 130_000,
    body: { CallSessionId: row.sessionId },
    resolution: { leadId: 'lead', userId: null },
    facts: { recordingUrl: null, durationSeconds: 60 },
    ...over,
  };
}

type Move = Partial<Settlement> & Pick<Settlement, 'from' | 'to'>;

/** `monotonic`: what CLOCK_MONOTONIC shows, ms. */
export function openOutbox(monotonic = 5000) {
  const db = memoryDatabase();
  const store = sessionStore(db, [outboxOn(() => monotonic)]);
  const outbox = outboxModule(db);
  const put = db.prepare<[object]>('UPDATE delivery SET state = @state, step = @step WHERE id = @id');
  const settle = (row: { readonly id: number }, move: Move): boolean =>
    outbox.settle({
      items: [{ id: row.id, owner: 'a', revision: 1, now: 20_000, dueAt: 0, reason: null, ...move }],
    })[0] === true;
  const row = (id: number): Delivery => {
    const found = outbox.select({ filter: {}, after: id - 1, limit: 1 })[0];
    if (found?.id !== id) throw new Error(`There is no row ${id}.`);
    return found;
  };
  const claim = (over: Partial<typeof ALL> = {}) => outbox.claim({ ...ALL, ...over }).rows.map(toDelivery);
  return {
    ...{ db, outbox, settle, row, claim },
    end: (...records: readonly CallRecord[]) => records.map((record) => store(sessionRow(record), 5000)),
    /** The same of a call that its facts say is not to be posted. */
    endUnposted: (record: CallRecord, reason: string) =>
      store(sessionRow(record, { code: 'skip-internal', reason }), 5000),
    /** Puts a row where a test wants it. */
    put: (id: number, position: Position, columns = '') => {
      put.run({ id, ...position });
      if (columns !== '') db.exec(`UPDATE delivery SET ${columns} WHERE id = ${id}`);
    },
    /** The ids of what was claimed. */
    ids: (over: Partial<typeof ALL> = {}) => claim(over).map(({ id }) => id),
    /** The one row, claimed and looked up: it stands before its post, under the lease of `a`. */
    lookedUp: (over: Partial<typeof ALL> = {}): Delivery => {
      const [one] = claim(over);
      if (one === undefined) throw new Error('Nothing was claimed.');
      const found = { leadId: 'lead', userId: null };
      const leaseUntil = 130_000;
      const { revision } = one;
      if (!settle(one, { from: one, to: next(one, 'found'), revision, found, leaseUntil }))
        throw new Error('It was refused.');
      return row(one.id);
    },
  };
}
