/** What the files of a database say before SQLite opens them. Reads a few bytes of each. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { APPLICATION_ID } from '../thread/connection.ts';
import type { Mark } from './mark.ts';
import { isLater, walName, walOf } from './wal.ts';

/**
 * usable: nothing speaks against it. doubtful: every page is to be looked at first. log-gone: the main file is there, what was written
 * last is not. log-foreign: nor is it, and another log stood in the place of its own. log-other: the log is not the one that was there; `missing`: that one is missing. bad: there is no use in looking.
 */
export type Finding =
  | { readonly kind: 'usable' }
  | { readonly kind: 'doubtful' | 'log-gone' | 'log-foreign' | 'bad'; readonly why: string }
  | { readonly kind: 'log-other'; readonly why: string; readonly missing: boolean };

/** Damage that is met again so soon after a check that found none is believed, ms. */
const AGAIN_MS = 3_600_000;

/** Before `real` is opened by anything in this process: to close a file that SQLite has open takes its locks away. */
export function examine(real: string, mark: Mark | null): Finding {
  const size = statSync(real, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0)
    return mark === null ? { kind: 'usable' } : { kind: 'bad', why: `its file ${real} was missing or empty` };
  const header = headerOf(real);
  if (header === null) {
    if (mark === null) return { kind: 'usable' };
    return { kind: 'bad', why: `its file ${real} was overwritten from the beginning` };
  }
  const log = walName(real);
  if (mark?.state === 'open' && mark.wal !== null) {
    if (log === null) return { kind: 'log-gone', why: `its log ${walOf(real)} was missing or empty` };
    if (!isLater(mark.wal, log))
      return { kind: 'log-other', why: `its log ${walOf(real)} was that of another database`, missing: true };
  }
  if (mark?.suspect != null) {
    const { suspect, cleared } = mark;
    const again = cleared !== null && suspect.at - cleared.at < AGAIN_MS;
    return { kind: again ? 'bad' : 'doubtful', why: suspect.reason };
  }
  if (mark?.state === 'closed' && log !== null)
    return { kind: 'log-other', why: `a log ${walOf(real)} that it had not left`, missing: false };
  if (size < header.pages * header.pageSize) return { kind: 'doubtful', why: `its file ${real} was cut off` };
  return { kind: 'usable' };
}

/** Whether the file says that it is a database of logcalld. */
export function saysOurs(real: string): boolean {
  return headerOf(real)?.applicationId === APPLICATION_ID;
}

interface Header {
  readonly pageSize: number;
  /** 0: it does not say. */
  readonly pages: number;
  readonly applicationId: number;
}

/** sqlite.org/fileformat2, section 1.3; `null`: it is none of an SQLite file. */
function headerOf(real: string): Header | null {
  const file = openSync(real, 'r');
  try {
    const bytes = Buffer.alloc(100);
    const read = readSync(file, bytes, 0, 100, 0);
    if (read < 100 || bytes.toString('latin1', 0, 16) !== 'SQLite format 3\0') return null;
    const size = bytes.readUInt16BE(16);
    // The number of pages counts only when it was written together with the last change.
    const current = bytes.readUInt32BE(24) === bytes.readUInt32BE(92);
    return {
      pageSize: size === 1 ? 65_536 : size,
      pages: current ? bytes.readUInt32BE(28) : 0,
      applicationId: bytes.readUInt32BE(68),
    };
  } finally {
    closeSync(file);
  }
}
