/** What events take on the disk: in the journal of this program, and as rows of version 0.1. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { stormFrames } from './frames.ts';
import { diskBytes, openJournal, seal } from './journal.ts';
import { discard, scratch } from './process.ts';
import type { Pbx } from './recorded.ts';
import { oldRows } from './rows.ts';

/** Gives the room of deleted rows back to the disk. */
function compacted(database: string): number {
  const db = new BetterSqlite3(database);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.exec('VACUUM');
  db.close();
  return diskBytes(database);
}

export interface DiskUse {
  /** Bytes an event, an empty database deducted. */
  readonly hot: number;
  readonly sealed: number;
  readonly rows: number;
}

/** `tiles` repetitions of the storm, events alone: no calls, no deliveries. */
export async function diskUse(pbx: Pbx, tiles: number): Promise<DiskUse> {
  const folder = scratch();
  try {
    const [ours, empty, rows] = ['ours.db', 'empty.db', 'rows.db'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await (await openJournal(empty)).close();
    const journal = await openJournal(ours);
    const old = oldRows(rows);
    const rowsEmpty = old.bytes();
    let events = 0;
    for (let tile = 0; tile < tiles; tile += 1) {
      const frames = stormFrames(pbx, tile);
      events += frames.length;
      const commits = frames.map((frame) => journal.commit({ frames: [frame], opened: [], released: [], ended: [] }));
      await Promise.all(commits);
      old.commit(frames);
    }
    await journal.close();
    const base = diskBytes(empty);
    const hot = (diskBytes(ours) - base) / events;
    await seal(ours);
    const sealed = (compacted(ours) - compacted(empty)) / events;
    const perRow = (old.bytes() - rowsEmpty) / events;
    old.close();
    return { hot, sealed, rows: perRow };
  } finally {
    discard(folder);
  }
}
