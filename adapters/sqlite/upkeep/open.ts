/**
 * Opens the database of a daemon, and does not take for new or whole what is neither: a file that is damaged is put aside and the
 * last copy put in its place, or a new one begun; one that is older than it was is used with care. Each of these is told, in the log
 * and in `status`. Nothing is removed, and each way ends, with a database that works or with one sentence.
 */
import { randomUUID } from 'node:crypto';
import { claimFile, explained, openConnection } from '../thread/connection.ts';
import { loadMigrations, migrate, schemaVersion } from '../thread/migrate.ts';
import type { Connection, Remark } from '../thread/rpc.ts';
import { putAside, putLogAside } from './aside.ts';
import { copyInto, openCopy } from './copy.ts';
import { doubtAll, doubtEarlier } from './doubt.ts';
import { examine, type Finding, saysOurs } from './examine.ts';
import { counterOf, lastStoredAt, type Notice, remember, remembered } from './identity.ts';
import { placeOfCopy, pruneCopies, usableCopies } from './kept.ts';
import { damageOf, idOf, isDamage, logFits, messageOf, orNull } from './look.ts';
import { type Mark, readMark, removeMark, writeMark } from './mark.ts';
import { addNotice, earlier, lost, replaced, restoredByHand } from './notices.ts';

export interface Opened<T> {
  readonly db: Connection;
  readonly served: T;
  readonly id: string;
  readonly mark: Mark | null;
  readonly remarks: readonly Remark[];
}

interface Parts<T> {
  /** No link to the file. */
  readonly real: string;
  readonly busyTimeoutMs: number;
  readonly now: () => number;
  /** After the migrations; statements that cannot be prepared point to damage as well. */
  readonly prepare: (db: Connection) => T;
}

/** Copies made before a change of the schema that are kept. */
const KEPT = 3;

/** The lock of the database must be held. Throws `StorageError` with one sentence for the operator. */
export function openGuarded<T>(parts: Parts<T>): Opened<T> {
  const { real, now } = parts;
  const mark = readMark(real);
  const remarks: Remark[] = [];
  const found = looked(real, mark, now, remarks);
  if (found.kind === 'bad') return inItsPlace(parts, mark, found.why, remarks);
  // Killed from here on, it may have a log that the mark does not know.
  if (mark?.state === 'closed') expectLog(real, mark);
  try {
    return attempt(parts, mark, found, remarks);
  } catch (error) {
    if (!isDamage(error) || (mark === null && !saysOurs(real))) throw explained(real, error);
    return inItsPlace(parts, mark, messageOf(error), remarks);
  }
}

/** Where that cannot be written (a full disk) nothing is expected at all. */
function expectLog(real: string, mark: Mark): void {
  try {
    writeMark(real, { ...mark, state: 'open', wal: null }, true);
  } catch {
    removeMark(real);
  }
}

/** What is there, with every page looked at where something points to damage. */
function looked(real: string, mark: Mark | null, now: () => number, remarks: Remark[]): Finding {
  const found = examine(real, mark);
  if (found.kind === 'usable' || found.kind === 'bad') return found;
  if (found.kind === 'log-other') {
    // Somebody may have used the database with another program, and may have it open still.
    if (logFits(real)) return damageFound(real, mark, found.why) ?? { kind: 'usable' };
    // What the main file holds is whole without it.
    const name = putLogAside(real, now());
    remarks.push({ level: 'error', text: `Beside the database stood ${found.why}: it was put aside as ${name}.` });
    return found.missing ? { kind: 'log-gone', why: found.why } : { kind: 'usable' };
  }
  const damaged = damageFound(real, mark, found.why);
  if (damaged !== null) return damaged;
  if (found.kind !== 'doubtful') return found;
  remarks.push({ level: 'warn', text: `Every page of the database was looked at, as ${found.why}; all is well.` });
  return { kind: 'usable' };
}

function damageFound(real: string, mark: Mark | null, why: string): Finding | null {
  const damage = damageOf(real, mark?.suspect != null);
  return damage === null ? null : { kind: 'bad', why: `${why}; ${damage}` };
}

/** Opens the file that is there. Throws where it is damaged. */
function attempt<T>(parts: Parts<T>, mark: Mark | null, found: Finding, remarks: Remark[]): Opened<T> {
  const { real, busyTimeoutMs, now } = parts;
  const db = openConnection(real, busyTimeoutMs);
  try {
    const at = now();
    const notice = isNew(db) ? null : noticeOf(db, mark, found, at);
    upgrade(db, real, at, remarks);
    const id = take(db, at, notice);
    return { db, served: parts.prepare(db), id, mark, remarks };
  } catch (error) {
    db.close();
    throw error;
  }
}

const isNew = (db: Connection): boolean => schemaVersion(db) === 0;

/** What the database was before, and what it is now. `null`: nothing to tell. */
function noticeOf(db: Connection, mark: Mark | null, found: Finding, at: number): Notice | null {
  const copy = orNull(() => remembered(db, 'copy'));
  if (copy !== null) return restoredByHand(copy.at, at);
  const stored = orNull(() => lastStoredAt(db));
  if (found.kind === 'log-gone') return lost(found.why, mark, stored, at);
  if (mark === null) return null;
  const id = idOf(db);
  const older = (orNull(() => counterOf(db)()) ?? 0) < mark.counter;
  return older || id !== mark.id ? earlier(mark, stored, at) : null;
}

/** Brings the schema up to date; a copy of what is there is made before. */
function upgrade(db: Connection, real: string, at: number, remarks: Remark[]): void {
  const before = schemaVersion(db);
  const after = loadMigrations().at(-1)?.version ?? 0;
  if (before > 0 && before < after && db.name !== ':memory:') {
    const target = placeOfCopy(real, at);
    try {
      copyInto(db, target, { at, replace: false });
      pruneCopies(real, KEPT);
      const text = `The database is brought from schema ${before} to ${after}; as it was, it is kept in ${target} ("logcalld restore" with the older logcalld goes back).`;
      remarks.push({ level: 'notice', text });
    } catch (error) {
      if (isDamage(error)) throw error;
      const text = `The database is brought from schema ${before} to ${after} without a copy of what it was: ${messageOf(error)}`;
      remarks.push({ level: 'warn', text });
    }
  }
  migrate(db);
}

/** Takes it for this program. Answers which database it is. */
function take(db: Connection, at: number, notice: Notice | null): string {
  return db
    .transaction((): string => {
      const id = remembered(db, 'database')?.id ?? randomUUID();
      if (notice !== null) {
        doubtAll(db, at);
        addNotice(db, notice);
      }
      remember(db, 'copy', null, at);
      remember(db, 'database', { id }, at);
      return id;
    })
    .immediate();
}

/** Puts away what is damaged, and the last copy in its place; where there is none that can be used, a new database. */
function inItsPlace<T>(parts: Parts<T>, mark: Mark | null, why: string, remarks: Remark[]): Opened<T> {
  const { real, now, busyTimeoutMs } = parts;
  const at = now();
  const aside = putAside(real, 'damaged', at);
  const { paths, refused } = usableCopies(real);
  for (const text of refused) remarks.push({ level: 'warn', text });
  for (const path of paths) {
    const { db: source, copy } = openCopy(path);
    try {
      copyInto(source, real, { at: copy.at, replace: false });
    } catch (error) {
      remarks.push({ level: 'warn', text: `The copy ${path} could not be put in its place: ${messageOf(error)}` });
      continue;
    } finally {
      source.close();
    }
    const notice = replaced(why, aside, mark, { path, at: copy.at }, at);
    return told(parts, mark, remarks, notice);
  }
  claimFile(real);
  const db = openConnection(real, busyTimeoutMs);
  try {
    migrate(db);
    const notice = replaced(why, aside, mark, null, at);
    db.transaction(() => {
      doubtEarlier(db, at);
      addNotice(db, notice);
    }).immediate();
    const id = take(db, at, null);
    return { db, served: parts.prepare(db), id, mark, remarks };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A copy that is in place; its own notice is the one of the damage. */
function told<T>(parts: Parts<T>, mark: Mark | null, remarks: Remark[], notice: Notice): Opened<T> {
  const { real, busyTimeoutMs, now } = parts;
  const db = openConnection(real, busyTimeoutMs);
  try {
    upgrade(db, real, now(), remarks);
    const id = take(db, now(), notice);
    return { db, served: parts.prepare(db), id, mark, remarks };
  } catch (error) {
    db.close();
    throw error;
  }
}
