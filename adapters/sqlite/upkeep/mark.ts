/**
 * What is known of a database apart from its own file, in `<database>.mark`: that there is one, which, and how far it was written. A
 * file that is missing, empty, older than it should be, or without its log is told by it from one that is new.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveToOwner } from '../thread/connection.ts';

export interface Mark {
  /** Of the database; it is written into the file as well (`identity.ts`). */
  readonly id: string;
  /** `open`: a program writes it, or was killed while it did. `closed`: everything is in the main file. */
  readonly state: 'open' | 'closed';
  /** The log that belonged to it then (`walName`); `null`: none. */
  readonly wal: number | null;
  /** Grows with what is stored, and is never less (`identity.ts`). */
  readonly counter: number;
  /** When it was last written, ms since the epoch. */
  readonly at: number;
  /** What pointed to damage while the file was in use, and when; `null`: nothing. */
  readonly suspect: Suspicion | null;
  /** A suspicion that a check of the whole file did not confirm. */
  readonly cleared: Suspicion | null;
  /** The database is being replaced, and it is not written in the new one yet; `null`: it is not. */
  readonly replaced: Replaced | null;
}

/** Of a database that was put aside. */
export interface Replaced {
  readonly why: string;
  /** When, ms since the epoch. */
  readonly at: number;
  /** When the one that is lost was last known to be in use; `null`: it is not known. */
  readonly until: number | null;
  /** The name it gets, or its log where it is empty; `null`: nothing was there. */
  readonly aside: string | null;
  /** The backup that takes its place; `null`: none, a new one is begun. */
  readonly copy: string | null;
  /** Why others were not taken, a sentence each. */
  readonly refused: readonly string[];
}

export interface Suspicion {
  readonly reason: string;
  readonly at: number;
}

/** `real`: the file of the database, no link to it. */
export const markFileOf = (real: string): string => `${real}.mark`;

/** `null`: no database was here, or what is written there cannot be read. */
export function readMark(real: string): Mark | null {
  try {
    const value: unknown = { replaced: null, ...JSON.parse(readFileSync(markFileOf(real), 'utf8')) };
    return isMark(value) ? value : null;
  } catch {
    return null;
  }
}

function isMark(value: unknown): value is Mark {
  if (typeof value !== 'object' || value === null) return false;
  const { id, state, wal, counter, at, suspect, cleared, replaced }: Partial<Record<keyof Mark, unknown>> = value;
  const told = typeof id === 'string' && (state === 'open' || state === 'closed');
  const numbers = Number.isFinite(counter) && Number.isFinite(at) && (wal === null || Number.isInteger(wal));
  return told && numbers && isSuspicion(suspect) && isSuspicion(cleared) && isReplaced(replaced);
}

function isSuspicion(value: unknown): value is Suspicion | null {
  if (value === null) return true;
  if (typeof value !== 'object') return false;
  const { reason, at }: Partial<Record<keyof Suspicion, unknown>> = value as object;
  return typeof reason === 'string' && Number.isFinite(at);
}

function isReplaced(value: unknown): value is Replaced | null {
  if (value === null) return true;
  if (typeof value !== 'object') return false;
  const { why, at, until, aside, copy, refused }: Partial<Record<keyof Replaced, unknown>> = value as object;
  const texts = [aside, copy].every((one) => one === null || typeof one === 'string') && typeof why === 'string';
  const times = Number.isFinite(at) && (until === null || Number.isFinite(until));
  return texts && times && Array.isArray(refused) && refused.every((one) => typeof one === 'string');
}

/** Whole or not at all. `durable`: also after a power cut. Throws what the file system says. */
export function writeMark(real: string, mark: Mark, durable: boolean): void {
  const path = markFileOf(real);
  const text = `${JSON.stringify(mark)}\n`;
  if (!durable) {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    giveToOwner(`${path}.new`, real);
    renameSync(`${path}.new`, path);
    return;
  }
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  giveToOwner(`${path}.new`, real);
  renameSync(`${path}.new`, path);
  syncFolder(path);
}

/** What stands there afterwards is a new database. */
export function removeMark(real: string): void {
  rmSync(markFileOf(real), { force: true });
}

/** Makes a rename or a new file in the folder of `path` durable. */
export function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
