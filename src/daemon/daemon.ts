/** The running daemon, put together from the config. */
import { hostname } from 'node:os';
import { openControl } from '../../adapters/control/server.ts';
import { createSource } from '../../adapters/index.ts';
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { type Config, leadsquaredSecrets, sourceSecret } from '../../config/schema.ts';
import type { CallRecord } from '../call/record.ts';
import type { Why } from '../delivery/parked/reasons.ts';
import { skipReason } from '../delivery/parties/filters.ts';
import type { Delivery } from '../delivery/service.ts';
import { countEvents, events } from '../events.ts';
import { type Conditions, createConditions } from '../health/conditions.ts';
import { watchHearing } from '../health/hearing.ts';
import { createTally } from '../metrics/tally.ts';
import { createPipeline, type Pipeline } from '../pipeline.ts';
import type { Clock, Log, SourceStatus } from '../ports.ts';
import { heardAt } from '../records/gaps.ts';
import type { CallRecords } from '../records/port.ts';
import type { Secret, SecretRef } from '../secret.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import { handlersOf } from './answers/handlers.ts';
import { daemonStatus } from './answers/status-reply.ts';
import { createTail, streamsOf } from './answers/tail.ts';
import { type Closing, createClosing } from './closing.ts';
import { openDelivery } from './delivery.ts';
import { isHealthy, openMetrics } from './metrics.ts';
import { servePage } from './page.ts';
import { addressesBySource, placesOf } from './places.ts';
import { readersOf } from './readers.ts';
import { openRecords } from './records.ts';
import { deliveryPolicyOf, planOf, rulesOf } from './settings.ts';
import { keepBackups } from './upkeep/backups.ts';
import { leaving } from './upkeep/leaving.ts';
import { createLengthy } from './upkeep/lengthy.ts';
import { keepPruning } from './upkeep/pruning.ts';
import { keepSealing } from './upkeep/sealing.ts';
import { openStorage } from './upkeep/storage.ts';
import { VERSION } from './version.ts';
import { lostConnectionText, openWatch, unreadableText } from './watch.ts';

export interface DaemonParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads a secret where the config says it is. Throws an Error with the remedy. */
  readonly readSecret: (ref: SecretRef) => Secret;
  /** The program cannot go on and must end; what is stored is safe. */
  readonly onFatal: (reason: string) => void;
  /** Where the commands reach this daemon; without it they cannot. */
  readonly controlPath?: string;
  /** What ends this daemon, as a part of a sentence, for who wants its database. */
  readonly stop?: string;
  /** For displays: each event of a PBX, and each call when it is stored. */
  readonly onEvent?: (event: CallEvent) => void;
  readonly onEnded?: (record: CallRecord) => void;
  /** Hears where the page is served. */
  readonly onPage?: (address: string) => void;
  /** Where each PBX keeps its records; as the config says unless given. */
  readonly places?: ReadonlyMap<string, readonly CallRecords[]>;
}

export interface Daemon {
  readonly pipeline: Pipeline;
  readonly delivery: Delivery;
  readonly conditions: Conditions;
  sources(): readonly SourceStatus[];
  /** True when the event loop and the database answer in time: what systemd's watchdog asks. */
  healthy(): Promise<boolean>;
  /** Stops in order: no new posts, posts under way finish or become uncertain, sources, database. */
  stop(): Promise<void>;
}

/**
 * Opens the database, starts delivery and connects to the PBXs. Rejects with one clear sentence when that is impossible; then nothing of it
 * is left.
 */
export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const closing = createClosing(parts.clock);
  try {
    return await build(parts, closing);
  } catch (error) {
    // What keeps it from starting is what is told.
    await closing.close().catch(() => {});
    throw error;
  }
}

async function build(parts: DaemonParts, closing: Closing): Promise<Daemon> {
  const { config, clock } = parts;
  const log = countEvents(parts.log);
  const tally = createTally(config.source.map(({ name }) => name));
  const keys = leadsquaredSecrets(config.leadsquared);
  const accessKey = parts.readSecret(keys.accessKey);
  const secretKey = parts.readSecret(keys.secretKey);
  for (const source of config.source) parts.readSecret(sourceSecret(source));
  const policy = deliveryPolicyOf(config);
  const conditions = createConditions(log, clock);

  // First of all: whoever has the database is the only daemon that posts its calls.
  const startedAt = clock.now();
  const socket = parts.controlPath ?? null;
  const { path, backup } = config.storage;
  const endedBy = parts.stop === undefined ? {} : { stop: parts.stop };
  const storage = { path, folder: backup.folder, clock, log, conditions };
  const database = await openStorage(storage, {
    holder: { ...{ pid: process.pid, since: startedAt, host: hostname(), version: VERSION, socket }, ...endedBy },
    onFailure: (error) => parts.onFatal(error.message),
  });
  closing.add('database', database.close);
  const control = socket === null ? null : await openControl(socket);
  if (control !== null) closing.add('requests', control.close);
  const { remote } = database;
  const onStorageFault = (why: string): void => events.warning(log, 'storage', why);
  const readerOf = readersOf(config);
  /** Decided once for each record, when it is stored: it may depend on the time. */
  const decided = new WeakMap<CallRecord, Why | null>();
  const unposted = (record: CallRecord): Why | null => {
    const known = decided.get(record);
    if (known !== undefined) return known;
    const reason = skipReason(record, policy, Math.floor(clock.now()));
    decided.set(record, reason);
    return reason;
  };
  const journal = sqliteJournal(database, {
    ...{ clock, readerOf, unposted },
    holding: (record) => records.holding(record),
    onDamaged(source, count) {
      const text = `${count} damaged segments of the journal could not be read: calls that were going on lack what was said in them.`;
      events.warning(log, source, text);
    },
    onUnreadable: (what) =>
      onStorageFault('calls' in what ? unreadableText(what.calls) : lostConnectionText(what.connectionOf)),
    // Its text may count what is left.
    onTrouble: (error) =>
      conditions.set('storage-full', error?.message ?? null, 'error', error === null ? {} : { gist: error.trouble }),
  });
  const tail = createTail();
  const { permits, delivery, callLogPolicy } = await openDelivery(
    { config, clock, log, closing },
    { accessKey, secretKey, policy, store: remote, conditions, tally, tail },
  );

  const sources = config.source.map((source) => {
    const secret = () => parts.readSecret(sourceSecret(source)).reveal();
    const onWarning = (text: string) => events.warning(log, source.name, text);
    return { source: createSource(source, { clock, secret, onWarning }), plan: planOf(source) };
  });
  const statuses = () => sources.map(({ source }) => source.status());
  const watch = await openWatch({
    config,
    store: remote,
    policy,
    callLog: callLogPolicy,
    conditions,
    clock,
    onFault: onStorageFault,
  });
  closing.add('upkeep', watch.stop);
  const onStored = (ended: readonly CallRecord[], inserted: readonly string[], changed: readonly string[]): void => {
    const fresh = new Set(inserted);
    let waiting = changed.length > 0;
    for (const record of ended) {
      if (!fresh.has(record.callSessionId)) continue;
      events.callEnded(log, record);
      tally.ended(record);
      parts.onEnded?.(record);
      const why = unposted(record);
      tail.ended(record, why?.reason ?? null);
      if (why === null) waiting = true;
      else events.callSkipped(log, record.callSessionId, why);
    }
    conditions.set('storage-backlog', null);
    if (waiting) delivery.notify();
    watch.note(ended);
    records.stored(ended);
  };
  const places = parts.places ?? placesOf(config, parts.readSecret);
  const addresses = addressesBySource(config);
  const records = openRecords({
    ...{ store: remote, readerOf, conditions, clock, log, rules: rulesOf(config), waitMs: config.calls.record_wait },
    callsKeptMs: config.storage.retention.calls,
    sources: sources.map(({ source: { name }, plan }) => {
      return { name, plan, places: places.get(name) ?? [], recordsAt: addresses.get(name) ?? [] };
    }),
    pipeline: () => pipeline,
    async save(news) {
      const result = await journal.commit({ frames: [], opened: [], released: [], ended: news });
      pipeline.corrected(news);
      onStored(news, result.inserted, result.changed);
      return result;
    },
    dueIn: delivery.dueIn,
    onReleased: delivery.notify,
    hearing: () => hearing,
    heardUpTo(source) {
      const status = statuses().find(({ name }) => name === source);
      return status === undefined ? null : heardAt(status);
    },
  });
  closing.add('records', records.close);
  const isRecorded = (source: string): boolean => (places.get(source) ?? []).length > 0;
  const hearing = watchHearing({ log, conditions, clock, statuses, isRecorded, onDeaf: records.audit.deaf });
  const pipeline: Pipeline = createPipeline({
    sources,
    journal,
    rules: rulesOf(config),
    clock,
    gaps: remote.gaps,
    onGap: (gap) => records.gapEnded(gap),
    onDoubt: hearing.doubt,
    onStored,
    onRefused(error) {
      const message = error instanceof Error ? error.message : String(error);
      const full = error instanceof StorageError && error.code === 'BACKLOG_FULL';
      if (full) conditions.set('storage-backlog', message);
      else parts.onFatal(message);
      return full;
    },
    onStatus(status) {
      hearing.status(status);
      tally.heard(status);
    },
    onFault: (source, text) => events.warning(log, source, text),
    onClock: (news) => events.clock(log, news),
    onMisread: (source, name) => watch.misread(source, name),
    onFrame: tail.frame,
    ...(parts.onEvent === undefined ? {} : { onEvent: parts.onEvent }),
  });
  closing.add('sources', pipeline.stop);
  closing.add('database', leaving({ database, journal, pipeline, log }));

  for (const note of config.notes) events.warning(log, 'config', note);
  const backups = keepBackups({
    ...{ database: config.storage.path, settings: config.storage.backup },
    clock,
    log,
    conditions,
  });
  closing.add('upkeep', backups.stop);
  await delivery.start();
  await pipeline.start();
  records.filling.start();
  records.audit.start();
  const view = {
    ...{ database: path, startedAt, clock, sources: statuses, pipeline, conditions, delivery, store: remote },
    lastBackup: backups.last,
  };
  const lengthy = createLengthy(clock);
  const healthy = isHealthy(clock, () => lengthy.alive(() => remote.journal.alive()));
  const metrics = openMetrics({
    ...{ view, pipeline, permits, journal, log, tally, conditions, clock, healthy },
    ...{ limit: policy.limit.requests, listen: config.metrics.listen },
  });
  closing.add('requests', metrics.stop);
  control?.serve(
    handlersOf({
      ...{ store: remote, policy, callLog: callLogPolicy, readerOf, database: path, delivery, permits, journal },
      ...{ conditions, clock, records, log, lengthy },
      live: () => pipeline.live().map(({ record }) => record),
      status: () => daemonStatus(view),
      onCorrected(corrected) {
        pipeline.corrected(corrected);
        watch.note(corrected);
      },
      onErased: (ids) => pipeline.corrected([], ids),
      callsKeptMs: config.storage.retention.calls,
    }),
    metrics.pages,
    streamsOf(tail, () => pipeline.live()),
  );
  const served = { config, socket, conditions, clock, log, readSecret: parts.readSecret, onServed: parts.onPage };
  closing.add('requests', servePage(served).stop);
  const pruning = keepPruning({
    ...{ journal, store: remote, clock, retention: config.storage.retention },
    before: () => watch.review(),
    onFault: onStorageFault,
  });
  closing.add('upkeep', pruning.stop);
  closing.add('upkeep', keepSealing(journal, clock, onStorageFault).stop);

  return {
    pipeline,
    delivery,
    conditions,
    sources: statuses,
    healthy,
    stop: closing.close,
  };
}
