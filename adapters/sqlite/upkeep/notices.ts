/** The sentences about what happened to a database. */
import type { Connection } from '../thread/rpc.ts';
import { asideFile } from './aside.ts';
import { type Notice, remember, remembered } from './identity.ts';
import type { Mark, Replaced } from './mark.ts';

/** The last ones that are kept. */
const KEPT = 10;

const LOOKED_FOR =
  'Calls that had not been posted by then, or began before now, are looked for in LeadSquared before they are posted.';
const BACKFILL =
  'Where the PBX keeps records, "logcalld backfill --source NAME --since TIME" brings back those that are missing.';
const NOTE = '"logcalld acknowledge" takes this note out of "logcalld status".';

/** Local, as in `status`. */
const when = (ms: number): string => new Date(ms).toLocaleString('sv-SE');

/** Adds it to those that `status` tells. Part of a transaction. */
export function addNotice(db: Connection, notice: Notice): void {
  remember(db, 'notices', [...(remembered(db, 'notices') ?? []), notice].slice(-KEPT), notice.at);
}

/** A copy was put in place while no daemon ran. */
export function restoredByHand(from: number, at: number): Notice {
  const text = `The database is a backup of ${when(from)}, put in place by hand: what was stored after that is not in it. ${LOOKED_FOR} ${NOTE}`;
  return { kind: 'restored', at, text };
}

/** What was committed last is missing, as its log is. */
export function lost(why: string, mark: Mark | null, stored: number | null, at: number): Notice {
  const text = `The database lost what was stored last: ${why}. ${missing(mark, stored)} ${LOOKED_FOR} ${NOTE}`;
  return { kind: 'lost', at, text };
}

/** A new database was begun, and there is a backup of one with its name, of `copiedAt`: that one may be lost with its disk. */
export function backupFound(real: string, copy: string, copiedAt: number, at: number): Notice {
  const text = `There was no database ${real}, so a new one was begun; but ${copy} is a backup of one of that name, of ${when(copiedAt)}. If that one is lost, take it back: stop logcalld, "logcalld restore ${copy}", and start it again; the calls stored meanwhile are taken over afterwards by "logcalld salvage" of the file that restore names. If it is another installation's, set another folder in [storage.backup] here. ${NOTE}`;
  return { kind: 'lost', at, text };
}

/** Its log is missing, and all that is known to have been stored is there. */
export function logGone(why: string, mark: Mark, at: number): Notice {
  const text = `After an end that was not in order, ${why}: another program, such as sqlite3, moved it into the database, or it was deleted. All that is known to have been stored until ${when(mark.at)} is there; if it was deleted, what was stored right after that is missing. ${NOTE}`;
  return { kind: 'log', at, text };
}

/** The file is not the one that was there, or not as new. */
export function earlier(mark: Mark, stored: number | null, at: number): Notice {
  const text = `The database is an older one, or another one, than the one that was in use here until ${when(mark.at)}. ${missing(mark, stored)} ${LOOKED_FOR} ${NOTE}`;
  return { kind: 'older', at, text };
}

/** Backups that were passed over, told in one notice. */
const PASSED_OVER = 3;

/** It was put aside. `copiedAt`: the moment of what stands in its place; `null`: a new one. */
export function replacement(replaced: Replaced, copiedAt: number | null): Notice {
  const { why, at, until, aside, copy, refused } = replaced;
  const file = aside === null ? null : asideFile(aside);
  const put = file === null ? '' : ` and ${file === aside ? '' : 'its log '}was put aside as ${file}`;
  const last = until === null ? '' : ` (it was in use until ${when(until)})`;
  const passed = refused.slice(0, PASSED_OVER).map((text) => `${text} `);
  const now =
    copiedAt === null
      ? `There is no backup that can be used, so a new database was begun: all calls stored before are missing, also those that waited for their post${last}. ${BACKFILL}`
      : `In its place is the backup ${copy ?? ''} of ${when(copiedAt)}: what was stored after that is missing${last}. ${BACKFILL}`;
  const salvage =
    file === null || file !== aside
      ? ''
      : `Calls that can still be read of what was put aside: "logcalld salvage ${file}". `;
  const text = `The database was damaged (${why})${put}. ${now} ${salvage}${passed.join('')}${LOOKED_FOR} ${NOTE}`;
  return { kind: 'damaged', at, text };
}

function missing(mark: Mark | null, stored: number | null): string {
  const from = stored === null ? 'Nothing is stored in it' : `What is stored ends at ${when(stored)}`;
  return mark === null ? `${from}.` : `${from}; it was in use until ${when(mark.at)}.`;
}
