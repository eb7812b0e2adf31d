/** Files of Asterisk's own records as call events, for calls that nobody heard. */
import type { RecordsReader } from '../../../src/call/cdr/backfill.ts';
import { epochOf } from '../events/channel.ts';
import { column, type RawRow } from './columns.ts';
import { readCsv, type TableName } from './csv.ts';
import { tableEvents } from './tables.ts';

/** No call lasts longer: rows are chosen by the creation of their channel, which can be told without knowing the zone. */
const LONGEST_CALL_MS = 86_400_000;

/** Reads `Master.csv`, files of cdr_custom and cel_custom, and the cdr and cel tables exported as CSV; see `RecordsReader`. */
export const readAsteriskRecords: RecordsReader = (files, source, during) => {
  const tables: Record<TableName, RawRow[]> = { cdr: [], cel: [] };
  const places: Record<TableName, string[]> = { cdr: [], cel: [] };
  const read = files.map(({ name, content, table }) => ({ name, ...readCsv(name, content, table) }));
  for (const { name, table, rows, lines } of read) {
    for (const [index, row] of rows.entries()) {
      const created = epochOf(column(row, 'uniqueid'));
      if (created !== null && (created < during.from - LONGEST_CALL_MS || created > during.to)) continue;
      tables[table].push(row);
      places[table].push(`${name}: line ${lines[index]}`);
    }
  }
  const told = tableEvents(tables, source, (table, index) => places[table][index] ?? table);
  return { events: told.events, skipped: [...read.flatMap(({ skipped }) => skipped), ...told.skipped] };
};
