/**
 * How far calls go on in the files of a table: where the last row stands that names one of their ids or channels. It is found by going
 * ahead of the reading once, so that the rows of some calls are looked for in the part of the files where they are, and not in the day
 * that a call may last.
 */
import { column } from '../columns.ts';
import { channelsIn } from './channels.ts';
import { type FileTable, type RowBlock, rowBlocks } from './cursor.ts';

/** What is behind the reading is forgotten when so much more is known, names. */
const FORGET_AFTER = 200_000;

export interface Horizon {
  /** Knows the rows that were written up to then, UTC, ms. */
  reach(at: number): Promise<void>;
  /** No row that names one of them stands behind this, as of `RowBlock.position`; a position too far is no harm. */
  of(names: Iterable<string>): number;
  /** The reading has come to this position: nothing is asked for any more that is named before it only. */
  forget(before: number): void;
  close(): Promise<void>;
}

/** Of files that are gone through to their end. */
export const TO_THE_END: Pick<Horizon, 'of'> = { of: () => Number.POSITIVE_INFINITY };

/** `from`: as of `rowBlocks`. */
export function createHorizon(table: FileTable, from: number): Horizon {
  const blocks: AsyncGenerator<RowBlock> = rowBlocks(table, from);
  /** By the hash of a name: two names with the same one are only looked for further than they are. */
  const last = new Map<number, number>();
  let reached = Number.NEGATIVE_INFINITY;
  let kept = 0;
  /** Up to where rows may stand that it has not seen, as they were written before `from`, or that it has forgotten. */
  let unseen = Number.NEGATIVE_INFINITY;
  return {
    async reach(at) {
      while (reached <= at) {
        const next = await blocks.next();
        if (next.done === true) {
          // Without any row since, all of the table is before.
          if (reached === Number.NEGATIVE_INFINITY) unseen = Number.POSITIVE_INFINITY;
          reached = Number.POSITIVE_INFINITY;
          return;
        }
        const { rows, position, latest } = next.value;
        if (unseen === Number.NEGATIVE_INFINITY) unseen = position;
        for (const { row } of rows) {
          last.set(hashOf(column(row, 'linkedid')), position);
          for (const name of channelsIn(row)) last.set(hashOf(name), position);
        }
        reached = Math.max(reached, latest ?? reached);
      }
    },
    of(names) {
      let furthest = unseen;
      for (const name of names) furthest = Math.max(furthest, last.get(hashOf(name)) ?? furthest);
      return furthest;
    },
    forget(before) {
      unseen = Math.max(unseen, before);
      if (last.size < kept + FORGET_AFTER) return;
      for (const [hash, position] of last) if (position < before) last.delete(hash);
      kept = last.size;
    },
    async close() {
      await blocks.return(undefined);
    },
  };
}

/** FNV-1a, 32 bits. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
