/**
 * What the core asks of the world. Adapters implement these; `src/main.ts` joins them.
 * Every port is asynchronous where a network database could stand behind it.
 */
import type { CallRecord } from './call/record.ts';
import type { LinkStatus } from './link/link.ts';
import type { CallEvent, LineHint } from './telephony/call-event.ts';

/** Wall clock and monotonic clock, so that no rule depends on the host. */
export interface Clock {
  /** ms since the epoch, UTC; may step, which those who watch are told before it does. */
  now(): number;
  /** ms on a clock that never steps; its origin changes at boot. */
  monotonic(): number;
  /** Names the boot that `monotonic()` belongs to. */
  readonly bootId: string;
  /** Calls back once after `ms`; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
  /** Hears of steps and standstills from now on; the returned function ends that. Absent where there are none. */
  watch?(hear: (news: ClockNews) => void): () => void;
}

/**
 * `stepped`: the wall clock was set forward by `by` ms, or back, beside the time that passed. `stalled`: this process, or its machine,
 * stood still for `ms`. `at`: ms since the epoch, by the clock as it goes now.
 */
export type ClockNews =
  | { readonly kind: 'stepped'; readonly by: number; readonly at: number }
  | { readonly kind: 'stalled'; readonly ms: number; readonly at: number };

export type LogLevel = 'error' | 'warn' | 'notice' | 'info' | 'debug';

/** A plain record of one event of the program. Numbers must be masked by the caller or wrapped in `Phone`. */
export interface Log {
  write(level: LogLevel, event: string, text: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What a source hands on for each frame of the PBX: its events, with the raw frame they were read from. */
export interface SourceFrame {
  readonly source: string;
  readonly receivedAt: number;
  readonly events: readonly CallEvent[];
  /**
   * The exact bytes of the frame; `null` for events the client makes itself (link lost). They are good only until whoever is told of
   * the frame returns.
   */
  readonly raw: Uint8Array | null;
}

/** A PBX has calls of which it sends no events, or not all. */
export interface Deaf {
  /** What is missing, and where to change what: one or two sentences. */
  readonly text: string;
  /** The lines of a file of the PBX that are the remedy. */
  readonly lines: readonly string[];
}

/** The state of its link with the problem, one clear sentence with the remedy, and what has come over it. */
export interface SourceStatus extends LinkStatus {
  readonly name: string;
  readonly frames: number;
  readonly unknownEvents: number;
  /** Frames that could not be used, each left out alone. */
  readonly faults: number;
  /** When anything came from the PBX last, answers to questions included, ms since the epoch; `null` before that. */
  readonly lastFrameAt: number | null;
  /** How far the clock of the PBX is ahead of ours as they go now, ms; `null` or absent: it has told nothing on this connection. */
  readonly aheadMs?: number | null;
  /** `null` or absent: nothing says that events of calls are missing. `problem` says so too, unless an older one is shown. */
  readonly deaf?: Deaf | null;
  /** Calls are heard, and events of one kind are missing, without which they are logged incompletely; `null` or absent: nothing says so. */
  readonly lacking?: Deaf | null;
  /** When an event of a call came last, ms since the epoch; `null`: none since the start of this program. */
  readonly callHeardAt?: number | null;
}

/** One PBX. `start` returns at once; the source connects, reconnects and resynchronises by itself. */
export interface EventSource {
  readonly name: string;
  /** `onStatus` hears of every change of state, problem or deafness. */
  start(onFrame: (frame: SourceFrame) => void, onStatus?: (status: SourceStatus) => void): void;
  stop(): Promise<void>;
  status(): SourceStatus;
  /** Asks the PBX once more for its live channels, and tells each that it lists. */
  list?(): void;
  /** True: the journal is behind, read slower as far as the PBX bears it. False: as before. */
  hold(held: boolean): void;
}

/** A telephone or a trunk as the PBX has it, before any call: what of it decides on which side it is. */
export interface ListedEndpoint {
  /** As the channels of its calls name it, e.g. `PJSIP/1001`, `sofia/gateway/carrier`. */
  readonly endpoint: string;
  /** Dialplan context in which its calls begin; `null` when the PBX does not tell it. */
  readonly context: string | null;
  readonly line: LineHint | null;
  /** Domain (tenant) of a phone, on PBXs that have several. */
  readonly domain: string | null;
  /** `port`: named after a socket, which says nothing about its extension. `guests`: stands for whoever calls without an account. */
  readonly kind: 'account' | 'port' | 'guests';
}

export interface EndpointListing {
  readonly endpoints: readonly ListedEndpoint[];
  /** Why these may not be all, with the remedy, a sentence each; none when they are all. */
  readonly gaps: readonly string[];
  /** What else the administrator should know of this PBX, a sentence each. */
  readonly hints: readonly string[];
}

/** Asks a connected PBX for its telephones and trunks. Never rejects: what could not be learnt is told by `gaps`. */
export interface EndpointLister {
  endpoints(): Promise<EndpointListing>;
}

/** `all`: no event of a call at all. `beginnings`, `ends`: those of channels. */
export type Unheard = 'all' | 'beginnings' | 'ends';

/** Tries out whether events of calls come: places a channel inside the PBX that rings nobody and is no call. */
export interface HearingProbe {
  /** What somebody types on the PBX's machine to place it. */
  readonly byHand: string;
  /** What hearing of it does not prove, and how that shows, the end of a sentence; `null`: nothing. */
  readonly unproven: string | null;
  /** What is to be said when it is placed and nothing is heard of it. */
  unheard(what: Unheard): Deaf;
  /** `null` when it was placed, else why it could not be: one sentence with the remedy. Never rejects. */
  place(): Promise<string | null>;
}

/** A source that can be tried out. */
export interface ProbedSource {
  readonly probe: HearingProbe;
}

/** A channel of an open call. */
export interface OpenChannel {
  readonly source: string;
  readonly channel: string;
}

/** Everything that one transaction makes durable: events, what they did to the open calls, and calls that ended. */
export interface JournalBatch {
  readonly frames: readonly SourceFrame[];
  /** Channels that now belong to an open call: their events are needed to fold the state again after a restart. */
  readonly opened: readonly OpenChannel[];
  /** Channels whose call is finished. */
  readonly released: readonly OpenChannel[];
  /** Calls that ended; each becomes a session row and, unless it exists already, an outbox row. */
  readonly ended: readonly CallRecord[];
  /** By the id of a call: it is stored only if its facts were of this revision until now, 0: if it is not there. Absent: in any case. */
  readonly expected?: ReadonlyMap<string, number>;
}

/** Ids of the ended calls that were new, and of those known before whose facts were replaced by newer ones. */
export interface CommitResult {
  readonly inserted: readonly string[];
  readonly changed: readonly string[];
  /** Calls that are wrong in themselves, with the reason: nothing of them is stored, and everything else is. */
  readonly refused: readonly { readonly id: string; readonly why: string }[];
  /** Calls that were not stored, as they were of another revision than expected; absent: none. */
  readonly moved?: readonly string[];
  /** Calls that were not stored, as they were once and were erased or removed since; absent: none. */
  readonly gone?: readonly string[];
}

export interface Journal {
  /** Stores the batch in one durable transaction. The bytes of its frames are good until this returns its promise. */
  commit(batch: JournalBatch): Promise<CommitResult>;
  /** The channels whose calls were open when the journal was written last. */
  openChannels(): Promise<readonly OpenChannel[]>;
  /**
   * Events that rebuild the open calls, in order within each source, a page at a time: those of the open channels, and those of
   * the source since the connection under which the oldest of its open calls began.
   */
  openEvents(): AsyncIterable<readonly CallEvent[]>;
  /**
   * All that a source said since `since` (ms since the epoch), no more than the newest `maxBytes` of its frames, in order, a page at a
   * time.
   */
  recentEvents(
    source: string,
    bounds: { readonly since: number; readonly maxBytes: number },
  ): AsyncIterable<readonly CallEvent[]>;
  /** The records of these calls as they are stored now, of those that are. */
  storedCalls(ids: readonly string[]): Promise<readonly CallRecord[]>;
  /**
   * When the last frame of a source came, in order of arrival, of those that came not later than `until`; ms since the epoch, `null` when
   * there is none. The clock may have been set meanwhile: what came before may have a later time.
   */
  lastFrameAt(source: string, until: number): Promise<number | null>;
}
