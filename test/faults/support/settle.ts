/** The end of a run: everything heals, and the daemon has time to finish what it owes. */
import BetterSqlite3 from 'better-sqlite3';
import { pause } from '../../../bench/support/process.ts';
import { judge, type Knowledge, placedCalls, type Verdict } from './oracle.ts';
import type { Life, LifeOptions, Site } from './site.ts';

const LOOK_EVERY_MS = 100;
const ROWS = 'delivery WHERE step IS NOT NULL';

function counted<T>(database: string, use: (count: (table: string) => number) => T): T {
  const db = new BetterSqlite3(database, { readonly: true });
  try {
    return use((table) => db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0);
  } finally {
    db.close();
  }
}

const owedRows = (database: string): number => counted(database, (count) => count(ROWS));

/** What is still to be done, a sentence; `null`: nothing. */
export function owed(database: string): string | null {
  return counted(database, (count) => {
    const channels = count('open_channel');
    const rows = count(ROWS);
    return channels + rows === 0 ? null : `${channels} channels are open and ${rows} rows have a step to do`;
  });
}

/**
 * Resolves when nothing is owed any more, or the daemon ends; answers what is owed when nothing became less of it for `withinMs`: how fast
 * it is delivered is the machine's matter.
 */
export async function finished(site: Site, life: Life, withinMs: number): Promise<string | null> {
  let least = Number.POSITIVE_INFINITY;
  let left: string | null = 'nothing was asked';
  for (let since = performance.now(); left !== null && performance.now() - since < withinMs && !life.over; ) {
    await pause(LOOK_EVERY_MS);
    left = owed(site.database);
    const rows = owedRows(site.database);
    if (rows < least) [least, since] = [rows, performance.now()];
  }
  return left;
}

async function allStored(site: Site, life: Life, withinMs: number): Promise<void> {
  const isStored = (): boolean => placedCalls(site).every(({ id }) => life.stored.has(id));
  for (const until = performance.now() + withinMs; !isStored() && performance.now() < until && !life.over; )
    await pause(LOOK_EVERY_MS);
}

export interface SettleOptions extends LifeOptions {
  readonly withinMs?: number;
  /** All that was placed was heard: what is still in the daemon's memory is waited for. */
  readonly heard?: boolean;
  /** Requests that the CRM allows in a window. */
  readonly limit?: number;
}

/** One more life, without faults, until all is delivered; then what the CRM has is judged. */
export async function settle(site: Site, known: Knowledge, options: SettleOptions = {}): Promise<Verdict> {
  const { withinMs = 120_000, limit = 100, heard = false, ...start } = options;
  site.crm.clearFaults();
  const present = site.present;
  const life = present === null || present.over ? site.start(start) : present;
  const wrong: string[] = [];
  const connected = await life.logged('pbx-connected', site.pbxs.length);
  if (!connected) wrong.push(`the daemon ended with ${life.child.exitCode}: ${life.words}`);
  await site.quiet();
  if (heard) await allStored(site, life, withinMs);
  const left = await finished(site, life, withinMs);
  if (left !== null) wrong.push(`nothing was finished any more for ${Math.round(withinMs / 1000)} s: ${left}`);
  const status = await life.stop();
  if (status !== 0) wrong.push(`SIGTERM ended it with ${status ?? 'no status'}: ${life.words}`);
  const verdict = judge(site, known, limit);
  return { ...verdict, wrong: [...wrong, ...verdict.wrong] };
}
