/** Sends calls again that are in the store: selected by an operator, through the same limiter, behind live calls. */

import type { CallRecord } from '../call/record.ts';
import type { Clock } from '../ports.ts';
import type { CallLog, CallLogBody } from './crm.ts';
import type { HeldBack } from './parked/held.ts';
import type { SkippedCode } from './parked/reasons.ts';
import { asNamed, heldBack } from './parties/held-back.ts';
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

/** What decides about a call: narrow, so that many can be looked at. */
export type ReplayRow = Pick<Delivery, 'id' | 'sessionId' | 'state' | 'doubtful'>;

/** `rows`: as they were read just now. */
export type ReplayRequest = ({ readonly filter: DeliveryFilter } | { readonly rows: readonly ReplayRow[] }) & {
  /** Also calls that the CRM has already: makes a second call log. */
  readonly force: boolean;
  /** An operator named each of them: they are posted whatever the config leaves out, see `asNamed`. */
  readonly named?: boolean;
  /** Changes nothing. */
  readonly dryRun: boolean;
  /** Bodies reported, at most. Default: 20. */
  readonly samples?: number;
};

export interface ReplayReport {
  /** Calls that are (or would be) sent again. */
  readonly count: number;
  /** Of these, calls that are looked for in the CRM first because an earlier post may have arrived. */
  readonly checkedFirst: number;
  /** Of these, calls that the CRM has already and gets a second time. */
  readonly delivered: number;
  /** Of these, calls that were skipped before. */
  readonly skipped: number;
  /** Selected but left alone, as the config would have them skipped again: by the code of the reason. */
  readonly heldBack: HeldBack;
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
const UNDER_WAY = 'on its way already';
const UNREADABLE = 'what is stored of it cannot be read';

/** Each call is met once, in the order of the outbox; one that moved on meanwhile is left alone. */
export async function replay(parts: ReplayParts, request: ReplayRequest): Promise<ReplayReport> {
  const { force, dryRun, samples: shown = SAMPLES } = request;
  const { policy } = parts;
  const leftAlone: Record<string, number> = {};
  const held: Partial<Record<SkippedCode, number>> = {};
  const leave = (reason: string, calls: number): void => {
    if (calls > 0) leftAlone[reason] = (leftAlone[reason] ?? 0) + calls;
  };
  const samples: ReplayReport['samples'][number][] = [];
  const sum = { count: 0, checkedFirst: 0, delivered: 0, skipped: 0 };
  for await (const page of pagesOf(parts, request)) {
    const free: ReplayRow[] = [];
    for (const row of page) {
      const reason = refusal(row, force);
      if (reason === null) free.push(row);
      else leave(reason, 1);
    }
    const wanted: Delivery[] = [];
    const readable = await whole(parts, free);
    leave(UNREADABLE, free.length - readable.length);
    for (const row of readable) {
      // One that may have arrived is looked for, and posted where it is not there.
      const checked = row.doubtful && !force && row.tries > 0;
      const why = checked ? null : heldBackNow(parts, row.record, request);
      if (why === null) wanted.push(row);
      else held[why.code] = (held[why.code] ?? 0) + 1;
    }
    samples.push(...bodies(parts, wanted.slice(0, shown - samples.length)));
    const inState = (state: DeliveryState) => wanted.filter((row) => row.state === state).length;
    sum.delivered += inState('delivered');
    sum.skipped += inState('skipped');
    if (!force) sum.checkedFirst += wanted.filter((row) => row.doubtful).length;
    const sent = dryRun ? wanted.length : await requeue(parts, wanted, request);
    sum.count += sent;
    leave(UNDER_WAY, wanted.length - sent);
  }
  const seconds = Math.ceil((sum.count * policy.limit.windowMs) / policy.limit.requests / 1000);
  return { ...sum, heldBack: held, leftAlone, samples, seconds };
}

const heldBackNow = ({ policy, clock }: ReplayParts, record: CallRecord, { named = false }: ReplayRequest) =>
  heldBack(record, named ? asNamed(policy) : policy, clock.now());

async function* pagesOf({ outbox }: ReplayParts, request: ReplayRequest): AsyncGenerator<readonly ReplayRow[]> {
  if ('rows' in request) {
    yield request.rows;
    return;
  }
  for (let after = 0; ; ) {
    const page = await outbox.select({ filter: request.filter, after, limit: PAGE });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

async function whole({ outbox }: ReplayParts, rows: readonly ReplayRow[]): Promise<readonly Delivery[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ sessionId }) => sessionId);
  return outbox.select({ filter: { ids }, after: 0, limit: ids.length });
}

function bodies({ callLog }: ReplayParts, rows: readonly Delivery[]): ReplayReport['samples'] {
  return rows.flatMap(({ sessionId, state, record, leadId, userId }) => {
    try {
      return [{ sessionId, state, body: callLog.body(record, { leadId, userId }) }];
    } catch {
      // Only a sample: the post of this call tells what is wrong with it.
      return [];
    }
  });
}

async function requeue(
  { outbox, clock, steady, policy }: ReplayParts,
  rows: readonly ReplayRow[],
  { force, named = false }: ReplayRequest,
): Promise<number> {
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.id);
  return outbox.requeue({ ids, force, named, now: clock.now(), checkAt: steady() + policy.verifyAfterMs });
}

/** Why a call is not sent again; `null`: it is. */
function refusal(row: ReplayRow, force: boolean): string | null {
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
      return UNDER_WAY;
  }
}
