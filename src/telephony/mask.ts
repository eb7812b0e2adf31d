/** Telephone numbers in logs: enough to recognise one's own call, too little to call back. */

/** Digits of numbers that are masked at all: shorter ones are extensions and service numbers. */
const MIN_DIGITS = 7;
const SHOWN = 4;

/** `+91-9845012345` to `***2345`; a text of fewer than 7 digits stays as it is. */
export function maskNumber(number: string): string {
  const digits = number.replace(/\D/g, '');
  return digits.length < MIN_DIGITS ? number : `***${digits.slice(-SHOWN)}`;
}

const MAX_SHAPE = 24;

/** The form of a number without the number: `9845012345` to `98xxxxxxxx`, `1234#9845012345` to `12xx#xxxxxxxxxx`. */
export function shapeOf(number: string): string {
  let shown = 0;
  const shape = number.replace(/[\p{L}\p{N}]/gu, (sign) => {
    if (!/\d/.test(sign)) return 'x';
    shown += 1;
    return shown <= 2 ? sign : 'x';
  });
  return shape.length > MAX_SHAPE ? `${shape.slice(0, MAX_SHAPE)}...` : shape;
}

/** The count at the end of a channel's name (`PJSIP/1001-0000002a`): no part of a number that stands before it. */
const COUNT = /(?<=\/[^\s/]{1,80})-0[\da-f]{7}\b/;

/** The end of a call's id (`pbx1-1795345539.33`): no part of a number, though a digit may stand before it. */
const CALL = /(?<=\b[a-z][\w-]{0,60})-1\d{9}\.\d+\b/;

/** What is no telephone number by its form. */
const KEPT: readonly RegExp[] = [
  // A UUID.
  /\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/,
  // A date, with or without a time; the same without colons.
  /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?/,
  /\b20\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])[T-](?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ?\b/,
  // An id of Asterisk: its second since the epoch, and a count.
  /(?<![\d.])1\d{9}\.\d+\b/,
  COUNT,
  // A count of bytes or time; a process, a port.
  /(?<![\d+(] ?-?)\b\d{7,}(?= (?:bytes|ms)\b)/,
  /(?<=\b(?:pid|process|port) )\d{7,}\b/,
];

/** With `+`, and without. */
const NUMBERS = [/\+\d(?:[ ()-]{0,2}\d){6,}/, new RegExp(`\\d(?:(?!${COUNT.source}|${CALL.source})[ -]?\\d){6,}`)];

/** What is kept comes first, so that it is stepped over. */
const sources = (patterns: readonly RegExp[]): string => patterns.map(({ source }) => source).join('|');
const runs = new RegExp(`(?<keep>${sources(KEPT)})|${sources(NUMBERS)}`, 'gi');

/** Masks every run of 7 or more digits in a text; what is no telephone number by its form stays: UUIDs, dates, ids of channels. */
export function maskText(text: string): string {
  return text.replace(runs, (run, keep: string | undefined) => keep ?? maskNumber(run));
}

/** A telephone number that shows itself masked wherever it is printed; the log shows it whole only if told to. */
export class Phone {
  readonly #number: string;

  constructor(number: string) {
    this.#number = number;
  }

  reveal(): string {
    return this.#number;
  }

  toString(): string {
    return maskNumber(this.#number);
  }

  toJSON(): string {
    return maskNumber(this.#number);
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return maskNumber(this.#number);
  }
}
