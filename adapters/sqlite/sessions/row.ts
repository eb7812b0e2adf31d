/** A CallRecord as a row of `session`, and back. */
import type { CallRecord } from '../../../src/call/record.ts';
import type { Why } from '../../../src/delivery/parked/reasons.ts';

/** A session as it is kept. */
export interface StoredSession {
  readonly record: CallRecord;
  /** 1 when new, one more for each change of its facts. */
  readonly revision: number;
  /** ms since the epoch, UTC. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What every reader selects. */
export interface KeptRow {
  readonly call_session_id: string;
  readonly revision: number;
  readonly json: string;
  readonly created_at: number;
  readonly updated_at: number;
}

export const KEPT_COLUMNS = 'call_session_id, revision, json, created_at, updated_at';

/** Fields that records of earlier versions of the program lack. */
type Later = 'ringGroup' | 'agentDomain' | 'recordings' | 'reasons' | 'endBetween';

/** A record as `sessionRow` of this or an earlier version wrote it. */
export function decodeRecord(json: string): CallRecord {
  const stored = JSON.parse(json) as Omit<CallRecord, Later> & Partial<Pick<CallRecord, Later>>;
  const recordings = stored.recording === null ? [] : [stored.recording];
  return { ringGroup: null, agentDomain: null, recordings, reasons: null, endBetween: null, ...stored };
}

/** Calls as they are stored, without those that cannot be read. */
export interface Readable<T> {
  readonly found: readonly T[];
  /** Ids of the others. */
  readonly unreadable: readonly string[];
}

/** `read` throws for a row that cannot be read. */
export function readable<R, T>(rows: readonly R[], idOf: (row: R) => string, read: (row: R) => T): Readable<T> {
  const found: T[] = [];
  const unreadable: string[] = [];
  for (const row of rows) {
    try {
      found.push(read(row));
    } catch {
      unreadable.push(idOf(row));
    }
  }
  return { found, unreadable };
}

/** The same where nobody asks which could not be read: a start names them, and delivery parks those that were on their way. */
export function readableRows<R, T>(rows: readonly R[], read: (row: R) => T): readonly T[] {
  return readable(rows, () => '', read).found;
}

export function decodeSession(row: KeptRow): StoredSession {
  const record = decodeRecord(row.json);
  return { record, revision: row.revision, createdAt: row.created_at, updatedAt: row.updated_at };
}

/** The digits of a number from the last to the first; `null` when there are none (withheld, `anonymous`). */
export function reversedDigits(number: string | null): string | null {
  const digits = number?.replace(/\D/g, '') ?? '';
  return digits === '' ? null : [...digits].reverse().join('');
}

/** A call that is not posted yet: until when (outbox clock, ms) at the latest, and why. */
export interface Held {
  readonly dueAt: number;
  readonly reason: string;
}

/**
 * A record as it is written: strings and numbers alone, so that it is cheap to hand to the database thread, and its JSON is made
 * once. Times lose fractions of a millisecond, `json` keeps them.
 */
export interface SessionRow {
  readonly callSessionId: string;
  /** ms since the epoch, UTC. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly json: string;
  /** Why the call is not to be posted, where its facts alone say so; `null`: delivery finds out. */
  readonly unposted: Why | null;
  /** Set for a new call that waits for the PBX's own record before it is posted. */
  readonly held: Held | null;
  /** The revision that it takes the place of, 0: none; `null`: any. */
  readonly expected: number | null;
  /** Values of the other columns, in the order of `OTHER_COLUMNS`. */
  readonly others: readonly (string | number | null)[];
}

/** The columns that repeat what is searched, beside those with a field of their own in `SessionRow`. */
export const OTHER_COLUMNS = [
  ...['source', 'direction', 'status', 'external', 'external_e164', 'external_reversed', 'did', 'did_e164', 'trunk'],
  ...['queue', 'agent', 'answered_at', 'duration_seconds', 'talk_seconds', 'recording'],
] as const;

const whole = (time: number): number => Math.floor(time);

export function sessionRow(
  record: CallRecord,
  unposted: Why | null = null,
  held: Held | null = null,
  expected: number | null = null,
): SessionRow {
  const { source, direction, status, external, externalE164, did, didE164, trunk, queue, agent } = record;
  const answeredAt = record.answeredAt === null ? null : whole(record.answeredAt);
  const reversed = reversedDigits(externalE164 ?? external);
  return {
    callSessionId: record.callSessionId,
    startedAt: whole(record.startedAt),
    endedAt: whole(record.endedAt),
    ...{ json: JSON.stringify(record), unposted, held, expected },
    others: [
      ...[source, direction, status, external, externalE164, reversed, did, didE164, trunk],
      ...[queue, agent, answeredAt, whole(record.durationSeconds), whole(record.talkSeconds), record.recording],
    ],
  };
}
