/** The state of everything, from the running daemon or from its file alone. */
import type { StatusReply } from '../../../adapters/control/api.ts';
import type { Held } from '../../../adapters/sqlite/thread/hold.ts';
import { type Holder, holderText } from '../../../adapters/sqlite/thread/holder.ts';
import type { Delivery } from '../../delivery/service.ts';
import type { Conditions, RaisedCondition } from '../../health/conditions.ts';
import { parkedCondition } from '../../health/parked.ts';
import type { Pipeline } from '../../pipeline.ts';
import type { Clock, SourceStatus } from '../../ports.ts';
import { noticeConditions } from '../notices.ts';
import { tellParked } from '../parked.ts';
import { VERSION } from '../version.ts';
import type { Store } from './lookup.ts';

/** About a daemon that has the database open and cannot be reached. */
export function silent(holder: Holder | null): string {
  return `The database is in use by ${holderText(holder)}, which does not answer here: try again in a moment, use sudo, or run this where that one runs.`;
}

export interface DaemonView {
  readonly database: string;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly sources: () => readonly SourceStatus[];
  readonly pipeline: Pick<Pipeline, 'live'>;
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
    live: view.pipeline.live(),
    conditions: view.conditions.raised(),
    gaps: await lastGaps(view.store),
    counts: { states, oldestWaiting, updatesWaiting, parked, parkedReasons, skippedReasons },
    delivery,
    backup: view.lastBackup(),
  };
}

/** Gaps looked at for the last one of each source. */
const GAPS = 50;

/** The last gap of each source that had one. */
export async function lastGaps({ gaps }: Pick<Store, 'gaps'>): Promise<StatusReply['gaps']> {
  const latest = await gaps.list({ limit: GAPS });
  return [...new Map(latest.toReversed().map((gap) => [gap.source, gap])).values()];
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
      { ...silence, source: null, lines: [] },
      ...(await noticeConditions(store, at)),
      ...parkedCondition(counts.parked),
    ],
    gaps: await lastGaps(store),
    counts,
    delivery: null,
    backup: null,
  };
}
