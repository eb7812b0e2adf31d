/** One row of Asterisk's call detail records. */
import { column, type RawRow, TIME_FORM, timeIn, type WrongColumn, wrongId } from '../records/columns.ts';

/** Party A and one other party. Times are as written, in ms as if they were UTC; the zone is not in the row. */
export interface CdrRow {
  readonly clid: string;
  readonly src: string;
  readonly dst: string;
  readonly dcontext: string;
  readonly channel: string;
  readonly dstchannel: string;
  readonly lastapp: string;
  readonly lastdata: string;
  readonly start: number;
  readonly answer: number | null;
  readonly end: number;
  readonly disposition: string;
  readonly uniqueid: string;
  readonly linkedid: string;
  readonly sequence: number;
  readonly did: string;
  readonly recordingfile: string;
  /** The caller's number before the dialplan set another one to be shown, in tables of FreePBX; else empty. */
  readonly cnum: string;
}

/** The row, or what is wrong with it. */
export function cdrRowOf(raw: RawRow): CdrRow | WrongColumn {
  const wrong = wrongId(raw);
  if (wrong !== null) return wrong;
  const text = (...names: readonly string[]) => column(raw, ...names);
  if (!/^[A-Z ]+$/.test(text('disposition'))) return { column: 'disposition', what: 'is not a word like ANSWERED' };
  const start = timeIn(text('start', 'calldate'));
  if (start === null) return { column: raw.start === undefined ? 'calldate' : 'start', what: TIME_FORM };
  const ended = endOf(raw, start);
  if (typeof ended !== 'number') return ended;
  const told = raw.answer;
  const answer = told === undefined ? answerFrom(raw, ended) : timeIn(told);
  return {
    clid: text('clid'),
    src: text('src'),
    dst: text('dst'),
    dcontext: text('dcontext'),
    channel: text('channel'),
    dstchannel: text('dstchannel'),
    lastapp: text('lastapp'),
    lastdata: text('lastdata'),
    disposition: text('disposition'),
    uniqueid: text('uniqueid'),
    linkedid: text('linkedid'),
    did: text('did'),
    recordingfile: text('recordingfile'),
    cnum: text('cnum'),
    start,
    answer,
    end: ended,
    sequence: Number(text('sequence')) || 0,
  };
}

/**
 * Where the table has no time of the end, its duration tells it. Start and duration are both cut to whole seconds, so the end is later
 * than their sum by up to two, and by half a second more than the start is than what is written.
 */
function endOf(raw: RawRow, start: number): number | WrongColumn {
  const name = ['end', 'endtime'].find((one) => raw[one] !== undefined);
  if (name === undefined) {
    const seconds = Number(column(raw, 'duration') || Number.NaN);
    return seconds >= 0 ? start + seconds * 1000 + CUT_MS : { column: 'duration', what: 'is no number of seconds' };
  }
  const end = timeIn(column(raw, name));
  if (end === null) return { column: name, what: TIME_FORM };
  return end >= start ? end : { column: name, what: 'lies before the start' };
}

const CUT_MS = 500;

/** Tables as FreePBX keeps them have no time of answer, but the seconds since. */
function answerFrom(raw: RawRow, end: number): number | null {
  const seconds = Number(column(raw, 'billsec'));
  return column(raw, 'disposition') === 'ANSWERED' || seconds > 0 ? end - (seconds || 0) * 1000 - CUT_MS : null;
}
