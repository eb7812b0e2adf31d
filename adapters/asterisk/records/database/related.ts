/**
 * Which other linkedids belong to calls. A consultation keeps its own in CDR; with a transfer or a pickup the linkedid of a channel
 * changes; members of a conference keep theirs. So what shares a channel with the calls, or a conference, belongs to them.
 */
import type { Row } from '../../../database/port.ts';
import { epochOf } from '../../events/channel.ts';
import { MAX_OFFSET_MS } from './offsets.ts';
import { allOf, foundByTime, inRanges } from './parts.ts';
import { type Condition, LONGEST_CALL_MS, liveIn } from './range.ts';
import { inParts, marks } from './select.ts';
import type { OpenTable, TableShape } from './shape.ts';
import { momentIn, startOf, valueFor } from './sql.ts';

/** Rooms of several channels: nothing but their application says who was in one. */
const CONFERENCES = ['ConfBridge', 'MeetMe'];

/** Remembers what it asked for: each channel once. */
export interface Relations {
  /** Linkedids of what belongs to these rows, those of the rows among them. */
  of(fresh: ReadonlyMap<OpenTable, readonly Row[]>): Promise<string[]>;
}

export function createRelations(tables: readonly OpenTable[]): Relations {
  const asked = { uniqueids: new Set<string>(), names: new Set<string>(), rooms: new Set<string>() };
  return {
    async of(fresh) {
      const uniqueids = unasked(
        asked.uniqueids,
        [...fresh.values()].flatMap((rows) => rows.flatMap(uniqueidsIn)),
      );
      const related = await linkedIdsOf(tables, uniqueids);
      // CEL names each channel with its Uniqueid; where there is none, names must do.
      const told = [...fresh].filter(([, rows]) => rows.length > 0);
      const cel = told.find(([{ shape }]) => shape.kind === 'cel');
      const [table, rows] = cel ?? told[0] ?? [];
      if (table === undefined || rows === undefined) return related;
      const near = nearby(table, rows);
      if (near === null) return related;
      const own = new Set(rows.map(({ channame }) => channame));
      const names = unasked(asked.names, rows.flatMap(namesIn)).filter((name) => cel === undefined || !own.has(name));
      const rooms = unasked(asked.rooms, rows.flatMap(roomsIn));
      const [channels, application] =
        cel === undefined ? [['channel', 'dstchannel'], 'lastapp'] : [['channame'], 'appname'];
      related.push(...(await byColumns(table, channels, names, near)));
      related.push(...(await byColumns(table, [application], rooms, near)));
      return related.filter((id) => id !== '');
    },
  };
}

/** Linkedids of the rows of these channels. */
export async function linkedIdsOf(tables: readonly OpenTable[], uniqueids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const table of tables)
    found.push(...(await byColumns(table, ['uniqueid'], uniqueids, livesOf(table, uniqueids))));
  return found.filter((id) => id !== '');
}

/** While these channels can have lived: a Uniqueid begins with the second of its creation. `null`: not known, or not needed. */
function livesOf({ shape }: OpenTable, uniqueids: readonly string[]): Condition | null {
  if (shape.indexed.has('uniqueid') || !foundByTime(shape)) return null;
  const created = uniqueids.map(epochOf).filter((at) => at !== null);
  if (created.length === 0 || created.length < uniqueids.length) return null;
  const low = created.reduce((a, b) => Math.min(a, b)) - MAX_OFFSET_MS;
  const high = created.reduce((a, b) => Math.max(a, b)) + LONGEST_CALL_MS + MAX_OFFSET_MS;
  return between(shape, low - 2000, high);
}

/** Rows of that time, ms in the table's own time. */
function between(shape: TableShape, low: number, high: number): Condition {
  const range = liveIn(shape, low - MAX_OFFSET_MS, high + MAX_OFFSET_MS);
  const { sql } = startOf(shape);
  return {
    sql: ` AND ${sql} >= ? AND ${sql} < ?${range.sql}`,
    values: [valueFor(shape, low), valueFor(shape, high), ...range.values],
  };
}

function unasked(asked: Set<string>, values: readonly string[]): string[] {
  const fresh = [...new Set(values)].filter((value) => value !== '' && !asked.has(value));
  for (const value of fresh) asked.add(value);
  return fresh;
}

/** A transfer names the channels of the other call in its details. */
function uniqueidsIn(row: Row): string[] {
  const told = (row.extra ?? row.eventextra ?? '').matchAll(/"\w*uniqueid":"([^"]+)"/g);
  return [row.uniqueid ?? '', ...[...told].map(([, id = '']) => id)];
}

/** `peer`: the other channels in the bridge. */
function namesIn({ channel, dstchannel, peer }: Row): string[] {
  return [channel ?? '', dstchannel ?? '', ...(peer ?? '').split(',')].map((name) => name.trim());
}

function roomsIn({ appname, lastapp }: Row): string[] {
  return CONFERENCES.filter((name) => name === appname || name === lastapp);
}

/** While these rows were written: names of channels come again after a restart of the PBX, and rooms are used again. */
function nearby({ shape }: OpenTable, rows: readonly Row[]): Condition | null {
  const starts = rows.flatMap((row) => momentIn(shape, row[shape.time]) ?? []);
  if (starts.length === 0) return null;
  const low = starts.reduce((a, b) => Math.min(a, b));
  const last = starts.reduce((a, b) => Math.max(a, b));
  const high = Math.min(last + longest(rows), low + 2 * LONGEST_CALL_MS);
  return between(shape, low - 1000, high + 1000);
}

function longest(rows: readonly Row[]): number {
  return rows.reduce((most, { duration }) => Math.max(most, 1000 * (Number(duration) || 0)), 1000);
}

async function byColumns(
  { connection, shape }: OpenTable,
  names: readonly string[],
  values: readonly string[],
  near: Condition | null,
): Promise<string[]> {
  const columns = names.flatMap((name) => shape.columns.get(name)?.sql ?? []);
  if (columns.length === 0) return [];
  const linkedid = sqlOf(shape, 'linkedid');
  const indexed = names.every((name) => shape.indexed.has(name)) || (near !== null && foundByTime(shape));
  const rows = await inParts(values, (part) => {
    const any = columns.map((column) => `${column} IN (${marks(part)})`).join(' OR ');
    const statement = `SELECT DISTINCT ${linkedid} AS linkedid FROM ${shape.sql} WHERE (${any})${near?.sql ?? ''}`;
    const values = [...columns.flatMap(() => part), ...(near?.values ?? [])];
    const ask = (range: Condition) => connection.select(statement + range.sql, [...values, ...range.values]);
    return allOf(inRanges(connection, shape, indexed, ask));
  });
  return rows.map((row) => row.linkedid ?? '');
}

function sqlOf(shape: TableShape, name: string): string {
  return shape.columns.get(name)?.sql ?? 'NULL';
}
