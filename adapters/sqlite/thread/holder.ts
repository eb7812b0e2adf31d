/**
 * Who has a database, as it says itself in `<database>.holder`. That it still has it only the lock of `hold.ts` tells; this file
 * can be read without SQLite.
 */
import { readFileSync, realpathSync } from 'node:fs';

/** The program that writes a database. */
export interface Holder {
  readonly pid: number;
  /** ms since the epoch. */
  readonly since: number;
  readonly host: string;
  readonly version: string;
  /** Its control socket; `null`: it has none. */
  readonly socket: string | null;
  /** What ends it, as a part of a sentence. Absent: by an earlier version. */
  readonly stop?: string;
}

/** `real`: the file of the database, no link to it. */
export const holderFileOf = (real: string): string => `${real}.holder`;

/** Who has the database at `path`, or had it when it was killed; `null` when nothing tells, or this user may not read it. */
export function readHolder(path: string): Holder | null {
  try {
    const value: unknown = JSON.parse(readFileSync(holderFileOf(realpathSync(path)), 'utf8'));
    return isHolder(value) ? value : null;
  } catch {
    return null;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, since, host, version, socket, stop }: Partial<Record<keyof Holder, unknown>> = value;
  const named =
    typeof host === 'string' && typeof version === 'string' && ['string', 'undefined'].includes(typeof stop);
  return named && Number.isInteger(pid) && Number.isFinite(since) && (socket === null || typeof socket === 'string');
}

/** `logcalld 0.1.0, pid 412 on pbx1, since 2026-11-22 14:14:22 (control socket /run/logcalld/control.sock)`; times are local. */
export function holderText(holder: Holder | null): string {
  if (holder === null) return 'another logcalld';
  const { pid, since, host, version, socket } = holder;
  const about = `logcalld ${version}, pid ${pid} on ${host}, since ${new Date(since).toLocaleString('sv-SE')}`;
  return socket === null ? about : `${about} (control socket ${socket})`;
}
