/** The outbox's statements; runs in the database thread. The rules are in `src/delivery`; here is only what is stored. */
import type { CallRecord } from '../../../src/call/record.ts';
import { afterChange, next, type Position } from '../../../src/delivery/states.ts';
import type { Begun, Outbox } from '../../../src/delivery/store.ts';
import { decodeRecord, type SessionRow } from '../sessions/row.ts';
import type { Connection } from '../thread/rpc.ts';
import { type Doubt, remember, remembered } from '../upkeep/identity.ts';
import { attemptWriter } from './attempts.ts';
import { claimer } from './claim.ts';
import { acknowledger } from './parked.ts';
import { nextDueOf, outboxQueries } from './queries.ts';
import { DOUBT } from './row.ts';
import { settler } from './settle.ts';

/** Where every delivery begins. */
const FIRST: Position = { state: 'pending', step: 'look-up' };

type Arg<M extends keyof Outbox> = Parameters<Outbox[M]>[0];

/**
 * Makes the outbox row of a call that just ended, or tells it that the facts of its call changed; part of the transaction that
 * stores the session. Every call gets one: what is not to be posted is skipped by the rules of delivery, with a reason that
 * can be seen. Where the facts of the call alone say so, that is at once. `monotonic`: CLOCK_MONOTONIC, ms.
 */
export const outboxOn = (monotonic: () => number) => (db: Connection) => {
  const insert = db.prepare<unknown[]>(
    `INSERT INTO delivery (session_id, started_at, ended_at, due_at, created_at, updated_at, state, step, reason, code,
       doubtful, awaits)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id, destination) DO NOTHING`,
  );
  const begun = db.prepare<unknown[]>('UPDATE delivery SET started_at = ? WHERE session_id = ? AND started_at <> ?');
  // A row that is worked on is left alone: the end of its step looks at the facts as they are then.
  const free = db.prepare<[string], Position & { id: number; doubtful: number }>(
    'SELECT id, state, step, doubtful FROM delivery WHERE session_id = ? AND lease_owner IS NULL',
  );
  const move = db.prepare<[object]>(
    'UPDATE delivery SET state = @state, step = @step, due_at = 0, update_attempts = 0, failures = 0 WHERE id = @id',
  );
  const post = db.prepare<[object]>(
    `UPDATE delivery SET state = @state, step = @step, due_at = @dueAt, reason = NULL, code = NULL, look_up_attempts = 0, check_attempts = 0,
       failures = 0, updated_at = @at WHERE id = @id`,
  );
  const ahead = db.prepare<[], number>('SELECT ahead_ms FROM boot_clock').pluck();
  /**
   * When a call that may have been posted before is looked for: that was before the doubt. How long it is still to wait, the wall clock
   * tells; from when on that is, the clock of due times, which may show another time.
   */
  const lookedForAt = (doubt: Doubt | null, at: number): number => {
    const waitMs = doubt === null ? 0 : Math.min(doubt.until, at) + doubt.waitMs - at;
    const aheadMs = waitMs <= 0 ? undefined : ahead.get();
    // The outbox is not open yet: its beginning has each check wait its time.
    return aheadMs === undefined ? 0 : Math.floor(monotonic() + aheadMs + waitMs);
  };
  /** A call that was skipped is posted after all. What may have been posted before is looked for first. */
  const unskip = (id: number, doubtful: boolean, at: number): void => {
    const dueAt = doubtful ? lookedForAt(remembered(db, 'doubt'), at) : 0;
    post.run({ id, at, dueAt, ...next({ state: 'skipped', step: null }, doubtful ? 'rechecked' : 'changed') });
  };
  /** `null`: nobody can have posted a call that began then. */
  const doubtOf = (startedAt: number): Doubt | null => {
    const doubt = remembered(db, 'doubt');
    return doubt !== null && startedAt <= doubt.until ? doubt : null;
  };
  return ({ callSessionId, startedAt, endedAt, unposted, held, others: [source] }: SessionRow, now: number): void => {
    const at = Math.floor(now);
    const doubt = unposted === null ? doubtOf(startedAt) : null;
    const { state, step } =
      unposted !== null ? next(FIRST, 'filtered') : doubt === null ? FIRST : next(FIRST, 'doubtful');
    // A call that may have been posted before is looked for, with or without its record.
    const waits = unposted === null && doubt === null ? held : null;
    const due = doubt === null ? (waits?.dueAt ?? 0) : lookedForAt(doubt, at);
    const why = [unposted?.reason ?? waits?.reason ?? null, unposted?.code ?? null];
    const values = [callSessionId, startedAt, endedAt, due, at, at, state, step, ...why];
    const { changes } = insert.run(
      ...values,
      doubt === null ? DOUBT.none : DOUBT.elsewhere,
      waits === null ? null : source,
    );
    if (changes > 0) return;
    begun.run(startedAt, callSessionId, startedAt);
    for (const { id, state, step, doubtful } of free.all(callSessionId)) {
      if (state === 'skipped') {
        if (unposted === null) unskip(id, doubtful !== DOUBT.none || doubtOf(startedAt) !== null, at);
        continue;
      }
      const to = afterChange({ state, step });
      // A failed lookup waits its time also with newer facts.
      if (to !== null && !(step === to.step && step === 'look-up')) move.run({ id, ...to });
    }
  };
};

export const outboxOf = outboxOn(() => Number(process.hrtime.bigint()) / 1e6);

export function outboxModule(db: Connection) {
  const attempts = attemptWriter(db);
  const nextDue = nextDueOf(db);
  return {
    open: opener(db),
    claim: claimer(db, attempts, nextDue),
    nextDue: ({ now }: Arg<'nextDue'>): number | null => nextDue(now),
    renew: renewer(db),
    begin: beginner(db, attempts.open),
    settle: settler(db, attempts),
    taken: taken(db),
    requeue: requeuer(db),
    acknowledge: acknowledger(db),
    ...awaiting(db),
    ...outboxQueries(db),
  };
}

/** Calls that wait for the PBX's own record. */
function awaiting(db: Connection) {
  const waiting = db.prepare<[object], { readonly json: string; readonly heldSince: number }>(
    `SELECT s.json, d.created_at AS heldSince FROM delivery d INDEXED BY delivery_awaiting JOIN session s ON s.call_session_id = d.session_id
       WHERE d.awaits = @source ORDER BY d.id LIMIT @limit`,
  );
  // One that went on by itself meanwhile keeps what became of it.
  const release = db.prepare<[object]>(
    `UPDATE delivery SET awaits = NULL,
       due_at = CASE WHEN waits THEN 0 ELSE due_at END, reason = CASE WHEN waits THEN NULL ELSE reason END
     FROM (SELECT id AS of, state = 'pending' AND step = 'look-up' AND lease_owner IS NULL AND failures = 0 AS waits
       FROM delivery WHERE awaits IS NOT NULL AND session_id IN (SELECT value FROM json_each(@ids)))
     WHERE id = of`,
  );
  return {
    /** `heldSince`: when it was stored, ms since the epoch. */
    awaiting: (args: { source: string; limit: number }): readonly { record: CallRecord; heldSince: number }[] =>
      waiting.all(args).map(({ json, heldSince }) => ({ record: decodeRecord(json), heldSince })),
    release: ({ ids }: { ids: readonly string[] }): void => void release.run({ ids: JSON.stringify(ids) }),
  };
}

function opener(db: Connection) {
  const clock = db.prepare<[], { boot: string; ahead_ms: number }>('SELECT boot, ahead_ms FROM boot_clock');
  const set = db.prepare<[object]>(
    `INSERT INTO boot_clock (id, boot, ahead_ms) VALUES (1, @bootId, @ahead)
     ON CONFLICT (id) DO UPDATE SET boot = @bootId, ahead_ms = @ahead`,
  );
  // Of another boot, whose clock is not ours: nobody has a lease any more.
  const leases = db.prepare('UPDATE delivery SET lease_until = 0 WHERE lease_until IS NOT NULL');
  // How long the machine was down is not known (the wall clock may have been set): each check waits its time again.
  const checks = db.prepare<[object]>(
    "UPDATE delivery SET due_at = @checkAt WHERE step = 'check' AND due_at < @checkAt",
  );
  // A clock that was set back meanwhile must not make a call wait for it.
  const beyond = db.prepare<[object]>(
    'UPDATE delivery SET due_at = 0 WHERE step IS NOT NULL AND due_at > 0 AND due_at > @latest',
  );
  return db.transaction(({ bootId, wall, monotonic, checkMs, latestMs, alone }: Arg<'open'>): number => {
    const doubt = remembered(db, 'doubt');
    if (doubt !== null && doubt.waitMs !== checkMs) remember(db, 'doubt', { ...doubt, waitMs: checkMs }, wall);
    if (alone) leases.run();
    const kept = clock.get();
    if (kept?.boot === bootId) return kept.ahead_ms;
    const ahead = Math.floor(wall - monotonic);
    const now = Math.floor(monotonic + ahead);
    set.run({ bootId, ahead });
    leases.run();
    beyond.run({ latest: now + latestMs });
    checks.run({ checkAt: now + checkMs });
    return ahead;
  }).immediate;
}

function renewer(db: Connection) {
  const write = db.prepare<[object]>(
    `UPDATE delivery SET lease_until = @leaseUntil
     WHERE lease_owner = @owner AND id IN (SELECT value FROM json_each(@ids))`,
  );
  return ({ owner, ids, leaseUntil }: Arg<'renew'>): void =>
    void write.run({ owner, leaseUntil, ids: JSON.stringify(ids) });
}

function beginner(db: Connection, open: (intent: Arg<'begin'>) => void) {
  const row = db.prepare<[number], Position & { owner: string | null; revision: number }>(
    `SELECT d.state, d.step, d.lease_owner AS owner, s.revision
     FROM delivery d JOIN session s ON s.call_session_id = d.session_id WHERE d.id = ?`,
  );
  const send = db.prepare<[object]>(
    `UPDATE delivery SET state = @state, step = @step, tries = tries + 1, updated_at = @startedAt, reason = NULL,
       lease_until = @leaseUntil, body = @body, sent_revision = @revision, sent_facts = @facts,
       first_attempt_at = coalesce(first_attempt_at, @startedAt), last_attempt_at = @startedAt
     WHERE id = @id`,
  );
  return db.transaction((intent: Arg<'begin'>): Begun => {
    const { id, owner, revision, startedAt, leaseUntil } = intent;
    const found = row.get(id);
    if (found?.owner !== owner) return 'lost';
    // Facts that changed since may have sent it back to be looked up.
    if (found.step !== 'post' || found.revision !== revision) return found.step === 'post' ? 'changed' : 'lost';
    const body = JSON.stringify(intent.body);
    const facts = JSON.stringify(intent.facts);
    send.run({ id, ...next(found, 'begun'), revision, startedAt, leaseUntil, body, facts });
    open(intent);
    return 'begun';
  }).immediate;
}

function taken(db: Connection) {
  const others = db
    .prepare<[object], string>(
      `SELECT activity_id FROM delivery
       WHERE activity_id IN (SELECT value FROM json_each(@activityIds)) AND id <> @id`,
    )
    .pluck();
  return ({ id, activityIds }: Arg<'taken'>): readonly string[] =>
    others.all({ id, activityIds: JSON.stringify(activityIds) });
}

function requeuer(db: Connection) {
  const row = db.prepare<[number], Position & { doubtful: number }>(
    'SELECT state, step, doubtful FROM delivery WHERE id = ?',
  );
  const write = db.prepare<[object]>(
    `UPDATE delivery SET state = @state, step = @step, intent = 'replay', named = @named, due_at = @dueAt, updated_at = @now,
       look_up_attempts = 0, post_attempts = 0, check_attempts = 0, update_attempts = 0, failures = 0,
       reason = 'Sent again by an operator.', code = NULL, lease_owner = NULL, lease_until = NULL
     WHERE id = @id`,
  );
  const forget = db.prepare<[object]>(
    `DELETE FROM lead_cache WHERE lead IS NULL
       AND number = (SELECT coalesce(external_e164, external) FROM session s JOIN delivery d ON d.session_id = s.call_session_id WHERE d.id = @id)`,
  );
  return db.transaction(({ ids, force, named, now, checkAt }: Arg<'requeue'>): number => {
    let count = 0;
    for (const id of ids) {
      const found = row.get(id);
      if (found === undefined) continue;
      const { state, doubtful } = found;
      if (state !== 'parked' && state !== 'skipped' && !(force && state === 'delivered')) continue;
      // What may have arrived is looked for first, unless the operator wants a second call log.
      const recheck = state !== 'delivered' && doubtful !== DOUBT.none && !force;
      const to = next(found, recheck ? 'rechecked' : 'replayed');
      write.run({ id, ...to, now, named: named ? 1 : 0, dueAt: recheck ? checkAt : 0 });
      forget.run({ id });
      count += 1;
    }
    return count;
  }).immediate;
}
