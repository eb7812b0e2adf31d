/** Asterisk's own call detail records as call events, for calls that nobody heard. */
import type { CdrReader } from '../../../src/call/cdr/backfill.ts';
import { cdrEvents } from './events.ts';
import { readRows } from './table.ts';
import { zoneOf } from './zone.ts';

/** No call lasts longer: rows are chosen by the creation of their channel, which can be told without knowing the zone. */
const LONGEST_CALL_MS = 86_400_000;

/** Reads `Master.csv`, files of cdr_custom and tables exported as CSV; see `CdrReader`. */
export const readAsteriskCdr: CdrReader = (files, source, during) => {
  const rows = files.flatMap(({ name, content }) => readRows(name, content, during.from - LONGEST_CALL_MS, during.to));
  return cdrEvents(rows, zoneOf(rows), source);
};
