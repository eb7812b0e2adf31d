/** What may be asked of the running daemon over its socket, and what it answers. Both sides are of the same version. */
import { z } from 'zod';
import type { Evidence } from '../../src/call/evidence.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { CallLogBody } from '../../src/delivery/crm.ts';
import type { ParkedCount } from '../../src/delivery/parked/counts.ts';
import type { Strangers } from '../../src/delivery/parties/strangers.ts';
import type { ReplayReport } from '../../src/delivery/replay.ts';
import type { DeliverySnapshot } from '../../src/delivery/service.ts';
import type { Attempt, Delivery, OutboxCounts } from '../../src/delivery/store.ts';
import type { RaisedCondition } from '../../src/health/conditions.ts';
import type { SourceStatus } from '../../src/ports.ts';
import type { Gap } from '../../src/records/gaps.ts';
import type { SkippedRecords } from '../../src/records/port.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import type { CallHour } from '../sqlite/sessions/hours.ts';
import type { CallRow } from '../sqlite/sessions/list.ts';
import type { ErasedPage } from '../sqlite/upkeep/erase.ts';
import { callRecord } from './call-record.ts';
import { id, people, selection, time } from './selection.ts';

const nothing = z.strictObject({});

/** Calls named, answered or stored by one request: what selects more is asked for page by page. */
export const MAX_ITEMS = 500;
/** More at once would take the database's thread from the posts. */
const isDay = ({ from, to }: { from: number; to: number }): boolean => to >= from && to - from <= 24 * 3_600_000;
/** Bodies of calls shown in one answer. */
const MAX_SAMPLES = 20;

/** Where a page of a selection begins: as the page before answered it, absent for the first. */
const cursor = z.string().max(500).optional();

export const requests = {
  hello: nothing,
  status: nothing,
  calls: z.strictObject({
    ...selection,
    ...people,
    /** `newest`: by their begin, newest first. `arrival`: as they were stored, oldest first. */
    order: z.enum(['newest', 'arrival']).optional(),
    /** In the order of arrival and without a cursor: begins with the last so many. */
    last: z.number().int().min(0).max(MAX_ITEMS).optional(),
    limit: z.number().int().min(1).max(MAX_ITEMS),
    cursor,
  }),
  /** `id`: the whole of it, or a beginning or end that only one call has. */
  call: z.strictObject({ id }),
  /** Lead, user and post of a stored call: what decided. `id`: the whole of it. */
  why: z.strictObject({ id }),
  /** A page of the frames of one source, from the number `from` on; with `channels` those that name one of them. */
  frames: z.strictObject({
    source: z.string().max(64),
    from: z.number().int().min(0),
    since: time.optional(),
    until: time.optional(),
    channels: z.array(id).max(MAX_ITEMS).optional(),
  }),
  users: nothing,
  /** Calls that began in [from, to), by the hour: at most a day of them. */
  hours: z.strictObject({ from: time, to: time }).refine(isDay, { error: 'at most a day' }),
  /** Beginnings or ends of ids, made whole: of as many of them, in order, as the time of a request allows. */
  find: z.strictObject({ ids: z.array(id).min(1).max(MAX_ITEMS) }),
  /** A page of a replay. `ids`: whole ones, of calls that an operator named. `samples`: bodies in the answer. */
  replay: z.strictObject({
    ...selection,
    ...people,
    ids: z.array(id).max(MAX_ITEMS).optional(),
    force: z.boolean(),
    dryRun: z.boolean(),
    samples: z.number().int().min(0).max(MAX_SAMPLES),
    cursor,
  }),
  /** Latest first. */
  gaps: z.strictObject({
    source: z.string().max(64).optional(),
    since: time.optional(),
    until: time.optional(),
    limit: z.number().int().min(1).max(MAX_ITEMS),
    /** With the calls of each. */
    calls: z.boolean(),
    /** PBXs of which it is answered since when they were heard. */
    heard: z.array(z.string().max(64)).max(MAX_ITEMS).optional(),
  }),
  /** A page of what the PBX's own records tell of calls in [since, until]. */
  backfill: z.strictObject({
    source: z.string().max(64),
    since: time,
    until: time.optional(),
    dryRun: z.boolean(),
    cursor,
  }),
  pause: nothing,
  resume: nothing,
  /** Tries LeadSquared again at once and fetches its users. */
  retry: nothing,
  /**
   * An operator has read what happened to the database (`notices`), and which calls are parked; absent: both. It is told no more. `seen`:
   * so many calls he saw; when there are more by now, nothing is noted (409).
   */
  acknowledge: z.strictObject({
    of: z.enum(['calls', 'notices']).optional(),
    seen: z.int().nonnegative().optional(),
  }),
  /** A page of an erasure: as in `upkeep/erase.ts`. */
  erase: z.strictObject({
    digits: z.string().regex(/^\d{7,15}$/, { error: 'seven digits at least' }),
    e164: z
      .string()
      .regex(/^\+\d{7,15}$/)
      .nullable(),
    dryRun: z.boolean(),
    cursor,
  }),
  /** The end of one: the file is written anew without its free space. */
  tidy: nothing,
  /** Lends one permit of the request limit for a request that the asking program makes itself. */
  permit: nothing,
  /** Stores calls of a database that was put aside, as far as they are not known: each may have been posted. */
  salvage: z.strictObject({ records: z.array(callRecord).max(MAX_ITEMS), dryRun: z.boolean() }),
  /** Stores newer facts of calls. `revision`: of the facts they were compared with, 0 for a call that was not stored. */
  correct: z.strictObject({
    items: z.array(z.strictObject({ record: callRecord, revision: z.number().int().min(0) })).max(MAX_ITEMS),
  }),
};

export type RequestName = keyof typeof requests;
export type RequestOf<N extends RequestName> = z.output<(typeof requests)[N]>;

export interface StatusReply {
  readonly running: boolean;
  readonly version: string;
  readonly pid: number | null;
  readonly startedAt: number | null;
  readonly database: string;
  /** ms since the epoch of this answer. */
  readonly at: number;
  readonly sources: readonly SourceStatus[];
  readonly live: readonly CallRecord[];
  readonly conditions: readonly RaisedCondition[];
  readonly counts: OutboxCounts;
  /** Calls that have ended and are in memory alone, as the disk takes nothing or is slow. */
  readonly unstored: number;
  /** Of each source that had gaps the open one, the last, the last that waits for records, the last of a week that was not filled. */
  readonly gaps: readonly Gap[];
  /** `null` when the daemon does not run. */
  readonly delivery: DeliverySnapshot | null;
  /** The last backup that the daemon made by itself, ms since the epoch; `null` when there is none, or it does not run. */
  readonly backup: { readonly path: string; readonly at: number; readonly bytes: number } | null;
}

export interface CallDetails {
  readonly record: CallRecord;
  readonly revision: number;
  readonly delivery: Delivery | null;
  readonly attempts: readonly Attempt[];
  /** Times in which the PBX was not heard while the call went on. */
  readonly gaps: readonly Gap[];
  /** What the journal still has of the call, in order. */
  readonly events: readonly CallEvent[];
  readonly lead: { readonly id: string | null; readonly name: string | null; readonly how: string };
  readonly user: { readonly id: string | null; readonly name: string | null; readonly how: string };
  /** The body of the last post; `null`: never posted. */
  readonly sent: CallLogBody | null;
  /** The body as it would be made now. */
  readonly body: CallLogBody;
}

/** What decided about one side of the delivery, in words, with what was not taken. Texts may hold telephone numbers. */
export interface Decision extends Evidence<string | null> {
  readonly notes: readonly string[];
  readonly rejected: readonly Evidence<string | null>[];
}

/** What delivery made of a call, and why. */
export interface CallWhy {
  readonly lead: Decision;
  readonly user: Decision;
  readonly post: Decision;
}

export interface UserLine {
  readonly extension: string;
  /** The PBX the line of the users file is for; `null`: any. */
  readonly source: string | null;
  /** The tenant; `null`: any, or the PBX has none. */
  readonly domain: string | null;
  readonly match: 'none' | 'not-yet' | 'known';
  readonly userId: string | null;
  readonly name: string | null;
  readonly email: string | null;
  /** Why there is no user, or where the match comes from. */
  readonly note: string;
  readonly calls: number;
  readonly lastAt: number | null;
  /** Calls that are not posted as the extension had no user. */
  readonly held: { readonly parked: number; readonly skipped: number };
}

/** About the calls of one page. */
export interface ReplayAnswer extends ReplayReport {
  /** As of `CallsAnswer`. */
  readonly meant: readonly string[];
  readonly limit: { readonly requests: number; readonly windowMs: number };
  /** `null`: nothing is left. A page may be empty and the next one not. */
  readonly cursor: string | null;
}

/** A page of a backfill. */
export interface BackfillAnswer {
  /** The place that was read. */
  readonly place: string;
  /** From when on it is told what was not heard, ms: later than asked for where the journal begins later, or calls are kept no longer. */
  readonly since: number;
  /** Whose retention made it later; `null`: it is as asked for. */
  readonly keptBy: 'journal' | 'calls' | null;
  /** Read up to then, ms. */
  readonly upTo: number;
  readonly created: readonly CallRecord[];
  readonly completed: readonly CallRecord[];
  /** Ids of calls that are left out, as a number of them was erased. */
  readonly erased: readonly string[];
  readonly skipped: readonly SkippedRecords[];
  /** `null`: nothing is left. */
  readonly cursor: string | null;
}

/** A call of a list. */
export interface ListedCall extends CallRow {
  /** The place behind this call: the same request with it goes on there. */
  readonly cursor: string;
}

/** A page of a list. A page may be empty and the next one not. */
export interface CallsAnswer {
  readonly rows: readonly ListedCall[];
  /** `null`: nothing is left. In the order of arrival it is the place behind all that was looked at, and never `null`. */
  readonly cursor: string | null;
  /** False: nothing more is there at this moment. */
  readonly more: boolean;
  /** Whom `agent` and `user` were taken for: names of users, extensions. */
  readonly meant: readonly string[];
}

export interface Replies {
  readonly hello: { readonly version: string; readonly pid: number; readonly database: string };
  readonly status: StatusReply & { readonly strangers: Strangers | null };
  readonly calls: CallsAnswer;
  readonly call: CallDetails;
  readonly why: CallWhy;
  /** `bytes` as base64; else as `FramesPage`. */
  readonly frames: { readonly bytes: string; readonly next: number | null; readonly damaged: number };
  readonly users: { readonly lines: readonly UserLine[]; readonly count: number; readonly fetchedAt: number | null };
  readonly hours: { readonly hours: readonly CallHour[] };
  readonly find: { readonly ids: readonly string[] };
  readonly replay: ReplayAnswer;
  /** `calls`: those that a gap touched, oldest first, where they were asked for. */
  readonly gaps: {
    readonly gaps: readonly (Gap & { readonly calls?: readonly CallRow[] })[];
    /** Of each PBX that was asked for the first moment at which it surely was heard, as far as the journal is kept, ms since the epoch. */
    readonly heardSince?: Readonly<Record<string, number | null>>;
  };
  readonly backfill: BackfillAnswer;
  readonly pause: { readonly paused: boolean };
  readonly resume: { readonly paused: boolean };
  /** `users`: they were fetched anew. */
  readonly retry: Pick<DeliverySnapshot, 'standing' | 'cause'> & { readonly users: boolean };
  readonly acknowledge: {
    /** About the database, as many as there were. */
    readonly notices: number;
    /** Parked calls that were not noted before are `fresh`. */
    readonly parked: readonly ParkedCount[];
  };
  readonly erase: Omit<ErasedPage, 'next' | 'erased'> & {
    /** `null`: nothing is left. */
    readonly cursor: string | null;
    /** Calls that go on now and have the number. */
    readonly live: number;
  };
  readonly tidy: {
    /** Why the file may still hold what was erased; `null`: it does not. */
    readonly left: string | null;
    /** Copies and files that were put aside. */
    readonly others: readonly string[];
  };
  /** The request may leave before `until`, monotonic ms of this boot. */
  readonly permit: { readonly until: number };
  /** Ids of calls that were taken over, or left out as a number of them was erased; sources that the config does not have, left alone. */
  readonly salvage: Readonly<Record<'taken' | 'erased' | 'strange', readonly string[]>>;
  readonly correct: {
    readonly inserted: readonly string[];
    readonly changed: readonly string[];
    /** Calls whose stored facts changed meanwhile; nothing was written for them. */
    readonly moved: readonly string[];
    /** Calls that were stored once, and were erased or removed since, or are too old to be kept; nothing was written for them. */
    readonly gone: readonly string[];
  };
}

export type Handlers = { readonly [N in RequestName]: (input: RequestOf<N>) => Promise<Replies[N]> };
