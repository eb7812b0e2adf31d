/** Writes finished calls, each once; part of the journal's transaction. */
import { isDeepStrictEqual } from 'node:util';
import type { CallRecord } from '../../../src/call/record.ts';
import type { Connection } from '../thread/rpc.ts';
import { decodeRecord, sessionColumns } from './row.ts';

/** Called inside the transaction that inserted a session, once for each call. `now`: ms since the epoch. */
export type SessionHook = (db: Connection, record: CallRecord, now: number) => void;

/** inserted: a new call. changed: known, and its facts were replaced by newer ones. same: known, nothing to do. */
export type SessionFate = 'inserted' | 'changed' | 'same';

export type StoreSession = (record: CallRecord, now: number) => SessionFate;

export function sessionStore(db: Connection, onInserted: readonly SessionHook[]): StoreSession {
  const names = [
    ...['call_session_id', 'source', 'direction', 'status', 'external', 'external_e164', 'external_reversed', 'did'],
    ...['did_e164', 'trunk', 'queue', 'agent', 'started_at', 'answered_at', 'ended_at', 'duration_seconds'],
    ...['talk_seconds', 'recording', 'json'],
  ];
  const known = db.prepare<[string], string>('SELECT json FROM session WHERE call_session_id = ?').pluck();
  const insert = db.prepare(
    `INSERT INTO session (revision, created_at, updated_at, ${names.join(', ')})
     VALUES (1, @now, @now, ${names.map((name) => `@${name}`).join(', ')})`,
  );
  const update = db.prepare(
    `UPDATE session SET revision = revision + 1, updated_at = @now, ${names.map((name) => `${name} = @${name}`).join(', ')}
     WHERE call_session_id = @call_session_id`,
  );
  return (record, now) => {
    const before = known.get(record.callSessionId);
    if (before === undefined) {
      insert.run({ ...sessionColumns(record), now });
      for (const hook of onInserted) hook(db, record, now);
      return 'inserted';
    }
    if (isDeepStrictEqual(decodeRecord(before), record)) return 'same';
    update.run({ ...sessionColumns(record), now });
    return 'changed';
  };
}
