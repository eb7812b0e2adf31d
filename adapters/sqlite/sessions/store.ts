/** Writes finished calls, each once; part of the journal's transaction. */
import { isDeepStrictEqual } from 'node:util';
import { goneCalls } from '../erased/gone.ts';
import type { Connection } from '../thread/rpc.ts';
import { decodeRecord, OTHER_COLUMNS, readable, type SessionRow } from './row.ts';

/**
 * Made once for a connection; then called inside each transaction that inserts a session or changes its facts. `now`: ms since
 * the epoch.
 */
export type SessionHook = (db: Connection) => (row: SessionRow, now: number) => void;

/**
 * inserted: a new call. changed: known, and its facts were replaced by newer ones. same: known, nothing to do. moved: of another revision
 * than expected. gone: it was stored once, and was erased or removed since; nothing is stored of it.
 */
export type SessionFate = 'inserted' | 'changed' | 'same' | 'moved' | 'gone';

export type StoreSession = (row: SessionRow, now: number) => SessionFate;

export function sessionStore(db: Connection, hooks: readonly SessionHook[]): StoreSession {
  const onStored = hooks.map((hook) => hook(db));
  const gone = goneCalls(db);
  const names = ['started_at', 'ended_at', 'json', ...OTHER_COLUMNS];
  const known = db.prepare<[string], string>('SELECT json FROM session WHERE call_session_id = ?').pluck();
  const revision = db.prepare<[string], number>('SELECT revision FROM session WHERE call_session_id = ?').pluck();
  const insert = db.prepare<unknown[]>(
    `INSERT INTO session (revision, created_at, updated_at, call_session_id, ${names.join(', ')})
     VALUES (1, ?, ?, ?${', ?'.repeat(names.length)}) ON CONFLICT (call_session_id) DO NOTHING`,
  );
  const update = db.prepare<unknown[]>(
    `UPDATE session SET revision = revision + 1, updated_at = ?, ${names.map((name) => `${name} = ?`).join(', ')}
     WHERE call_session_id = ?`,
  );
  return (row, now) => {
    const { callSessionId: id, startedAt, endedAt, json, expected, others } = row;
    if (expected !== null && (revision.get(id) ?? 0) !== expected) return 'moved';
    if (gone.has(id) && revision.get(id) === undefined) return 'gone';
    const values = [startedAt, endedAt, json, ...others];
    const fate = insert.run(now, now, id, ...values).changes > 0 ? 'inserted' : 'changed';
    if (fate === 'changed') {
      const before = known.get(id);
      if (before === json || (before !== undefined && saysTheSame(before, json))) return 'same';
      update.run(now, ...values, id);
    }
    for (const hook of onStored) hook(row, now);
    return fate;
  };
}

/** What is stored and cannot be read is taken for something else, so that it is written anew. */
function saysTheSame(before: string, json: string): boolean {
  const {
    found: [known],
  } = readable([before], String, decodeRecord);
  return known !== undefined && isDeepStrictEqual(known, decodeRecord(json));
}
