/**
 * Which UTC a table's own time is. Tables hold local times without a zone, UTC with `usegmtime=yes`, and no server knows which: it
 * need not be in the zone of the PBX. But the Uniqueid of a channel begins with the second of its creation, and its first row is
 * written in that second, so rows near the span that is read tell how far the table's time is from UTC: `WHERE` can then compare with
 * the column itself, and use its index. Where clocks change within the span, rows from before and after it tell both offsets.
 */
import type { Connection, Row } from '../../../database/port.ts';
import { epochOf } from '../../events/channel.ts';
import { firstOf, foundByTime, inRanges } from './parts.ts';
import { liveIn } from './range.ts';
import type { TableShape } from './shape.ts';
import { momentIn, startOf, valueFor } from './sql.ts';

const QUARTER_MS = 900_000;
/** No zone is further from UTC. */
export const MAX_OFFSET_MS = 14 * 3_600_000;
/** A row may be opened a moment after its channel. */
const SLACK_MS = 2000;
/** Rows that are looked at on each side of the span. */
const SAMPLE = 200;

/**
 * The offsets of the table's time in [from, to] (UTC, ms), what to subtract to get UTC, ms. None: it has no rows near that time.
 */
export async function offsetsOf(
  connection: Connection,
  shape: TableShape,
  from: number,
  to: number,
): Promise<readonly number[]> {
  if (shape.timeKind !== 'written') return [0];
  const low = from - MAX_OFFSET_MS - QUARTER_MS;
  const high = to + MAX_OFFSET_MS + QUARTER_MS;
  const sure = await sample(connection, shape, low, high, beginning(shape));
  const told = new Set(sure.flatMap((row) => exact(shape, row)));
  if (told.size > 0) return [...told];
  const any = await sample(connection, shape, low, high, '');
  const likely = any.flatMap((row) => roughly(shape, row));
  // Rows of a channel come later than its creation, never earlier: the lowest is nearest.
  return likely.length === 0 ? (any.length === 0 ? [] : [0]) : [...new Set([Math.min(...likely), Math.max(...likely)])];
}

/** Rows that are written in the second of their Uniqueid. */
function beginning({ kind, columns }: TableShape): string {
  const sql = (name: string): string => columns.get(name)?.sql ?? 'NULL';
  if (kind === 'cdr') return ` AND ${sql('uniqueid')} = ${sql('linkedid')}`;
  const type = columns.get('eventtype') ?? columns.get('eventenum');
  return ` AND ${type?.sql} = ${/int|numeric|decimal/.test(type?.type ?? '') ? '1' : "'CHAN_START'"}`;
}

async function sample(
  connection: Connection,
  shape: TableShape,
  low: number,
  high: number,
  filter: string,
): Promise<readonly Row[]> {
  const { sql, text } = startOf(shape);
  const { sql: uniqueid } = shape.columns.get('uniqueid') ?? { sql: 'NULL' };
  const range = liveIn(shape, low, high);
  const half = (direction: 'ASC' | 'DESC'): Promise<readonly Row[]> => {
    const answers = inRanges(connection, shape, foundByTime(shape), (part) =>
      connection.select(
        `SELECT ${text} AS at, ${uniqueid} AS uniqueid FROM ${shape.sql}
         WHERE ${sql} >= ? AND ${sql} < ?${range.sql}${filter}${part.sql} ORDER BY ${sql} ${direction} LIMIT ${SAMPLE}`,
        [valueFor(shape, low), valueFor(shape, high), ...range.values, ...part.values],
      ),
    );
    return firstOf(answers, shape, SAMPLE, direction === 'ASC' ? 1 : -1);
  };
  const first = await half('ASC');
  return first.length < SAMPLE ? first : [...first, ...(await half('DESC'))];
}

function exact(shape: TableShape, row: Row): number[] {
  const apart = apartOf(shape, row);
  if (apart === null) return [];
  const offset = Math.round(apart / QUARTER_MS) * QUARTER_MS;
  return Math.abs(apart - offset) <= SLACK_MS && Math.abs(offset) <= MAX_OFFSET_MS ? [offset] : [];
}

function roughly(shape: TableShape, row: Row): number[] {
  const apart = apartOf(shape, row);
  if (apart === null) return [];
  const offset = Math.floor((apart + SLACK_MS) / QUARTER_MS) * QUARTER_MS;
  return Math.abs(offset) <= MAX_OFFSET_MS ? [offset] : [];
}

function apartOf(shape: TableShape, row: Row): number | null {
  const at = momentIn(shape, row.at);
  const created = epochOf(row.uniqueid ?? '');
  return at === null || created === null ? null : at - created;
}
