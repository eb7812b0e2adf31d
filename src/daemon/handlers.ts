/** What the running daemon does for the commands. */
import { ControlError, type Handlers, type ReplayAnswer, type RequestOf } from '../../adapters/control/api.ts';
import type { CallRecord } from '../call/record.ts';
import type { Delivery } from '../delivery/service.ts';
import type { Conditions } from '../health/conditions.ts';
import { type Permits, startedPermit } from '../permits/port.ts';
import type { Journal } from '../ports.ts';
import { type Lookup, readers, wholeId } from './lookup.ts';
import { VERSION } from './version.ts';

export interface HandlerParts extends Lookup {
  readonly database: string;
  readonly delivery: Delivery;
  readonly permits: Permits;
  readonly journal: Pick<Journal, 'commit'>;
  readonly conditions: Conditions;
  /** Hears of calls whose facts were replaced by an operator. */
  readonly onCorrected: (records: readonly CallRecord[]) => void;
}

const PAUSED = 'Posting to LeadSquared is paused by an operator; calls are kept. "logcalld resume" goes on.';

export function handlersOf(parts: HandlerParts): Handlers {
  const { delivery, conditions, permits } = parts;
  return {
    ...readers(parts),
    hello: async () => ({ version: VERSION, pid: process.pid, database: parts.database }),
    replay: (request) => replay(parts, request),
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
      await delivery.retryNow();
      const { circuit, cause } = await delivery.snapshot();
      return { circuit, cause };
    },
    async permit() {
      using _ = await startedPermit(permits, { priority: 'background' });
      return {};
    },
    correct: (request) => correct(parts, request),
  };
}

async function replay(
  { store, delivery, policy }: HandlerParts,
  { ids, force, dryRun, ...filter }: RequestOf<'replay'>,
): Promise<ReplayAnswer> {
  const whole = ids === undefined ? undefined : await Promise.all(ids.map((id) => wholeId(store, id)));
  const selected = whole === undefined ? filter : { ...filter, ids: whole };
  if (Object.values(selected).every((value) => value === undefined)) {
    throw new ControlError(400, 'Nothing is selected: name calls by id, --since, --state, --source or --number.');
  }
  // What force adds is what LeadSquared has already.
  const without = await delivery.replay({ filter: selected, force: false, dryRun: true });
  const planned = force ? await delivery.replay({ filter: selected, force, dryRun: true }) : without;
  const wanted = filter.states === undefined || filter.states.includes('skipped');
  const judged = { ...selected, states: ['skipped' as const] };
  const skipped = wanted ? (await delivery.replay({ filter: judged, force: false, dryRun: true })).count : 0;
  const report = dryRun ? planned : await delivery.replay({ filter: selected, force, dryRun });
  const { requests, windowMs } = policy.limit;
  return { ...report, skipped, delivered: planned.count - without.count, limit: { requests, windowMs } };
}

async function correct(
  { store, journal, delivery, onCorrected }: HandlerParts,
  { items }: RequestOf<'correct'>,
): Promise<{ inserted: readonly string[]; changed: readonly string[]; moved: readonly string[] }> {
  const moved: string[] = [];
  const ended = [];
  for (const { record, revision } of items) {
    const found = await store.sessions.get(record.callSessionId);
    const exact = found.found === 'one' && found.session.record.callSessionId === record.callSessionId;
    if ((exact ? found.session.revision : 0) === revision) ended.push(record);
    else moved.push(record.callSessionId);
  }
  if (ended.length === 0) return { inserted: [], changed: [], moved };
  const { inserted, changed } = await journal.commit({ frames: [], opened: [], released: [], ended });
  delivery.notify();
  onCorrected(ended);
  return { inserted, changed, moved };
}
