/** What a bench answers: figures beside their baselines, and whether they keep their bars. */

/** What a figure is held against: the ratio to its baseline, or the figure itself. */
export interface Bar {
  readonly on: 'ratio' | 'value';
  readonly most?: number;
  readonly least?: number;
}

/** One figure of a bench. `unit` is that of value and baseline. */
export interface Line {
  readonly measure: string;
  readonly unit: string;
  /** `null`: could not be measured here; `note` says why. */
  readonly value: number | null;
  /** The same in the same run without this program; absent where there is nothing to set beside it. */
  readonly baseline?: number | null;
  /** Absent: shown for information, nothing is asked of it. */
  readonly bar?: Bar;
  readonly note?: string;
}

export interface Options {
  /** All benches together take less than three minutes: fewer events, shorter waits. */
  readonly short: boolean;
  /** For tables and remarks of a bench; says nothing with `--json`. */
  readonly print: (text: string) => void;
  readonly table: (rows: readonly Readonly<Record<string, string | number>>[]) => void;
}

/** What each bench file exports as `run`. */
export type Run = (options: Options) => Promise<readonly Line[]>;

/** A line as `--json` prints it. */
export interface Judged {
  readonly name: string;
  readonly measure: string;
  readonly value: number | null;
  readonly baseline: number | null;
  readonly ratio: number | null;
  readonly bar: string | null;
  /** True also where there is no bar. What could not be measured does not keep one. */
  readonly kept: boolean;
}

/** Holds a line against its bar. `name`: that of the bench. */
export function judged(name: string, line: Line): Judged {
  const { value, baseline = null, bar } = line;
  const ratio = value === null || baseline === null || baseline === 0 ? null : value / baseline;
  const figure = bar?.on === 'ratio' ? ratio : value;
  const kept =
    bar === undefined ||
    (figure !== null &&
      figure <= (bar.most ?? Number.POSITIVE_INFINITY) &&
      figure >= (bar.least ?? Number.NEGATIVE_INFINITY));
  const text = bar === undefined ? null : barText(bar, line.unit);
  const measure = line.unit === '' ? line.measure : `${line.measure}, ${line.unit}`;
  return { name, measure, value: digits(value), baseline: digits(baseline), ratio: digits(ratio), bar: text, kept };
}

function barText({ on, most, least }: Bar, unit: string): string {
  const sides = [most === undefined ? [] : `<= ${most}`, least === undefined ? [] : `>= ${least}`].flat().join(', ');
  return on === 'ratio' ? `ratio ${sides}` : `${sides} ${unit}`.trim();
}

/** Four digits say all that such a figure can say. */
function digits(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}

/** Characters of the column of measures. */
const WIDTH = 84;

/** A line for people. */
export function shown({ measure, value, baseline, ratio, bar, kept }: Judged, note?: string): string {
  const cell = (one: number | null): string =>
    one === null ? '-' : one.toLocaleString('en', { maximumSignificantDigits: 4 });
  const verdict = bar === null ? '' : `${kept ? 'kept' : 'MISSED'} (${bar})`;
  const cells = `${measure.padEnd(WIDTH)} ${cell(value).padStart(10)} ${cell(baseline).padStart(10)} ${cell(ratio).padStart(8)}  ${verdict}`;
  return `${cells.trimEnd()}${note === undefined ? '' : `\n    ${note}`}`;
}

/** Heads the lines of `shown`. */
export const HEADINGS = `${''.padEnd(WIDTH)} ${'value'.padStart(10)} ${'baseline'.padStart(10)} ${'ratio'.padStart(8)}  bar`;
