/**
 * Reads the calls out of a database that was put aside as damaged, as many as can be read. Of each page that cannot be read the calls are
 * asked for one by one, so that it costs those that stand in it.
 */
import BetterSqlite3 from 'better-sqlite3';
import type { CallRecord } from '../../../src/call/record.ts';
import { decodeRecord } from '../sessions/row.ts';
import { APPLICATION_ID } from '../thread/connection.ts';
import { codeOf, StorageError } from '../thread/errors.ts';
import type { Connection } from '../thread/rpc.ts';

export interface SalvagedPage {
  /** Calls that the database does not say to be in the CRM, or to be none to be posted. */
  readonly calls: readonly CallRecord[];
  /** Calls that are delivered or skipped. */
  readonly done: number;
  /** Calls that cannot be read. */
  readonly unread: number;
}

const ROWS = 100;
/** A call that begins so much later than now is damage that reads like a record, ms: for its sake every call until then would be looked for. */
const AHEAD_MS = 86_400_000;
/** Rows looked for where the last one cannot be told. */
const MOST = 2_000_000;

interface Row {
  readonly n: number;
  readonly id: string;
  readonly json: string;
}

/** `now`: ms since the epoch. Throws `StorageError` with one sentence when nothing of the file can be read. */
export function* salvaged(path: string, now: number): Generator<SalvagedPage> {
  const db = openDamaged(path);
  const latest = now + AHEAD_MS;
  try {
    const page = db.prepare<[number, number], Row>(
      'SELECT rowid AS n, call_session_id AS id, json FROM session WHERE rowid > ? ORDER BY rowid LIMIT ?',
    );
    const one = db.prepare<[number], Row>(
      'SELECT rowid AS n, call_session_id AS id, json FROM session WHERE rowid = ?',
    );
    const state = db.prepare<[string], string>('SELECT state FROM delivery WHERE session_id = ?').pluck();
    const last = attempt(() => db.prepare<[], number>('SELECT max(rowid) FROM session').pluck().get()) ?? MOST;
    for (let after = 0; after < last; ) {
      const from = after;
      const rows = attempt(() => page.all(from, ROWS));
      if (rows !== null) {
        if (rows.length === 0) return;
        after = rows.at(-1)?.n ?? last;
        yield pageOf(rows, state, latest, 0);
        continue;
      }
      const single: Row[] = [];
      let unread = 0;
      for (let n = from + 1; n <= Math.min(from + ROWS, last); n += 1) {
        const row = attempt(() => one.get(n) ?? undefined);
        if (row === null) unread += 1;
        else if (row !== undefined) single.push(row);
      }
      after = from + ROWS;
      yield pageOf(single, state, latest, last === MOST ? 0 : unread);
    }
  } finally {
    db.close();
  }
}

function pageOf(
  rows: readonly Row[],
  state: { get(id: string): string | undefined },
  latest: number,
  unread: number,
): SalvagedPage {
  const calls: CallRecord[] = [];
  let [done, broken] = [0, unread];
  for (const { id, json } of rows) {
    // What cannot be told may not have been posted; it is looked for before it is.
    const known = attempt(() => state.get(id));
    if (known === 'delivered' || known === 'skipped') done += 1;
    else {
      const record = attempt(() => decodeRecord(json));
      if (record?.callSessionId === id && record.startedAt <= latest) calls.push(record);
      else broken += 1;
    }
  }
  return { calls, done, unread: broken };
}

/** `null` for what cannot be read. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function openDamaged(path: string): Connection {
  let db: Connection | null = null;
  try {
    db = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
    const ours = db.pragma('application_id', { simple: true }) === APPLICATION_ID;
    db.prepare('SELECT rowid, call_session_id, json FROM session LIMIT 0').all();
    if (ours) return db;
    throw new StorageError(
      'SCHEMA_FOREIGN',
      `${path} is not a database of logcalld: name a file <database>.damaged-TIME.`,
    );
  } catch (error) {
    db?.close();
    if (error instanceof StorageError) throw error;
    const code = codeOf(error) ?? '';
    const why =
      code === 'SQLITE_CANTOPEN'
        ? 'it does not exist, or this user may not read it: name a file <database>.damaged-TIME, and use sudo'
        : 'nothing in it can be read any more; "logcalld backfill" brings back what the PBX keeps records of';
    throw new StorageError(code, `Cannot read ${path}: ${why}.`, { cause: error });
  }
}
