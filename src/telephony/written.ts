/**
 * How telephone numbers are written in text, and what else is made of digits. A number is seven digits or more of any script, alone
 * or in groups: `+91-98450-12345`, `98450.12345`, `(080) 4111 0033`, `030 / 123 45 67`. Where a form could be both, the one that stands
 * in KEPT wins: `98.45.12.34` is an address.
 */

/** Digits of what counts as a number at all: shorter ones are extensions and service numbers. */
export const MIN_DIGITS = 7;

/** A digit of any script. */
const DIGIT = String.raw`\p{Nd}`;

const BLANKS_AND_HYPHENS = String.raw`[\p{Zs}\p{Pd}\p{Default_Ignorable_Code_Point}\u2212\u00b7/\uff0f]|%2[089DF]`;
/** What may stand between two groups: nothing, some blanks, hyphens and slashes, or a dot, as such or in a URL. */
const GAP = String.raw`(?:(?:${BLANKS_AND_HYPHENS}){0,4}|[.\uff0e]|%2E)`;

/** No digit stands before this, nor a plus. */
const FIRST = String.raw`(?<!${DIGIT}[)\uff09]?${GAP}|\+)`;

/** The digits of a number; those that stand for another sign, as `%20`, are none. */
export const digitsOf = (number: string): readonly string[] =>
  [...number.matchAll(/%2[\da-f]|(?<digit>\p{Nd})/giu)].flatMap(({ groups }) => groups?.digit ?? []);

/** Brackets belong to a number when nothing but a group of its digits is in them, and it goes on: `(0)`, `(+91)`, `(0 30)`. */
const GROUP = String.raw`[+\uff0b]?${DIGIT}(?: ?${DIGIT}){0,6}`;
const ON = String.raw`${GAP}[(\uff08]?${DIGIT}`;
const OPEN = String.raw`(?:[(\uff08](?=${GROUP}[)\uff09]${ON}))`;
const CLOSE = String.raw`(?:(?<=[(\uff08]${GROUP})[)\uff09](?=${ON}))`;
const PLACE = `${OPEN}?${DIGIT}${CLOSE}?`;

/** Begins a number that is written for the whole world. */
const ABROAD = String.raw`${OPEN}?(?:(?:[+\uff0b]|%2B)${GAP}|(?<!${DIGIT})(?=00))`;

/** The count at the end of a channel's name (`PJSIP/1001-0000002a`): no part of a number that stands before it. */
const COUNT = String.raw`(?<=\/[^\s/]{1,80})-0[\da-f]{7}\b`;
/** The end of a call's id (`pbx1-1795345539.33`): no part of a number, though a digit may stand before it. */
const CALL = String.raw`(?<=\b[a-z][\w-]{0,60})-1\d{9}\.\d+\b`;

const UUID = String.raw`\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b`;
/** An id of Asterisk: its second since the epoch, and a count. */
const ID = String.raw`(?<![\d.])1\d{9}\.\d+\b`;

const HOUR = '(?:[01]\\d|2[0-3])';
const TIME = String.raw`(?<!\d)${HOUR}:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?![\d:])`;
const YEAR = '(?:19|20)\\d\\d';
const MONTH = '(?:0[1-9]|1[0-2])';
const DAY = '(?:0[1-9]|[12]\\d|3[01])';
const OF_DAY = String.raw`${HOUR}:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]${HOUR}:?[0-5]\d)?`;
/** The signs between the parts of a date are the same. */
const DATES = ['-', '/', '\\.'].flatMap((sign) => [
  `${YEAR}${sign}${MONTH}${sign}${DAY}`,
  `${DAY}${sign}${MONTH}${sign}${YEAR}`,
]);
/** With or without a time. */
const DATE = String.raw`(?<!\d)(?:${DATES.join('|')})(?:(?:[T-]| (?=\d\d:))${OF_DAY})?(?!\d|[.-]\d)`;
/** Date and time without signs, as in names of files. */
const MOMENT = String.raw`\b20\d\d${MONTH}${DAY}[T-]${HOUR}[0-5]\d[0-5]\dZ?\b`;

const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const ADDRESS = String.raw`(?<![\d.])${OCTET}(?:\.${OCTET}){3}(?:\/\d{1,2}|:\d{1,5})?(?!\d|\.\d|-\d{1,3}(?![\d.]))`;
const PART = '(?:0|[1-9]\\d?)';
/** Of a program, or of a kernel as its package names it: `6.8.0-1021`. */
const VERSION = String.raw`${FIRST}${PART}(?:\.${PART}){2}(?:-\d{1,4})?(?![.-]?\d)`;

/** A count of bytes, or a length up to some days: longer ones would have the digits of a number. */
const AMOUNT = String.raw`${FIRST}\b(?:0|[1-9]\d{0,8})(?:\.\d{1,3})?(?= (?:bytes|ms)\b)`;
/** At most 4194304 (`pid_max` of proc(5)). */
const PROCESS = String.raw`(?<=\b(?:pid|process) )\d{7}\b(?!${GAP}${DIGIT})`;

/** What is seen at once to be no number, also behind some digits and a blank. */
const APART = [UUID, DATE, TIME, ID, ADDRESS].join('|');
const KEPT = [UUID, DATE, TIME, MOMENT, ID, ADDRESS, VERSION, COUNT, AMOUNT, PROCESS].join('|');

/** Seven digits; as many more as there are, up to what is kept. `not`: what does not follow within the seven. */
const number = (not: string): string =>
  `${PLACE}(?:(?!${not})${GAP}${PLACE}){6}(?:(?!${COUNT}|${CALL}|${GAP}(?:${KEPT}))${GAP}${PLACE})*`;

let compiled: RegExp | null = null;

/**
 * Finds numbers and, named `keep`, what is made of digits and is none: that comes first, so that it is stepped over.
 * Groups of one number that has its country before it are never an address or a date. Made when it is first asked for, which takes
 * 20 ms of CPU and 1.6 MB.
 */
export function numbersPattern(): RegExp {
  compiled ??= new RegExp(
    [
      `(?<keep>${KEPT})`,
      `${ABROAD}${number(`${COUNT}|${CALL}`)}`,
      `${OPEN}?${number(`${COUNT}|${CALL}| {1,2}(?:${APART})`)}`,
    ].join('|'),
    'giu',
  );
  return compiled;
}

/** An address that stands behind a word or a sign, so that no number reaches into it. */
const PLAIN_ADDRESS = new RegExp(`(?<=(?:^|[acg-z"'=[]) ?)${ADDRESS}`, 'gi');
/** ASCII signs that may stand between two digits of a number, the letters of `%2D`, `%2E`, `%2F`, `%2B` included. */
const WITHIN = new Set([...' -/.()+%DEFBdefb'].map((sign) => sign.charCodeAt(0)));

/** False for what surely holds no number: so it is with most texts, which need not be searched by the pattern. */
export function mayHoldNumber(text: string): boolean {
  const rest = text.includes('.') ? text.replace(PLAIN_ADDRESS, '_') : text;
  let digits = 0;
  for (let at = 0; at < rest.length; at += 1) {
    const code = rest.charCodeAt(at);
    // Digits of other scripts are the pattern's.
    if (code > 0x7f) return true;
    if (code >= 0x30 && code <= 0x39) digits += 1;
    else if (!WITHIN.has(code)) digits = 0;
    if (digits === MIN_DIGITS) return true;
  }
  return false;
}
