/** Telephone numbers in logs: enough to recognise one's own call, too little to call back. */
import { digitsOf, MIN_DIGITS, mayHoldNumber, numbersPattern } from './written.ts';

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
  return text.replace(numbersPattern(), (run, keep: string | undefined) => keep ?? maskNumber(run));
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
