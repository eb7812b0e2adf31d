/** The state of everything, from the running daemon or from its file alone. */
import type { StatusReply } from '../../../adapters/control/api.ts';
import type { Held } from '../../../adapters/sqlite/thread/hold.ts';
import type { Delivery } from '../../delivery/service.ts';
import type { Conditions, RaisedCondition } from '../../health/conditions.ts';
import { parkedCondition } from '../../health/parked.ts';
import type { Pipeline } from '../../pipeline.ts';
import type { Clock, SourceStatus } from '../../ports.ts';
import { noticeConditions } from '../notices.ts';
import { tellParked } from '../parked.ts';
import { VERSION } from '../version.ts';
import type { Store } from './lookup.ts';
import { silent } from './silent.ts';

export interface DaemonView {
  readonly database: string;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly sources: () => readonly SourceStatus[];
  readonly pipeline: Pick<Pipeline, 'live' | 'unstoredCalls'>;
  readonly conditions: Conditions;
  readonly delivery: Pick<Delivery, 'snapshot'>;
  readonly store: Pick<Store, 'gaps'>;
  readonly lastBackup: () => StatusReply['backup'];
}

export async function daemonStatus(view: DaemonView): Promise<StatusReply> {
  const delivery = await view.delivery.snapshot();
  const { states, oldestWaiting, updatesWaiting, parked, parkedReasons, skippedReasons } = delivery;
  tellParked(view.conditions, parked);
  return {
    running: true,
    version: VERSION,
    pid: process.pid,
    startedAt: view.startedAt,
    database: view.database,
    at: view.clock.now(),
    sources: view.sources(),
    live: view.pipeline.live().map(({ record }) => record),
    conditions: view.conditions.raised(),
    gaps: await lastGaps(view.store, view.clock.now()),
    unstored: view.pipeline.unstoredCalls(),
    counts: { states, oldestWaiting, updatesWaiting, parked, parkedReasons, skippedReasons },
    delivery,
    backup: view.lastBackup(),
  };
}

/** So long after its end a gap that was not filled is told beside later ones, ms. */
const UNFILLED_TOLD_MS = 7 * 86_400_000;

/** As of `StatusReply`. `now`: ms since the epoch. */
export async function lastGaps({ gaps }: Pick<Store, 'gaps'>, now: number): Promise<StatusReply['gaps']> {
  const seen = new Set<string>();
  return (await gaps.latest()).filter(({ source, state, endedAt }) => {
    const isFirst = !seen.has(source);
    seen.add(source);
    return isFirst || state !== 'unfilled' || (endedAt ?? now) > now - UNFILLED_TOLD_MS;
  });
}

/** Why there is no daemon that answers. */
type Silence = Pick<RaisedCondition, 'code' | 'text' | 'severity'>;

/** `held`: by a daemon that does not answer. `remedy`: what starts one, a sentence. */
export const notRunning = (held: Held, remedy: string): Silence => ({
  code: held.held ? 'not-answering' : 'not-running',
  severity: 'error',
  text: held.held ? silent(held.holder) : `logcalld is not running: no call is logged. ${remedy}`,
});

export const isStarting = (text: string): Silence => ({ code: 'starting', severity: 'warning', text });

export async function fileStatus(store: Store, database: string, clock: Clock, silence: Silence): Promise<StatusReply> {
  const at = clock.now();
  const counts = await store.outbox.counts({ now: at });
  return {
    running: false,
    version: VERSION,
    pid: null,
    startedAt: null,
    database,
    at,
    sources: [],
    live: [],
    conditions: [
      { ...silence, source: null, lines: [], since: null },
      ...(await noticeConditions(store, at)),
      ...parkedCondition(counts.parked),
    ],
    gaps: await lastGaps(store, at),
    counts,
    unstored: 0,
    delivery: null,
    backup: null,
  };
}
