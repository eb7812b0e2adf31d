/**
 * One row of Asterisk's channel event logging (CEL). Names and numbers of the events: `main/cel.c` and `include/asterisk/cel.h` of
 * Asterisk 12 and later; which columns there are depends on the backend and its config.
 */
import { column, type RawRow, TIME_FORM, timeIn, type WrongColumn, wrongId } from '../records/columns.ts';

/** By the number that cel_odbc writes into a column that takes numbers. */
const TYPES = (
  'CHAN_START CHAN_END HANGUP ANSWER APP_START APP_END BRIDGE_ENTER BRIDGE_EXIT PARK_START PARK_END BLINDTRANSFER ' +
  'ATTENDEDTRANSFER USER_DEFINED LINKEDID_END PICKUP FORWARD LOCAL_OPTIMIZE LOCAL_OPTIMIZE_BEGIN STREAM_BEGIN STREAM_END DTMF'
).split(' ');

export interface CelRow {
  readonly type: string;
  /** As written, ms as if it were UTC, or UTC where the row tells seconds since the epoch. */
  readonly at: number;
  /** True when `at` is UTC in itself. */
  readonly utc: boolean;
  /** True when the row tells whole seconds only. */
  readonly whole: boolean;
  readonly channel: string;
  readonly uniqueid: string;
  readonly linkedid: string;
  readonly context: string;
  readonly exten: string;
  readonly cidnum: string;
  readonly cidname: string;
  readonly cidani: string;
  readonly ciddnid: string;
  readonly appname: string;
  readonly appdata: string;
  readonly peer: string;
  /** The name of a `USER_DEFINED` event. */
  readonly userdeftype: string;
  /** What the event says beyond the columns. */
  readonly extra: Readonly<Record<string, string>>;
}

/** The row, or what is wrong with it. */
export function celRowOf(raw: RawRow): CelRow | WrongColumn {
  const wrong = wrongId(raw);
  if (wrong !== null) return wrong;
  const text = (...names: readonly string[]) => column(raw, ...names);
  const named = text('eventenum') || text('eventtype');
  if (named === '') return { column: 'eventtype', what: 'is empty and not a word like CHAN_START' };
  const type = typeOf(named);
  const time = momentOf(text('eventtime'));
  if (time === null) return { column: 'eventtime', what: TIME_FORM };
  return {
    type: type ?? 'USER_DEFINED',
    ...time,
    channel: text('channame'),
    uniqueid: text('uniqueid'),
    linkedid: text('linkedid'),
    context: text('context'),
    exten: text('exten'),
    cidnum: text('cid_num', 'cidnum'),
    cidname: text('cid_name', 'cidname'),
    cidani: text('cid_ani', 'cidani'),
    ciddnid: text('cid_dnid', 'ciddnid'),
    appname: text('appname'),
    appdata: text('appdata'),
    peer: text('peer'),
    userdeftype: text('userdeftype', 'usereventname') || (type === null ? named : ''),
    extra: extraOf(text('extra', 'eventextra')),
  };
}

/** `null` for a word of the dialplan's own: some backends write the name of a user-defined event in place of its type. */
function typeOf(text: string): string | null {
  if (/^\d+$/.test(text)) return TYPES[Number(text) - 1] ?? text;
  return TYPES.includes(text) ? text : null;
}

/** `dateformat` of cel.conf may be missing: backends that take text write seconds since the epoch then. */
function momentOf(text: string): Pick<CelRow, 'at' | 'utc' | 'whole'> | null {
  const epoch = /^\d{9,11}(\.\d+)?$/.exec(text);
  if (epoch !== null) return { at: Math.floor(Number(text) * 1000), utc: true, whole: epoch[1] === undefined };
  const at = timeIn(text);
  return at === null ? null : { at, utc: false, whole: !text.includes('.') };
}

/** `"name":value` in JSON; values are text or numbers. */
const PAIR = /"(\w+)":(?:"((?:[^"\\]|\\.)*)"|(-?\d+)(?=[,}]))/g;

/** JSON of names and values; a column that is too narrow cuts it, and what stands before the cut is read. */
function extraOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(PAIR)].map(([, name = '', word, number]) => [
      name,
      word?.replace(/\\(.)/g, '$1') ?? number ?? '',
    ]),
  );
}
