/**
 * Gaps: stretches of time in which a PBX was not heard. Each is a stored fact.
 *
 *   state     | entered when                                             | left when
 *   ----------|----------------------------------------------------------|-------------------------------------------------
 *   open      | the link is lost, the program starts after a stop, or    | the PBX has listed its channels, and tells of its
 *             | the PBX tells nothing of its calls (it is deaf)          | calls -> waiting
 *   waiting   | the PBX is heard wholly again                            | its records are read -> filled; it has none, or
 *             |                                                          | they are given up -> unfilled
 *   filled    | the records of the time are read to their end            |
 *   unfilled  | nothing can be told of calls that were made meanwhile    | an operator fills it by hand -> filled
 *
 * A loss before the list is complete goes on with the gap that is open: nothing was heard wholly in between.
 */
import type { CallRecord } from '../call/record.ts';
import type { SourceStatus } from '../ports.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import { type PbxTime, SAME_TIME, timeApart } from './pbx-time.ts';

export type GapState = 'open' | 'waiting' | 'filled' | 'unfilled';

/** Times: ms since the epoch, UTC, on our clock. */
export interface Gap {
  readonly id: number;
  readonly source: string;
  /** The last proof that the PBX was heard. */
  readonly beganAt: number;
  /** When it was heard wholly again; `null`: not yet. */
  readonly endedAt: number | null;
  /** When the PBX listed all of its channels last, at the end of it or before; `null`: it did not, or that is not known. */
  readonly listedAt: number | null;
  readonly reason: string;
  /** Calls that were going on when it began. */
  readonly live: number;
  readonly state: GapState;
  /** How far each place of records has been read, by its name (see `place-key.ts`): ms on the clock of the PBX. */
  readonly filledTo: Readonly<Record<string, number>>;
  /** Calls of which only the records told, and calls heard in part that they completed. */
  readonly created: number;
  readonly completed: number;
  /** Records that could not be used. */
  readonly skipped: number;
  /** Why it is not filled, or why the first of the records was left out: a sentence. */
  readonly note: string | null;
  readonly settledAt: number | null;
}

/** The flag of a call that was going on, or happened wholly, in a gap. */
export const GAP_FLAG = 'blind-interval';
/** The flag of a call of which only the PBX's own records tell, beside `from-cdr`. */
export const UNHEARD_FLAG = 'not-heard';

/** What became of a call that a gap touched. */
export function settledHow({ flags }: Pick<CallRecord, 'flags'>): string {
  const unknown = ['start', 'answer', 'end'].filter((what) => flags.includes(`${what}-unknown`));
  const left = unknown.length === 0 ? '' : `; ${unknown.join(' and ')} not known`;
  if (flags.includes(UNHEARD_FLAG)) return `nobody heard it: from the PBX's own record${left}`;
  if (flags.includes('from-cdr')) return `completed by the PBX's own record${left}`;
  return unknown.length === 0 ? 'went on through it' : `heard in part${left}`;
}

/** What is found for a gap is added to what was found before. */
export interface GapProgress {
  readonly id: number;
  readonly filledTo: Readonly<Record<string, number>>;
  readonly created: number;
  readonly completed: number;
  readonly skipped: number;
}

export interface GapQuery {
  readonly source?: string | undefined;
  /** Gaps of which a part lies in [since, until], ms. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly limit: number;
}

/** The store of gaps. */
export interface Gaps {
  /** Begins a gap unless one of the source is open. */
  begin(args: { source: string; at: number; reason: string; live: number }): Promise<void>;
  /** The gap that was open, which waits for the records now; `null` when there was none. */
  end(args: { source: string; at: number; listedAt: number | null }): Promise<Gap | null>;
  waiting(args: { source: string }): Promise<readonly Gap[]>;
  progress(progress: GapProgress): Promise<void>;
  settle(args: { id: number; state: 'filled' | 'unfilled'; note: string | null; at: number }): Promise<Gap | null>;
  /** Latest first. */
  list(query: GapQuery): Promise<readonly Gap[]>;
  /** Settled gaps of which the records are to be read once more: those that ended before `endedBefore`. */
  unchecked(args: { source: string; endedBefore: number }): Promise<readonly Gap[]>;
  /** They have been. */
  checked(args: { id: number }): Promise<void>;
  /** Our clock was set forward by `by` ms: what is still to come is on another one. */
  shift(args: { source: string; by: number }): Promise<void>;
  /** Everything that was heard of the source before `at` is stored; how its clock goes. */
  heard(args: { source: string; at: number; time: PbxTime }): Promise<void>;
  lastHeard(args: { source: string }): Promise<{ readonly at: number; readonly time: PbxTime } | null>;
}

/** The second of a channel's creation is told; in the middle it is wrong least. */
const HALF_SECOND_MS = 500;
/** A PBX that lists no channels is heard wholly this long after it was heard again, ms: whoever could not be listed is told then. */
const NO_LIST_MS = 60_000;

/** What the watch tells of one PBX. */
export type GapStep =
  | { readonly step: 'begin'; readonly at: number; readonly reason: string }
  | { readonly step: 'end'; readonly at: number };

/** Follows one PBX's events and says when a gap begins and ends. */
export class Hearing {
  #open: { connectedAt: number | null } | null = null;
  #time: PbxTime;
  /** `#time` is of this connection. */
  #fresh = false;
  #bootedAt: number | null = null;
  #listedAt: number | null = null;

  /** `time`: as it was known in an earlier life. */
  constructor(time: PbxTime = SAME_TIME) {
    this.#time = time;
  }

  /** The clock of the PBX. */
  get time(): PbxTime {
    return timeApart(this.#time.aheadMs, this.#time.ownTimes);
  }

  /** True while it is lost, or its list of channels is not complete. */
  get isLost(): boolean {
    return this.#open !== null;
  }

  /** When the PBX was started that is heard, or was heard last, ms since the epoch, on our clock; `null`: it has not told. */
  get bootedAt(): number | null {
    return this.#bootedAt;
  }

  /** When it listed all of its channels last, ms since the epoch, on our clock; `null`: not in this life. */
  get listedAt(): number | null {
    return this.#listedAt;
  }

  /** `null`: nothing begins or ends. A beginning is told again while the gap is open, and then changes nothing. */
  note(event: CallEvent): GapStep | null {
    switch (event.kind) {
      case 'source-lost':
        this.#open = { connectedAt: null };
        return { step: 'begin', at: event.at, reason: event.reason };
      case 'source-connected':
        if (this.#open !== null) this.#open.connectedAt = event.receivedAt;
        this.#fresh = false;
        // By the clock of `at`, which is ours where it is the time of arrival.
        if (event.bootedAt !== null) this.#bootedAt = event.bootedAt - (event.at - event.receivedAt);
        return null;
      case 'clock-stepped':
        this.#time = { ...this.#time, aheadMs: this.#time.aheadMs + (event.clock === 'ours' ? -event.by : event.by) };
        if (event.clock === 'ours') {
          if (this.#open?.connectedAt != null) this.#open.connectedAt += event.by;
          if (this.#bootedAt !== null) this.#bootedAt += event.by;
          if (this.#listedAt !== null) this.#listedAt += event.by;
        }
        return null;
      case 'snapshot-complete':
        this.#listedAt = event.receivedAt;
        return this.#end(event.receivedAt);
      case 'channel-created': {
        this.#sample(event);
        const since = this.#open?.connectedAt ?? null;
        return since !== null && event.receivedAt - since > NO_LIST_MS ? this.#end(since) : null;
      }
      default:
        return null;
    }
  }

  /** What is said at one moment is heard later: the least late event of a connection tells most. */
  #sample({ at, receivedAt, facts: { order } }: Extract<CallEvent, { kind: 'channel-created' }>): void {
    const ownTimes = at !== receivedAt;
    if (!ownTimes && (order === undefined || (this.#fresh && this.#time.ownTimes))) return;
    const aheadMs = ownTimes ? at - receivedAt : (order?.[0] ?? 0) * 1000 + HALF_SECOND_MS - receivedAt;
    const known = this.#fresh && this.#time.ownTimes === ownTimes;
    if (!known || aheadMs > this.#time.aheadMs) this.#time = { aheadMs, ownTimes };
    this.#fresh = true;
  }

  #end(at: number): GapStep | null {
    // What ends a gap comes on a connection; the list of one that is lost already ends nothing.
    if (this.#open === null || this.#open.connectedAt === null) return null;
    this.#open = null;
    return { step: 'end', at };
  }
}

/** When the PBX is known to have been heard last, ms since the epoch; `null`: not on this link. */
export function heardAt({ state, since, lastFrameAt }: SourceStatus): number | null {
  return state === 'connected' ? Math.max(since, lastFrameAt ?? 0) : null;
}
