/** Telephone numbers in logs: enough to recognise one's own call, too little to call back. */
import { digitsOf, NUMBERS } from './written.ts';

/** Digits of numbers that are masked at all: shorter ones are extensions and service numbers. */
const MIN_DIGITS = 7;
const SHOWN = 4;

/** `+91-9845012345` to `***2345`; a text of fewer than 7 digits stays as it is. */
export function maskNumber(number: string): string {
  const digits = digitsOf(number);
  return digits.length < MIN_DIGITS ? number : `***${digits.slice(-SHOWN).join('')}`;
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

/** Masks every telephone number in a text, however it is written (`written.ts`); what is none by its form stays: UUIDs, dates, ids. */
export function maskText(text: string): string {
  if (!mayHoldNumber(text)) return text;
  return text.replace(NUMBERS, (run, keep: string | undefined) => keep ?? maskNumber(run));
}

/** False for what surely holds none: most lines do not, and to compile the pattern takes 13 ms and 1.6 MB. */
function mayHoldNumber(text: string): boolean {
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // Digits of other scripts are the pattern's.
    if (code > 0x7f) return true;
    if (code >= 0x30 && code <= 0x39) digits += 1;
    if (digits === MIN_DIGITS) return true;
  }
  return false;
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
