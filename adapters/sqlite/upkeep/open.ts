/**
 * Opens the database of a daemon, and does not take for new or whole what is neither: a file that is damaged is put aside and the
 * last copy put in its place, or a new one begun; one that is older than it was is used with care. Each of these is told, in the log
 * and in `status`. Nothing is removed, and each way ends, with a database that works or with one sentence.
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { claimFile, explained, giveToOwner, openConnection } from '../thread/connection.ts';
import { codeOf, StorageError, storageError } from '../thread/errors.ts';
import { loadMigrations, migrate, schemaVersion } from '../thread/migrate.ts';
import type { Connection, Remark } from '../thread/rpc.ts';
import { asideFile, asideName, hasContent, putAside, putLogAside } from './aside.ts';
import { copyInto, openCopy } from './copy.ts';
import { doubtAll } from './doubt.ts';
import { examine, type Finding, saysOurs } from './examine.ts';
import { counterOf, lastStoredAt, type Notice, remember, remembered } from './identity.ts';
import { placeOfCopy, pruneCopies, usableCopies } from './kept.ts';
import { damageOf, idOf, isDamage, logFits, messageOf, orNull } from './look.ts';
import { type Mark, type Replaced, readMark, writeMark } from './mark.ts';
import { addNotice, earlier, logGone, lost, replacement, restoredByHand } from './notices.ts';
import { walName } from './wal.ts';

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
  if (mark?.state === 'closed') note(real, { ...mark, state: 'open', wal: null });
  try {
    return attempt(parts, mark, found, remarks);
  } catch (error) {
    if (!isDamage(error) || (mark === null && !saysOurs(real))) throw explained(real, error);
    return inItsPlace(parts, mark, messageOf(error), remarks);
  }
}

/** Where it cannot be written (a full disk), the one before stands: every page is looked at then, should it be killed. */
function note(real: string, mark: Mark): void {
  try {
    writeMark(real, mark, true);
  } catch {
    // See above.
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
    return found.missing ? { kind: 'log-foreign', why: found.why } : { kind: 'usable' };
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
    const notice = isNew(db) && mark === null ? null : noticeOf(db, mark, found, at);
    upgrade(db, real, at, remarks);
    const id = take(db, at, notice, Math.max(at, mark?.at ?? 0, orNull(() => lastStoredAt(db)) ?? 0));
    return { db, served: parts.prepare(db), id, mark, remarks };
  } catch (error) {
    db.close();
    if (found.kind === 'usable' && mark !== null) left(real, mark);
    throw error;
  }
}

/** Closing a connection moved the log into the file, unless somebody else has it open. */
function left(real: string, mark: Mark): void {
  const wal = walName(real);
  note(real, { ...mark, state: wal === null ? 'closed' : 'open', wal });
}

const isNew = (db: Connection): boolean => schemaVersion(db) === 0;

/** What the database was before, and what it is now. `null`: nothing to tell. */
function noticeOf(db: Connection, mark: Mark | null, found: Finding, at: number): Notice | null {
  const copy = orNull(() => remembered(db, 'copy'));
  const { replaced } = mark ?? {};
  if (replaced != null && isPutAside(replaced) && !isTold(db, replaced)) return replacement(replaced, copy?.at ?? null);
  if (copy !== null) return restoredByHand(copy.at, at);
  const stored = orNull(() => lastStoredAt(db));
  const whole = mark !== null && idOf(db) === mark.id && (orNull(() => counterOf(db)()) ?? 0) >= mark.counter;
  if (found.kind === 'log-foreign' || (found.kind === 'log-gone' && !whole)) return lost(found.why, mark, stored, at);
  if (mark === null || mark.id === '') return null;
  if (found.kind === 'log-gone') return logGone(found.why, mark, at);
  return whole ? null : earlier(mark, stored, at);
}

const isTold = (db: Connection, { at }: Replaced): boolean =>
  orNull(() => remembered(db, 'notices'))?.some((notice) => notice.kind === 'damaged' && notice.at === at) === true;

/** Brings the schema up to date; a copy of what is there is made before. */
function upgrade(db: Connection, real: string, at: number, remarks: Remark[]): void {
  const before = schemaVersion(db);
  const after = loadMigrations().at(-1)?.version ?? 0;
  if (before === 0 || before >= after || db.name === ':memory:') {
    migrate(db);
    return;
  }
  const target = placeOfCopy(real, at);
  let without = whyNoCopy(db, real, target, at);
  try {
    migrate(db);
  } catch (error) {
    if (without !== null) throw error;
    if (schemaVersion(db) !== before) throw besideCopy(real, target, error);
    // Of what has not changed: it takes room, and each further start would make one, and push those before it out.
    rmSync(target, { force: true });
    if (storageError(error).trouble !== 'full') throw error;
    without = 'there is no room for both, the copy and the change.';
    migrate(db);
  }
  const text = `The database is brought from schema ${before} to ${after}`;
  if (without !== null) {
    remarks.push({ level: 'warn', text: `${text} without a copy of what it was: ${without}` });
    return;
  }
  pruneCopies(real, KEPT);
  const back = `To go back to the older logcalld: stop it, move ${real} and ${real}-wal away, and copy that file to ${real} ("cp -p").`;
  remarks.push({ level: 'notice', text: `${text}; as it was, it is kept in ${target}. ${back}` });
}

/** A part of the change is done: the copy is the way back, and stays. Who frees room should know of it. */
function besideCopy(real: string, target: string, error: unknown): unknown {
  if (storageError(error).trouble !== 'full') return error;
  const text = `${explained(real, error).message} The copy of what it was, ${target}, may go to another disk.`;
  return new StorageError(codeOf(error) ?? 'SQLITE_FULL', text, { cause: error });
}

/** `null`: it was made. */
function whyNoCopy(db: Connection, real: string, target: string, at: number): string | null {
  try {
    copyInto(db, target, { at, replace: false });
    giveToOwner(target, real);
    return null;
  } catch (error) {
    if (isDamage(error)) throw error;
    return messageOf(error);
  }
}

/**
 * Takes it for this program. `until`: the last moment at which something was stored, as far as anything tells; the clock may have been set
 * back since. Answers which database it is.
 */
function take(db: Connection, at: number, notice: Notice | null, until: number): string {
  return db
    .transaction((): string => {
      const id = remembered(db, 'database')?.id ?? randomUUID();
      if (notice !== null) {
        if (notice.kind !== 'log') doubtAll(db, until, at);
        addNotice(db, notice);
      }
      remember(db, 'copy', null, at);
      remember(db, 'database', { id }, at);
      return id;
    })
    .immediate();
}

/**
 * Puts away what is damaged, and the last copy in its place; where there is none that can be used, a new database. The mark tells
 * why until the database does: after a kill in between, the next start goes on here, or tells it of what is in place by then.
 */
function inItsPlace<T>(parts: Parts<T>, mark: Mark | null, why: string, remarks: Remark[]): Opened<T> {
  const { real, now } = parts;
  const { copies, refused } = usableCopies(real, mark?.id || null, now());
  const name = hasContent(real) ? asideName(real, 'damaged', now()) : null;
  let replaced = begun(mark, why, name, now());
  tell(real, { ...(mark ?? UNKNOWN), replaced });
  putAside(real, name);
  const place = (copy: string | null): Mark => {
    for (const text of refused.slice(replaced.refused.length)) remarks.push({ level: 'warn', text });
    replaced = { ...replaced, copy, refused: [...refused] };
    return tell(real, { ...(mark ?? UNKNOWN), state: 'open', wal: null, suspect: null, cleared: null, replaced });
  };
  for (const { path, at } of copies) {
    const source = whole(path, refused);
    if (source === null) continue;
    const told = place(path);
    try {
      copyInto(source, real, { at, replace: false });
      giveToOwner(real, dirname(real));
    } catch (error) {
      if (canPass(error)) throw notInPlace(real, path, replaced, error);
      refused.push(`The backup ${path} could not be put in its place: ${messageOf(error)}`);
      continue;
    } finally {
      source.close();
    }
    return attempt(parts, told, { kind: 'usable' }, remarks);
  }
  const told = place(null);
  claimFile(real);
  return attempt(parts, told, { kind: 'usable' }, remarks);
}

/** A copy, when every page of it can be read; else why not is added to `refused`. */
function whole(path: string, refused: string[]): Connection | null {
  try {
    return openCopy(path).db;
  } catch (error) {
    refused.push(error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** Of a database that had none. */
const UNKNOWN: Mark = {
  ...{ id: '', state: 'open', wal: null, counter: 0, at: 0, suspect: null, cleared: null, replaced: null },
};

/** What is known already, where it was begun before a kill. `aside`: the name that what stands there gets. */
function begun(mark: Mark | null, why: string, aside: string | null, at: number): Replaced {
  const before = mark?.replaced ?? null;
  if (before !== null && isPutAside(before)) return { ...before, aside: before.aside ?? aside, refused: [] };
  return { why, at, until: mark === null || mark.at === 0 ? null : mark.at, aside, copy: null, refused: [] };
}

const isPutAside = ({ aside }: Replaced): boolean => aside === null || asideFile(aside) !== null;

/** Nothing is changed before it is told. */
function tell(real: string, mark: Mark): Mark {
  try {
    writeMark(real, mark, true);
    return mark;
  } catch (error) {
    throw explained(real, error);
  }
}

/** A lack of room or of rights. */
const canPass = (error: unknown): boolean =>
  /^(ENOSPC|EDQUOT|SQLITE_FULL|EACCES|EPERM|EROFS|SQLITE_CANTOPEN|SQLITE_READONLY|SQLITE_IOERR)/.test(
    codeOf(error) ?? '',
  );

/** A new database in its place would hide a backup that can be used. */
function notInPlace(real: string, path: string, { why, aside }: Replaced, error: unknown): StorageError {
  const put = aside === null ? '' : ` and put aside as ${asideFile(aside) ?? aside}`;
  const text = `The database ${real} was damaged (${why})${put}. Its backup ${path} is whole, but cannot take its place yet: ${messageOf(error)} The next start tries again.`;
  return new StorageError('SQLITE_FULL', text, { cause: error });
}
