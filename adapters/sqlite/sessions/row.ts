/** A CallRecord as a row of `session`, and back. */
import type { CallRecord } from '../../../src/call/record.ts';

/** A session as it is kept. */
export interface StoredSession {
  readonly record: CallRecord;
  /** 1 when new, one more for each change of its facts. */
  readonly revision: number;
  /** ms since the epoch, UTC. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface SessionRow {
  readonly revision: number;
  readonly json: string;
  readonly created_at: number;
  readonly updated_at: number;
}

/** The columns every reader selects. */
export const SESSION_COLUMNS = 'revision, json, created_at, updated_at';

/** Fields that records of earlier versions of the program lack. */
type Later = 'ringGroup' | 'agentDomain' | 'recordings' | 'reasons';

/** A record as `sessionColumns` of this or an earlier version wrote it. */
export function decodeRecord(json: string): CallRecord {
  const stored = JSON.parse(json) as Omit<CallRecord, Later> & Partial<Pick<CallRecord, Later>>;
  const recordings = stored.recording === null ? [] : [stored.recording];
  return { ringGroup: null, agentDomain: null, recordings, reasons: null, ...stored };
}

export function decodeSession(row: SessionRow): StoredSession {
  const record = decodeRecord(row.json);
  return { record, revision: row.revision, createdAt: row.created_at, updatedAt: row.updated_at };
}

/** The digits of a number from the last to the first; `null` when there are none (withheld, `anonymous`). */
export function reversedDigits(number: string | null): string | null {
  const digits = number?.replace(/\D/g, '') ?? '';
  return digits === '' ? null : [...digits].reverse().join('');
}

const whole = (time: number): number => Math.floor(time);

/** Values of the searched columns, by name. Times lose fractions of a millisecond, `json` keeps them. */
export function sessionColumns(record: CallRecord): Readonly<Record<string, string | number | null>> {
  return {
    call_session_id: record.callSessionId,
    source: record.source,
    direction: record.direction,
    status: record.status,
    external: record.external,
    external_e164: record.externalE164,
    external_reversed: reversedDigits(record.externalE164 ?? record.external),
    did: record.did,
    did_e164: record.didE164,
    trunk: record.trunk,
    queue: record.queue,
    agent: record.agent,
    started_at: whole(record.startedAt),
    answered_at: record.answeredAt === null ? null : whole(record.answeredAt),
    ended_at: whole(record.endedAt),
    duration_seconds: whole(record.durationSeconds),
    talk_seconds: whole(record.talkSeconds),
    recording: record.recording,
    json: JSON.stringify(record),
  };
}
