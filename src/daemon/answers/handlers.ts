/** What the running daemon does for the commands. */
import { z } from 'zod';
import type { Handlers, ReplayAnswer, Replies, RequestOf } from '../../../adapters/control/api.ts';
import { ControlError } from '../../../adapters/control/refusal.ts';
import type { CallRecord } from '../../call/record.ts';
import type { Delivery } from '../../delivery/service.ts';
import { events } from '../../events.ts';
import type { Conditions } from '../../health/conditions.ts';
import { PARKED } from '../../health/parked.ts';
import { lend } from '../../permits/lent.ts';
import type { Permits } from '../../permits/port.ts';
import type { Clock, Journal, Log } from '../../ports.ts';
import type { Records } from '../records.ts';
import { erasing } from '../upkeep/erasing.ts';
import type { Lengthy } from '../upkeep/lengthy.ts';
import { acknowledge } from '../upkeep/storage.ts';
import { VERSION } from '../version.ts';
import { withPeople } from './listing.ts';
import { type Lookup, readers, wholeId } from './lookup.ts';
import { cursorOf, firstFound, placeOf, SCAN_ROWS } from './pages.ts';

export interface HandlerParts extends Lookup {
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'after'>;
  readonly database: string;
  readonly delivery: Delivery;
  readonly permits: Permits;
  readonly journal: Pick<Journal, 'commit'>;
  readonly conditions: Conditions;
  readonly records: Pick<Records, 'backfill'>;
  readonly log: Log;
  readonly lengthy: Pick<Lengthy, 'during'>;
  readonly live: () => readonly CallRecord[];
  /** Hears of calls whose facts were replaced by an operator. */
  readonly onCorrected: (records: readonly CallRecord[]) => void;
  /** Hears of calls that are stored no longer. */
  readonly onErased: (ids: readonly string[]) => void;
  /** How long calls are kept after their end, ms. */
  readonly callsKeptMs: number;
}

/** Calls put on their way by one request: one transaction of some ms. */
const REPLAY_ROWS = 300;
/** After this no further id is looked for in one request, ms. */
const FIND_MS = 250;

const PAUSED = 'Posting to LeadSquared is paused by an operator; calls are kept. "logcalld resume" goes on.';

export function handlersOf(parts: HandlerParts): Handlers {
  const { delivery, conditions, permits } = parts;
  return {
    ...readers(parts),
    hello: async () => ({ version: VERSION, pid: process.pid, database: parts.database }),
    find: (request) => find(parts, request),
    replay: (request) => replay(parts, request),
    backfill: (request) => parts.records.backfill(request),
    async pause() {
      delivery.pause();
      conditions.set('delivery-paused', PAUSED, 'warning');
      return { paused: true };
    },
    async resume() {
      delivery.resume();
      conditions.set('delivery-paused', null);
      return { paused: false };
    },
    async retry() {
      const users = await delivery.retryNow();
      const { standing, cause } = await delivery.snapshot();
      return { standing, cause, users };
    },
    async acknowledge({ of, seen }) {
      const at = parts.clock.now();
      const parked = of === 'notices' ? [] : await parts.store.outbox.acknowledge({ at, seen });
      if (parked === null) throw new ControlError(409, 'More calls wait for somebody by now. Nothing was noted.');
      const notices = of === 'calls' ? 0 : await acknowledge(parts.store, conditions, at);
      if (of !== 'notices') conditions.set(PARKED, null);
      return { notices, parked };
    },
    ...erasing(parts),
    permit: () => lend(permits, parts.clock),
    correct: (request) => correct(parts, request),
    salvage: (request) => salvage(parts, request),
  };
}

/** One page. Only what decides is read of the calls, and moves from the database's thread to here. */
async function replay(parts: HandlerParts, request: RequestOf<'replay'>): Promise<ReplayAnswer> {
  const { store, delivery, policy, clock } = parts;
  const { force, dryRun, samples, cursor, ...given } = request;
  if (Object.values(given).every((value) => value === undefined)) {
    throw new ControlError(
      400,
      'Nothing is selected: name calls by id, or by what "logcalld calls" takes: --at, --state, --agent ...',
    );
  }
  // Times may be other ones: those before the place are done all the same.
  const selection = { ...given, since: undefined, until: undefined, during: undefined, force, dryRun };
  const { meant, ...filter } = await withPeople(parts, given);
  const begin = cursor === undefined ? 0 : placeOf(selection, cursor, z.number().int().min(0));
  const { found: rows, next } = await firstFound(clock, begin, async (after) => {
    const page = await store.calls.selected({ filter, after, limit: REPLAY_ROWS, scan: SCAN_ROWS });
    return { found: page.rows, next: page.next };
  });
  const report = await delivery.replay({ rows, force, dryRun, samples, named: filter.ids !== undefined });
  const { requests, windowMs } = policy.limit;
  return { ...report, meant, limit: { requests, windowMs }, cursor: next === null ? null : cursorOf(selection, next) };
}

async function find({ store, clock }: HandlerParts, { ids }: RequestOf<'find'>): Promise<{ ids: readonly string[] }> {
  const whole: string[] = [];
  const end = clock.monotonic() + FIND_MS;
  for (const id of ids) {
    whole.push(await wholeId(store, id));
    if (clock.monotonic() >= end) break;
  }
  return { ids: whole };
}

type CorrectParts = Pick<HandlerParts, 'onCorrected' | 'callsKeptMs'> & {
  readonly journal: Pick<Journal, 'commit'>;
  readonly delivery: Pick<Delivery, 'notify'>;
  readonly store: { readonly upkeep: Pick<HandlerParts['store']['upkeep'], 'doubt'> };
  readonly clock: Pick<Clock, 'now'>;
};

/**
 * What changed since the operator saw it is left alone: that is found out where it is stored, as anything may come in between. A call that
 * was not stored may have been once, and posted: one that would be removed again at once is left out, any other is looked for first.
 */
export async function correct(parts: CorrectParts, { items }: RequestOf<'correct'>): Promise<Replies['correct']> {
  const { journal, store, clock, delivery, onCorrected, callsKeptMs } = parts;
  const now = clock.now();
  const isOver = ({ record, revision }: (typeof items)[number]) => revision === 0 && record.endedAt < now - callsKeptMs;
  const kept = items.filter((item) => !isOver(item));
  const ended = kept.map(({ record }) => record);
  const unknown = kept.filter(({ revision }) => revision === 0).map(({ record }) => record.startedAt);
  if (unknown.length > 0) await store.upkeep.doubt({ until: Math.max(...unknown), at: Math.floor(now) });
  const expected = new Map(kept.map(({ record, revision }) => [record.callSessionId, revision]));
  const { inserted, changed, moved = [], gone = [] } = await journal.commit({ ...NO_EVENTS, ended, expected });
  const stored = ended.filter(({ callSessionId: id }) => !moved.includes(id) && !gone.includes(id));
  if (stored.length > 0) {
    delivery.notify();
    onCorrected(stored);
  }
  const old = items.filter(isOver).map(({ record }) => record.callSessionId);
  return { inserted, changed, moved, gone: [...old, ...gone] };
}

const NO_EVENTS = { frames: [], opened: [], released: [] } as const;

/** The flag of a call that comes from a database that was put aside as damaged. */
const SALVAGED_FLAG = 'salvaged';

/** That such a call was not posted its own database says, which is damaged: so it is looked for first, as after a loss. */
async function salvage(
  { store, journal, delivery, clock, onCorrected, log, readerOf }: HandlerParts,
  { records, dryRun }: RequestOf<'salvage'>,
): Promise<Replies['salvage']> {
  // The file of another installation: its calls belong to another PBX, and perhaps to another account.
  const strange = records.map(({ source }) => source).filter((source) => readerOf(source) === null);
  const known = await store.sessions.byIds({ ids: records.map(({ callSessionId }) => callSessionId) });
  const there = new Set(known.map(({ record }) => record.callSessionId));
  const left = records.filter(({ callSessionId, source }) => !there.has(callSessionId) && !strange.includes(source));
  const erased = await store.erasures.covered({ records: left, aheadMs: 0 });
  const ended = left
    .filter(({ callSessionId }) => !erased.includes(callSessionId))
    .map((record) => ({ ...record, flags: [...new Set([...record.flags, SALVAGED_FLAG])] }));
  const taken = ended.map(({ callSessionId }) => callSessionId);
  if (ended.length === 0 || dryRun) return { taken, strange, erased };
  await store.upkeep.doubt({
    until: Math.max(...ended.map(({ startedAt }) => startedAt)),
    at: Math.floor(clock.now()),
  });
  const { inserted } = await journal.commit({ ...NO_EVENTS, ended });
  events.salvaged(log, inserted.length);
  delivery.notify();
  onCorrected(ended);
  return { taken: inserted, strange, erased };
}
