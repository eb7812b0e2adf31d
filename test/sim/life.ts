/** One life of the program: the real core, delivery, permits and modules of the database, joined as the daemon joins them. */
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { sqliteOutbox } from '../../adapters/sqlite/outbox/port.ts';
import type { Database } from '../../adapters/sqlite/thread/database.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { Store } from '../../src/daemon/answers/lookup.ts';
import { openRecords } from '../../src/daemon/records.ts';
import { keepSealing } from '../../src/daemon/upkeep/sealing.ts';
import { skipReason } from '../../src/delivery/parties/filters.ts';
import { DEFAULT_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.ts';
import { createDelivery, type Delivery } from '../../src/delivery/service.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { openPermits } from '../../src/permits/permits.ts';
import { createPipeline, type Pipeline } from '../../src/pipeline.ts';
import type { Clock, EventSource, Log } from '../../src/ports.ts';
import type { CallRecords } from '../../src/records/port.ts';
import type { FakeCrm } from '../delivery/fakes.ts';
import { labPlan, readers } from '../support/recordings.ts';

export const POLICY: DeliveryPolicy = {
  ...DEFAULT_POLICY,
  user: { ...DEFAULT_POLICY.user, unknown: ['omit'], discover: false },
};

export interface LifeParts {
  readonly owner: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly database: Database;
  readonly crm: FakeCrm;
  readonly sources: readonly { readonly source: EventSource; readonly places: readonly CallRecords[] }[];
  readonly log: Log;
  /** Who the CRM answers: nothing once it is over. */
  readonly life: { alive: boolean };
  /** What an operator asks of it. */
  readonly onReady: (delivery: Delivery) => void;
  /** The program would end and be started again. */
  readonly onFatal: (why: string) => void;
}

/** Resolves when it listens; never, when it is over before. */
export async function beginLife(parts: LifeParts): Promise<void> {
  const { owner, clock, random, database, crm, sources, log, life, onFatal, onReady } = parts;
  const { remote } = database;
  const readerOf = (source: string) => readers[source] ?? null;
  const journal = sqliteJournal(database, {
    ...{ clock, readerOf },
    holding: (record) => records.holding(record),
    unposted: (record) => skipReason(record, POLICY, Math.floor(clock.now())),
    onDamaged: (source, segments) => onFatal(`${segments} segments of ${source} cannot be read`),
  });
  const onCondition = (): void => {};
  const common = { clock, random, onCondition, owner };
  const permits = await openPermits({ ...common, store: remote.permits, limit: POLICY.limit, crm: 'the CRM' });
  const delivery = createDelivery({
    ...common,
    store: { outbox: sqliteOutbox(remote.outbox), leads: remote.leadCache, users: remote.users },
    permits,
    crm: crm.ports(permits, life),
    policy: POLICY,
    log,
    alone: true,
  });
  const onStored = (ended: readonly CallRecord[], inserted: readonly string[], changed: readonly string[]): void => {
    if (inserted.length + changed.length > 0) delivery.notify();
    records.stored(ended);
  };
  const records = openRecords({
    ...{ clock, log, readerOf, rules: DEFAULT_RULES, waitMs: 120_000, callsKeptMs: Number.POSITIVE_INFINITY },
    sources: sources.map(({ source: { name }, places }) => ({ name, places, plan: labPlan(name), recordsAt: [name] })),
    // The methods are those of the modules.
    store: remote as unknown as Store,
    pipeline: () => pipeline,
    async save(news) {
      const result = await journal.commit({ frames: [], opened: [], released: [], ended: news });
      onStored(news, result.inserted, result.changed);
      return result;
    },
    dueIn: delivery.dueIn,
    onReleased: delivery.notify,
    hearing: () => ({ isDeaf: () => false, looked: () => {} }),
    heardUpTo: () => null,
    conditions: createConditions(log),
  });
  const pipeline: Pipeline = createPipeline({
    sources: sources.map(({ source }) => ({ source, plan: labPlan(source.name) })),
    journal,
    rules: DEFAULT_RULES,
    clock,
    gaps: remote.gaps,
    onGap: (gap) => records.gapEnded(gap),
    onStored,
    onRefused(error) {
      const full = error instanceof StorageError && error.code === 'BACKLOG_FULL';
      if (!full) onFatal(String(error));
      return full;
    },
    onStatus: () => {},
    onFault: (source, text) => log.write('warn', 'fault', `${source}: ${text}`),
  });
  await delivery.start();
  await pipeline.start();
  records.filling.start();
  onReady(delivery);
  keepSealing(journal, clock, (why) => log.write('warn', 'sealing', why));
}
