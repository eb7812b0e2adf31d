/** What is wrong with a config file, all of it at once, each with what to do about it. */
import { inspect } from 'node:util';
import { Redactor, withoutLogin } from '../src/secret.ts';
import { maskText } from '../src/telephony/mask.ts';

export interface Problem {
  readonly file: string;
  /** Line in the file, counted from 1; `null` when the key is not there. */
  readonly line: number | null;
  /** Path of the key, e.g. `leadsquared.limit.requests` or `source[0].host`, numbers in it masked; empty for the file as a whole. */
  readonly key: string;
  /** What stands there; never a secret, nor a whole telephone number. */
  readonly found: string;
  readonly expected: string;
  readonly remedy: string;
  /** What to type for it, where that is known. */
  readonly commands?: readonly string[];
}

/** One problem as one line for a terminal. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}`;
  const key = problem.key === '' ? '' : ` ${problem.key}:`;
  return `${place}:${key} found ${problem.found}, expected ${problem.expected}. ${problem.remedy}`;
}

/** Thrown by `loadConfig`; its message is the list of problems, one a line. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export type KeyPath = readonly (string | number)[];

export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Of values that were pasted with the keys in them. */
const keys = new Redactor();

/**
 * The value found at a key, short, without whole telephone numbers and what is in tables, which may be secrets. Whoever asks knows that
 * the key itself is not that of one.
 */
export function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Date) return 'a date or time without quotes';
  if (Array.isArray(value) && value.some(isInner)) return 'a list of tables or lists';
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return 'a table';
  const text = inspect(shown(value), { depth: 1, breakLength: Infinity, maxArrayLength: 5 });
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const isInner = (value: unknown): boolean => typeof value === 'object' && value !== null && !(value instanceof Date);

/** Before it is cut: half a secret would not be recognised any more. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') return maskText(keys.redact(withoutLogin(value)));
  return Array.isArray(value) ? value.map(shown) : value;
}

/** The known name nearest to a misspelt one, `null` when none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, steps: editDistance(name.toLowerCase().replaceAll('-', '_'), candidate) }))
    .sort((a, b) => a.steps - b.steps);
  const best = ranked[0];
  return best !== undefined && best.steps <= Math.min(3, Math.max(1, Math.floor(name.length / 2)))
    ? best.candidate
    : null;
}

/** Letters to insert, remove, exchange or swap with their neighbour to make one word of the other (Damerau-Levenshtein). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const exchanged = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      const swapped = i > 0 && j > 0 && a[i] === b[j - 1] && a[i - 1] === b[j] ? (before[j - 1] ?? 0) + 1 : Infinity;
      next.push(Math.min(exchanged, swapped, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** A table of the TOML file, by key. */
export type Table = Readonly<Record<string, unknown>>;

/** Dates of TOML are objects, too. */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
