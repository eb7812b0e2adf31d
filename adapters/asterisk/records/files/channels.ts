/** Which channels a row names. */
import { column, type RawRow } from '../columns.ts';

/** Names and Uniqueids of the channels of a row: of CEL also those that were in the bridge, or that a transfer names. */
export function channelsIn(row: RawRow): string[] {
  const told = column(row, 'extra', 'eventextra').matchAll(/"\w*uniqueid":"([^"]+)"/g);
  const names = [column(row, 'channel', 'channame'), column(row, 'dstchannel'), ...column(row, 'peer').split(',')];
  return [column(row, 'uniqueid'), ...[...told].map(([, id = '']) => id), ...names].filter((name) => name !== '');
}
