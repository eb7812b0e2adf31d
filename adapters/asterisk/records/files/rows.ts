/** Rows of a file: its records by the names of their columns, and when they were written. */
import { RecordsError } from '../../../../src/records/port.ts';
import { epochOf } from '../../events/channel.ts';
import { column, type RawRow, timeIn } from '../columns.ts';
import { type Layout, layoutOf, namesIn, type TableName } from '../csv.ts';

const QUARTER_MS = 900_000;
const SLACK_MS = 2000;

export interface TimedRow {
  readonly row: RawRow;
  readonly linkedId: string;
  /** When it was written, UTC, ms; `null` when the row does not tell. */
  readonly recordedAt: number | null;
  /** False where the zone of the file is guessed from a row that is not the beginning of its channel: it may be later then, never earlier. */
  readonly certain: boolean;
}

type Written = Pick<TimedRow, 'recordedAt' | 'certain'>;

/** Turns the records of one file into rows, in the order of the file. */
export interface RowReader {
  /** `null`: a line with the names of the columns, or one in no layout that is known, which `unknown` counts. */
  read(record: readonly string[]): TimedRow | null;
  /** Records in no layout that is known. */
  unknown(): number;
}

/**
 * `columns`: names of the columns by the config; none when the file itself shows them. Asterisk writes no heading, and its settings may
 * have changed within the file: so each record is known by its own form.
 */
export function rowReader(file: string, table: TableName, columns: readonly string[]): RowReader {
  const given: Layout | null =
    columns.length === 0 ? null : { table, names: columns.map((name) => name.trim().toLowerCase()) };
  let named: Layout | null = null;
  let unknown = 0;
  const written = table === 'cdr' ? cdrTimes() : celTimes();
  return {
    read(record) {
      const heading = headingIn(file, record);
      if (heading !== null) {
        named = heading;
        return null;
      }
      const layout = [given, named].find((one) => one?.names.length === record.length) ?? layoutOf(record);
      if (layout?.table !== table) {
        unknown += 1;
        return null;
      }
      const row: RawRow = Object.fromEntries(layout.names.map((name, index) => [name, record[index] ?? '']));
      return { row, linkedId: column(row, 'linkedid'), ...written(row) };
    },
    unknown: () => unknown,
  };
}

function headingIn(file: string, record: readonly string[]): Layout | null {
  if (!record.some((value) => value.trim().toLowerCase() === 'uniqueid')) return null;
  try {
    return namesIn(file, record);
  } catch (error) {
    throw new RecordsError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Files hold local times without a zone, or UTC. The first row of a channel that began a call starts in the second that its Uniqueid
 * names, so when it was written is that second and the duration, whatever the zone; other rows are written in the zone of the last
 * such row.
 */
function cdrTimes(): (row: RawRow) => Written {
  let offset: number | null = null;
  return (row) => {
    const created = epochOf(column(row, 'uniqueid'));
    const start = timeIn(column(row, 'start', 'calldate'));
    if (created === null || start === null) return { recordedAt: null, certain: false };
    const end = timeIn(column(row, 'end', 'endtime')) ?? start + 1000 * (Number(column(row, 'duration')) || 0);
    const apart = start - created;
    const near = Math.round(apart / QUARTER_MS) * QUARTER_MS;
    if (Math.abs(apart - near) <= SLACK_MS && column(row, 'uniqueid') === column(row, 'linkedid')) {
      offset = near;
      const lasted = Math.max(end - start, 1000 * (Number(column(row, 'duration')) || 0));
      return { recordedAt: created + lasted, certain: true };
    }
    return inZone(end, apart, offset);
  };
}

/** Seconds since the epoch, unless `dateformat` of cel.conf makes local times of them. */
function celTimes(): (row: RawRow) => Written {
  let offset: number | null = null;
  return (row) => {
    const text = column(row, 'eventtime');
    if (/^\d{9,11}(?:\.\d+)?$/.test(text)) return { recordedAt: Math.floor(Number(text) * 1000), certain: true };
    const at = timeIn(text);
    const created = epochOf(column(row, 'uniqueid'));
    if (at === null || created === null) return { recordedAt: at, certain: false };
    const apart = at - created;
    const near = Math.round(apart / QUARTER_MS) * QUARTER_MS;
    if (Math.abs(apart - near) <= SLACK_MS && column(row, 'eventenum', 'eventtype') === 'CHAN_START') offset = near;
    return inZone(at, apart, offset);
  };
}

/** `apart`: from the creation of the channel to the row, by the clock of the file: its zone, and how long the channel was up. */
function inZone(at: number, apart: number, offset: number | null): Written {
  const guess = Math.floor((apart + SLACK_MS) / QUARTER_MS) * QUARTER_MS;
  return { recordedAt: at - (offset ?? guess), certain: offset !== null };
}
