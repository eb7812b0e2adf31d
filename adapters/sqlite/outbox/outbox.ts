/** The outbox's statements; runs in the database thread. The rules are in `src/delivery`; here is only what is stored. */
import type { CallRecord } from '../../../src/call/record.ts';
import type { Delivery, LateFacts, Outbox } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';
import { attemptWriter } from './attempts.ts';
import { outboxQueries } from './queries.ts';
import { DELIVERY_COLUMNS, DELIVERY_FROM, type DeliveryRow, toDelivery } from './row.ts';
import { settler } from './settle.ts';

type Arg<M extends keyof Outbox> = Parameters<Outbox[M]>[0];

/**
 * Makes the outbox row of a call that just ended; part of the transaction that stores the session. Every call gets one:
 * what is not to be posted is skipped by the rules of delivery, with a reason that can be seen.
 */
export function insertDelivery(db: Connection, record: CallRecord, now: number): void {
  db.prepare(
    `INSERT INTO delivery (session_id, ended_at, due_at, created_at, updated_at)
     VALUES (@id, @endedAt, 0, @now, @now) ON CONFLICT (session_id) DO NOTHING`,
  ).run({ id: record.callSessionId, endedAt: Math.floor(record.endedAt), now: Math.floor(now) });
}

export function outboxModule(db: Connection) {
  const attempts = attemptWriter(db);
  return {
    recover: recoverer(db, attempts.interrupt),
    claim: claimer(db),
    begin: beginner(db, attempts.open),
    settle: settler(db, attempts),
    updated: updater(db, attempts.add),
    requeue: requeuer(db),
    ...outboxQueries(db),
  };
}

function recoverer(db: Connection, interrupt: (now: number) => void) {
  const sending = db.prepare<[object]>(
    `UPDATE delivery SET state = 'uncertain', due_at = @checkAt, updated_at = @now, doubtful = 1,
     reason = 'The program stopped before the answer came.' WHERE state = 'sending'`,
  );
  // How long the program was down is not known (the wall clock may have been set): each check waits its time again.
  const waiting = db.prepare<[object]>(
    "UPDATE delivery SET due_at = @checkAt WHERE state = 'uncertain' AND due_at < @checkAt",
  );
  const resolving = db.prepare<[object]>(
    `UPDATE delivery SET state = 'pending', due_at = 0, updated_at = @now WHERE state = 'resolving'`,
  );
  // A clock that was set back while the program was down must not make a call wait for it.
  const beyond = db.prepare<[object]>(
    `UPDATE delivery SET due_at = 0 WHERE state IN ('pending', 'retrying', 'uncertain') AND due_at > @latestDue`,
  );
  const updates = db.prepare<[object]>('UPDATE delivery SET update_due_at = 0 WHERE update_due_at > @latestDue');
  return db.transaction(({ now, checkAt, latestDue }: Arg<'recover'>) => {
    interrupt(now);
    const uncertain = sending.run({ now, checkAt }).changes;
    const released = resolving.run({ now }).changes;
    beyond.run({ latestDue });
    waiting.run({ checkAt });
    updates.run({ latestDue });
    return { uncertain, released };
  }).immediate;
}

function claimer(db: Connection) {
  const columns = `SELECT ${DELIVERY_COLUMNS} FROM ${DELIVERY_FROM} WHERE d.state IN ('pending', 'retrying')`;
  const live = db.prepare<[object], DeliveryRow>(
    `${columns} AND d.intent = 'live' AND d.ended_at > @liveSince AND d.due_at <= @now ORDER BY d.ended_at LIMIT @live`,
  );
  // Two orders, by call time within each: what was never sent before what an operator sends again.
  const backlog = db.prepare<[object], DeliveryRow>(
    `${columns} AND d.intent = 'live' AND d.ended_at <= @liveSince AND d.due_at <= @now ORDER BY d.ended_at LIMIT @backlog`,
  );
  const replays = db.prepare<[object], DeliveryRow>(
    `${columns} AND d.intent = 'replay' AND d.due_at <= @now ORDER BY d.ended_at LIMIT @rest`,
  );
  const take = db.prepare<[object]>("UPDATE delivery SET state = 'resolving' WHERE id = @id");
  const write = db.transaction((rows: readonly DeliveryRow[]) => {
    for (const { id } of rows) take.run({ id });
  }).immediate;
  return (args: Arg<'claim'>): readonly Delivery[] => {
    const { now, liveSince } = args;
    const rows = args.live > 0 ? live.all({ now, liveSince, live: args.live }) : [];
    if (args.backlog > 0) {
      const older = backlog.all({ now, liveSince, backlog: args.backlog });
      rows.push(...older, ...replays.all({ now, rest: args.backlog - older.length }));
    }
    // This thread has the only connection: nothing moves between the reading and the writing.
    if (rows.length > 0) write(rows);
    return rows.map((row) => ({ ...toDelivery(row), state: 'resolving' }));
  };
}

function beginner(db: Connection, open: (intent: Arg<'begin'>) => void) {
  const send = db.prepare<[object]>(
    `UPDATE delivery SET state = 'sending', tries = tries + 1, updated_at = @startedAt, reason = NULL,
       lead_id = @leadId, user_id = @userId, body = @body, sent_revision = @revision, sent_facts = @facts,
       first_attempt_at = coalesce(first_attempt_at, @startedAt)
     WHERE id = @id AND state = 'resolving'
       AND (SELECT revision FROM session WHERE call_session_id = delivery.session_id) = @revision`,
  );
  return db.transaction((intent: Arg<'begin'>): boolean => {
    const { id, revision, startedAt, resolution } = intent;
    const sent = { leadId: resolution.leadId, userId: resolution.userId, body: JSON.stringify(intent.body) };
    const { changes } = send.run({ id, revision, startedAt, ...sent, facts: JSON.stringify(intent.facts) });
    if (changes === 1) open(intent);
    return changes === 1;
  }).immediate;
}

function updater(db: Connection, add: ReturnType<typeof attemptWriter>['add']) {
  // A newer revision keeps its due time: it has to be sent as well.
  const write = db.prepare<[object]>(
    `UPDATE delivery SET posted_facts = @facts, activity_id = coalesce(@activityId, activity_id), updated_at = @now,
       reason = @reason, update_tries = CASE WHEN @retryAt IS NULL THEN 0 ELSE update_tries + 1 END,
       update_due_at = CASE
         WHEN (SELECT revision FROM session WHERE call_session_id = delivery.session_id) > @revision THEN 0
         ELSE @retryAt END
     WHERE id = @id AND state = 'delivered'`,
  );
  return db.transaction((args: Arg<'updated'>): boolean => {
    const { id, revision, now, retryAt, activityId, reason, attempt } = args;
    const facts: LateFacts | null = args.facts;
    const stored = facts === null ? null : JSON.stringify(facts);
    if (attempt !== null) add(id, 'update', attempt.startedAt, now, attempt.result);
    return write.run({ id, revision, now, retryAt, activityId, reason, facts: stored }).changes === 1;
  }).immediate;
}

function requeuer(db: Connection) {
  // What may have arrived is looked for first, unless the operator wants a second call log.
  const write = db.prepare<[object]>(
    `UPDATE delivery SET state = CASE WHEN @force = 0 AND state = 'parked' AND doubtful = 1 THEN 'uncertain' ELSE 'pending' END,
       intent = 'replay', due_at = CASE WHEN @force = 0 AND state = 'parked' AND doubtful = 1 THEN @checkAt ELSE 0 END,
       updated_at = @now, attempts = 0, reason = 'Sent again by an operator.',
       update_due_at = NULL
     WHERE id = @id AND (state IN ('parked', 'skipped') OR (@force = 1 AND state = 'delivered'))`,
  );
  return db.transaction(({ ids, force, now, checkAt }: Arg<'requeue'>): number =>
    ids.reduce((sum, id) => sum + write.run({ id, force: force ? 1 : 0, now, checkAt }).changes, 0),
  ).immediate;
}
