/** Sends calls again that are in the store: selected by an operator, through the same limiter, behind live calls. */

import type { Clock } from '../ports.ts';
import type { CallLog, CallLogBody } from './crm.ts';
import type { DeliveryPolicy } from './policy.ts';
import type { DeliveryState } from './states.ts';
import type { Delivery, DeliveryFilter, Outbox } from './store.ts';

export interface ReplayParts {
  readonly outbox: Pick<Outbox, 'select' | 'requeue'>;
  readonly callLog: Pick<CallLog, 'body'>;
  readonly clock: Clock;
  /** The clock of due times. */
  readonly steady: () => number;
  readonly policy: DeliveryPolicy;
}

export interface ReplayRequest {
  readonly filter: DeliveryFilter;
  /** Also calls that LeadSquared has already: makes a second call log. */
  readonly force: boolean;
  /** Changes nothing. */
  readonly dryRun: boolean;
}

export interface ReplayReport {
  /** Calls that are (or would be) sent again. */
  readonly count: number;
  /** Of these, calls that are looked for in the CRM first because an earlier post may have arrived. */
  readonly checkedFirst: number;
  /** Selected but left alone, by reason. */
  readonly leftAlone: Readonly<Record<string, number>>;
  /** Bodies of the first calls, with the lead and user known from the last attempt. */
  readonly samples: readonly {
    readonly sessionId: string;
    readonly state: DeliveryState;
    readonly body: CallLogBody;
  }[];
  /** Seconds it takes at the limit, lookups not counted. */
  readonly seconds: number;
}

const PAGE = 500;
const SAMPLES = 20;

export async function replay(parts: ReplayParts, { filter, force, dryRun }: ReplayRequest): Promise<ReplayReport> {
  const { outbox, callLog, policy } = parts;
  const leftAlone: Record<string, number> = {};
  const samples: { sessionId: string; state: DeliveryState; body: CallLogBody }[] = [];
  let count = 0;
  let checkedFirst = 0;
  let after = 0;
  for (;;) {
    const page = await outbox.select({ filter, after, limit: PAGE });
    const wanted: Delivery[] = [];
    for (const row of page) {
      const reason = refusal(row, force);
      if (reason === null) wanted.push(row);
      else leftAlone[reason] = (leftAlone[reason] ?? 0) + 1;
    }
    for (const row of wanted.slice(0, SAMPLES - samples.length)) {
      const body = callLog.body(row.record, { leadId: row.leadId, userId: row.userId });
      samples.push({ sessionId: row.sessionId, state: row.state, body });
    }
    if (!force) checkedFirst += wanted.filter((row) => row.doubtful).length;
    count += dryRun ? wanted.length : await requeue(parts, wanted, force);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = last.id;
  }
  const seconds = Math.ceil((count * policy.limit.windowMs) / policy.limit.requests / 1000);
  return { count, checkedFirst, leftAlone, samples, seconds };
}

async function requeue(
  { outbox, clock, steady, policy }: ReplayParts,
  rows: readonly Delivery[],
  force: boolean,
): Promise<number> {
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.id);
  return outbox.requeue({ ids, force, now: clock.now(), checkAt: steady() + policy.verifyAfterMs });
}

/** Why a call is not sent again; `null`: it is. */
function refusal(row: Delivery, force: boolean): string | null {
  switch (row.state) {
    case 'parked':
    case 'skipped':
      return null;
    case 'delivered':
      return force ? null : 'delivered already (a second post needs --force)';
    case 'pending':
    case 'retrying':
    case 'sending':
    case 'uncertain':
      return 'on its way already';
  }
}
