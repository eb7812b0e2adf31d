/** What events take on the disk: in the journal of this program, and as rows of version 0.1. */
import { join } from 'node:path';
import { stormFrames } from './frames.ts';
import { openJournal, seal, storedBytes } from './journal.ts';
import { discard, scratch } from './process.ts';
import type { Pbx } from './recorded.ts';
import { oldRows } from './rows.ts';

/** Bytes an event, an empty database deducted. */
export interface DiskUse {
  /** Just stored, in groups as they come at 200 events a second. */
  readonly hot: number;
  readonly sealed: number;
  readonly rows: number;
}

/** What comes at 200 events a second while a group waits for more, 20 ms. */
const GROUP = 4;

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
      for (let at = 0; at < frames.length; at += GROUP) {
        await journal.commit({ frames: frames.slice(at, at + GROUP), opened: [], released: [], ended: [] });
      }
      old.commit(frames);
    }
    await journal.close();
    const base = storedBytes(empty);
    const hot = (storedBytes(ours) - base) / events;
    await seal(ours);
    const sealed = (storedBytes(ours) - base) / events;
    const perRow = (old.bytes() - rowsEmpty) / events;
    old.close();
    return { hot, sealed, rows: perRow };
  } finally {
    discard(folder);
  }
}
