/** Calls with all of their rows, wherever in the files those stand. */
import { epochOf } from '../../events/channel.ts';
import { column, type RawRow } from '../columns.ts';
import type { TableName } from '../csv.ts';
import type { RawTables } from '../tables.ts';
import type { Keep } from './blocks.ts';
import { channelsIn } from './channels.ts';
import { type FileTable, rowBlocks } from './cursor.ts';
import type { Horizon } from './horizon.ts';

/** Each time that the calls turn out to have another linkedid or channel the files are gone through again. */
const ROUNDS = 4;

export interface SearchedTable {
  readonly table: FileTable;
  /** Knows the rows of the time in which the calls may go on. */
  readonly horizon: Pick<Horizon, 'of'>;
}

/** Calls by their linkedids, with names and Uniqueids of their channels as far as they are known. */
export interface Calls {
  readonly ids: ReadonlySet<string>;
  readonly channels: ReadonlySet<string>;
}

/**
 * All rows of these calls, and of those that belong to them: a consultation keeps its own linkedid, and members of a conference theirs.
 * `latest`: when the last row was written by which the calls were found, UTC, ms.
 */
export async function gather(tables: readonly SearchedTable[], found: Calls, latest: number): Promise<RawTables> {
  const ids = new Set(found.ids);
  const channels = new Set(found.channels);
  for (let round = 1; ; round += 1) {
    const known = ids.size + channels.size;
    const rows = await allRows(tables, ids, channels, latest);
    for (const id of related(rows)) ids.add(id);
    // Rows of others stand before those that name their channel as well: with its name they are found the next time.
    if (ids.size + channels.size === known || round === ROUNDS) {
      return { cdr: own(rows, 'cdr', ids), cel: own(rows, 'cel', ids) };
    }
  }
}

interface Found {
  readonly table: TableName;
  /** Rows of the calls, and rows of other calls with a channel of theirs. */
  readonly rows: RawRow[];
  readonly others: RawRow[];
}

async function allRows(
  tables: readonly SearchedTable[],
  ids: ReadonlySet<string>,
  channels: Set<string>,
  latest: number,
): Promise<Found[]> {
  const begun = [...ids].reduce((least, id) => Math.min(least, epochOf(id) ?? least), latest);
  const found: Found[] = [];
  for (const { table, horizon } of tables) {
    const rows: RawRow[] = [];
    const others: RawRow[] = [];
    let until = Math.max(horizon.of(ids), horizon.of(channels));
    for await (const block of rowBlocks(table, begun, names(ids, channels))) {
      for (const { row, linkedId } of block.rows) {
        if (ids.has(linkedId)) {
          rows.push(row);
          const fresh = channelsIn(row).filter((name) => !channels.has(name));
          for (const name of fresh) channels.add(name);
          until = Math.max(until, horizon.of(fresh));
        } else if (channelsIn(row).some((name) => channels.has(name))) {
          others.push(row);
        }
      }
      if (block.position >= until) break;
    }
    found.push({ table: table.table, rows, others });
  }
  return found;
}

/** True for a line that names one of the calls or channels: in a field of its own, or in a list of names. */
function names(ids: ReadonlySet<string>, channels: ReadonlySet<string>): Keep {
  return (line) => line.split(/[",]/).some((part) => part.length > 8 && (ids.has(part) || channels.has(part)));
}

/**
 * Linkedids of what shares a channel with the calls while they were up: names of channels come again after a restart of the PBX, but
 * not within a day of the same boot, and a call too many does no harm.
 */
function related(found: readonly Found[]): string[] {
  return found.flatMap(({ others }) => others.map((row) => column(row, 'linkedid')));
}

function own(found: readonly Found[], table: TableName, ids: ReadonlySet<string>): RawRow[] {
  return found.flatMap((one) =>
    one.table === table ? one.rows.filter((row) => ids.has(column(row, 'linkedid'))) : [],
  );
}
