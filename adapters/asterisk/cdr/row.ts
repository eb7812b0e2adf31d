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
  const answer = answerOf(raw, start, ended);
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

/** Clocks are put forward or back by half an hour or an hour; times of the same call differ by no more for no other reason. */
const CLOCK_SET_MS = { least: 1_700_000, most: 3_700_000 };

/**
 * Where the table has no time of the end, its duration tells it, as it does when the clock was set meanwhile. Start and duration are
 * both cut to whole seconds, so the end is later than their sum by up to two, and by half a second more than the start is than what is
 * written.
 */
function endOf(raw: RawRow, start: number): number | WrongColumn {
  const seconds = Number(column(raw, 'duration') || Number.NaN);
  const counted = seconds >= 0 ? start + seconds * 1000 + CUT_MS : null;
  const name = ['end', 'endtime'].find((one) => (raw[one] ?? '') !== '');
  if (name === undefined) return counted ?? { column: 'duration', what: 'is no number of seconds' };
  const end = timeIn(column(raw, name));
  if (end === null) return { column: name, what: TIME_FORM };
  const apart = counted === null ? 0 : Math.abs(end - counted);
  if (counted !== null && apart >= CLOCK_SET_MS.least && apart <= CLOCK_SET_MS.most) return counted;
  return end >= start ? end : { column: name, what: 'lies before the start' };
}

const CUT_MS = 500;

/** Tables as FreePBX keeps them have no time of answer, but the seconds since. */
function answerOf(raw: RawRow, start: number, end: number): number | null {
  const seconds = Number(column(raw, 'billsec')) || 0;
  // An end that was counted has half a second more.
  const counted = end - seconds * 1000 - (end % 1000 === 0 ? 0 : CUT_MS);
  const answered = column(raw, 'disposition') === 'ANSWERED';
  if (raw.answer === undefined) return answered || seconds > 0 ? counted : null;
  const told = timeIn(raw.answer);
  // The clock was set between the answer and one of the others.
  if (told !== null && (told < start || told > end)) return counted;
  return told ?? (answered ? counted : null);
}
