/** How a telephone number stands in a text, however somebody wrote it. */
import type { CallRecord } from '../../../src/call/record.ts';

/** What a record says in words, in which a number may stand: its times are none, though they may end with the same digits, nor is its id. */
export function wordsOf(record: CallRecord): string {
  const text = JSON.stringify(record, (_, value: unknown) => (typeof value === 'number' ? null : value));
  return text.replaceAll(record.callSessionId, '');
}

/** What stands between the digits of a number, also in an URL. */
const BETWEEN = '(?:[ ().\\-]|%20|%2[89D])';
/** So many of these at most. */
const MOST = 2;

/** Every place at which a text names the number. Digits with a point and more digits behind them are an id of Asterisk. */
export function naming(digits: string): RegExp {
  return new RegExp(`${[...digits].join(`${BETWEEN}{0,${MOST}}`)}(?!\\.?\\d)`, 'g');
}

/** A number has no more digits (E.164). */
const LONGEST = 15;
const PARTS = new RegExp(`(\\d)(?!\\.?\\d)|(\\d)|(${BETWEEN})|[^]`, 'g');

/**
 * Digits that stand together, wherever a number may end: `naming(digits)` finds something where one of these ends with `digits`, each
 * cut to its last 15.
 */
export function* runsOfDigits(text: string): Generator<string> {
  let run = '';
  let between = 0;
  for (const [part, last, digit] of text.matchAll(PARTS)) {
    const value = last ?? digit;
    if (value !== undefined) {
      run = between > MOST ? value : `${run}${value}`.slice(-LONGEST);
      between = 0;
      if (last !== undefined) yield run;
    } else if (part.length > 1 || ' ().-'.includes(part)) between += 1;
    else {
      run = '';
      between = 0;
    }
  }
}
