/**
 * The tables in which Asterisk keeps records of calls, as call events: call detail records (CDR), one row a pair of channels, and
 * channel event logging (CEL), one row an event. Where CEL tells a call from its beginning it is followed, and its CDR adds what CEL
 * does not say; any other call is read from its CDR alone.
 */
import type { SkippedRecords } from '../../../src/records/port.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { cdrEvents } from '../cdr/events.ts';
import { legsOf } from '../cdr/legs.ts';
import { type CdrRow, cdrRowOf } from '../cdr/row.ts';
import type { TimedCel } from '../cel/channels.ts';
import { celEvents } from '../cel/events.ts';
import { type CelRow, celRowOf } from '../cel/row.ts';
import { column, type RawRow, type WrongColumn } from './columns.ts';
import { type Zone, zoneOf } from './zone.ts';

/** Rows by the lower-case names of their columns; values as text, times as written, without zone. In order of their writing. */
export interface RawTables {
  readonly cdr: readonly Readonly<Record<string, string>>[];
  readonly cel: readonly Readonly<Record<string, string>>[];
}

/** Where a row stands and what is to be done about it, for the sentence about a row that cannot be used. */
export type Place = (table: 'cdr' | 'cel', index: number, row: RawRow) => string;

const inTable: Place = (table, _index, row) => {
  const id = column(row, 'uniqueid');
  return /^[\w.-]{1,64}$/.test(id) && /\d\.\d+$/.test(id) ? `table ${table}, uniqueid ${id}` : `table ${table}`;
};

/**
 * What the tables tell, in no particular order. A row that cannot be used is left out and counted. Never throws.
 *
 * @param source configured name of the PBX
 */
export function tableEvents(
  tables: RawTables,
  source: string,
  place: Place = inTable,
): { readonly events: readonly CallEvent[]; readonly skipped: readonly SkippedRecords[] } {
  const cdr = readRows('cdr', tables.cdr, cdrRowOf, place);
  const cel = readRows('cel', tables.cel, celRowOf, place);
  const skipped = [...cdr.skipped, ...cel.skipped];
  const zones = zonesOf(cdr.rows, cel.rows);
  if (zones === null) {
    const count = cdr.rows.length + cel.rows.length;
    const table = cdr.rows.length > 0 ? 'cdr' : 'cel';
    const first = tables[table][0];
    const why = `${first === undefined ? table : place(table, 0, first)}: ${NO_ZONE}`;
    return { events: [], skipped: count === 0 ? skipped : [...skipped, { count, why }] };
  }
  const timed = inUtc(cel.rows, zones.cel);
  const offset = ({ linkedid, start }: CdrRow) => zones.cdr(linkedid, start);
  const followed = wholeCalls(timed, cdr.rows);
  const legs = legsOf(cdr.rows, offset);
  const told = celEvents(
    timed.filter(({ linkedid }) => followed.has(linkedid)),
    legs.filter(({ linkedid }) => followed.has(linkedid)),
    source,
  );
  const rest = cdr.rows.filter(({ linkedid }) => !followed.has(linkedid));
  return { events: [...told, ...cdrEvents(rest, offset, source)], skipped };
}

const NO_ZONE =
  'the time zone cannot be told, because no row begins in the second that its uniqueid names; are uniqueid and linkedid the columns ' +
  'of those names? Else set usegmtime=yes in cdr.conf.';

function readRows<R extends object>(
  table: 'cdr' | 'cel',
  raw: readonly RawRow[],
  read: (row: RawRow) => R | WrongColumn,
  place: Place,
): { rows: R[]; skipped: SkippedRecords[] } {
  const rows: R[] = [];
  let count = 0;
  let why = '';
  for (const [index, one] of raw.entries()) {
    const row = read(one);
    if (!isWrong(row)) rows.push(row);
    else if (count++ === 0) why = `${place(table, index, one)}: column ${row.column} ${row.what}.`;
  }
  return { rows, skipped: count === 0 ? [] : [{ count, why }] };
}

const isWrong = (row: object): row is WrongColumn => 'what' in row && 'column' in row;

/** Each table may have a zone of its own: `usegmtime` is set for each. One that does not tell it has that of the other. */
function zonesOf(cdr: readonly CdrRow[], cel: readonly CelRow[]): { readonly cdr: Zone; readonly cel: Zone } | null {
  const firsts = new Map<string, CdrRow>();
  for (const row of cdr) {
    const known = firsts.get(row.uniqueid);
    if (known === undefined || row.start < known.start) firsts.set(row.uniqueid, row);
  }
  const own = [...firsts.values()].map(({ uniqueid, linkedid, start }) => ({ uniqueid, linkedid, at: start }));
  const ofCdr = zoneOf(
    own.filter(({ uniqueid, linkedid }) => uniqueid === linkedid),
    own,
  );
  const ofCel = zoneOf(cel.filter(({ type, utc }) => type === 'CHAN_START' && !utc));
  const utc: Zone | null = cel.length > 0 && cel.every((row) => row.utc) ? () => 0 : null;
  const zone = ofCdr ?? ofCel ?? (cdr.length === 0 ? utc : null);
  return zone === null ? null : { cdr: zone, cel: ofCel ?? zone };
}

/** In order of their writing. Of whole seconds the middle is nearest; rows of the same second keep their order within a call. */
function inUtc(rows: readonly CelRow[], zone: Zone): TimedCel[] {
  const last = new Map<string, number>();
  return rows.map(({ utc, whole, ...row }) => {
    const exact = utc ? row.at : row.at - zone(row.linkedid, row.at);
    const second = exact + 999;
    const at = whole ? Math.min(second, Math.max(exact + 500, (last.get(row.linkedid) ?? 0) + 1)) : exact;
    last.set(row.linkedid, at);
    return { ...row, at };
  });
}

/** Calls that CEL tells from their beginning, with the connections that their CDR speaks of. */
function wholeCalls(cel: readonly TimedCel[], cdr: readonly CdrRow[]): ReadonlySet<string> {
  const begun = new Set<string>();
  const bridged = new Set<string>();
  for (const { type, linkedid, uniqueid, extra } of cel) {
    if (type === 'CHAN_START' && uniqueid === linkedid) begun.add(linkedid);
    if (type === 'BRIDGE_ENTER' && extra.bridge_id !== undefined) bridged.add(linkedid);
  }
  for (const { linkedid, disposition, dstchannel } of cdr) {
    if (disposition === 'ANSWERED' && dstchannel !== '' && !bridged.has(linkedid)) begun.delete(linkedid);
  }
  return begun;
}
