/** Reads and checks the config file. */
import { resolve } from 'node:path';
import type { z } from 'zod';
import { maskText } from '../src/telephony/mask.ts';
import { checkRules, checkTogether, idleKeys, type Report } from './check.ts';
import { allKeys, keysAt } from './keys.ts';
import { locator } from './locate.ts';
import { ConfigError, describeFound, formatPath, type KeyPath, nearest, type Problem } from './problem.ts';
import { type LoadOptions, readText, tablesOf } from './read.ts';
import { sharedPlaces } from './records.ts';
import { readRenamed } from './renamed.ts';
import { type Config, configSchema, SECRET_KEYS } from './schema.ts';

/**
 * Reads the config file at `path`. The result is frozen. Secrets are not read here: see `sourceSecret` and
 * `leadsquaredSecrets`. Throws `ConfigError` with every problem found.
 */
export function loadConfig(path: string, options: LoadOptions = {}): Config {
  const file = resolve(path);
  return parseConfig(readText(file), file, options);
}

/** The same for a text already read; `file` names it in messages and is where relative paths start from. */
export function parseConfig(text: string, file: string, options: LoadOptions = {}): Config {
  const root = tablesOf(text, file, options);
  const locate = locator(text);
  const problems: Problem[] = [];
  const { notes, asWritten } = readRenamed(root);
  const report: Report = (at, problem) => {
    const written = asWritten(at);
    problems.push({ file, line: locate(written), key: maskText(formatPath(written)), ...problem });
  };
  checkRules(root, report);
  const result = configSchema.safeParse(root);
  for (const issue of result.error?.issues ?? []) reportIssue(issue, root, report);
  if (result.success && options.offline !== true) checkTogether(result.data, report);
  if (!result.success || problems.length > 0) {
    throw new ConfigError(problems.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity)));
  }
  return deepFreeze({
    ...result.data,
    notes: [...notes, ...sharedPlaces(result.data.source), ...idleKeys(result.data)],
  });
}

function reportIssue(issue: z.core.$ZodIssue, root: unknown, report: Report): void {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(configSchema, path, root);
    for (const key of issue.keys) reportUnknown([...path, key], known, root, report);
    return;
  }
  const name = String(path.findLast((part) => typeof part === 'string') ?? '');
  const value = valueAt(root, path);
  const expected = expectation(issue);
  const misplaced = issue.code === 'invalid_key' ? ofTableAbove(path, root) : null;
  report(path, {
    found: value !== undefined && SECRET_KEYS.has(name) ? '[secret]' : describeFound(value),
    expected,
    remedy:
      misplaced ??
      (value === undefined
        ? `Add ${name} ${below(path)}.`
        : `Correct ${maskText(name)}; logcalld.example.toml explains it.`),
  });
}

function reportUnknown(path: KeyPath, known: readonly string[], root: unknown, report: Report): void {
  const key = String(path.at(-1));
  const guess = nearest(key, known);
  const elsewhere = ofTableAbove(path, root) ?? (guess === null ? ofAnotherTable(key) : null);
  report(path, {
    found: maskText(`the unknown key ${key}`),
    expected: guess === null ? `one of ${known.join(', ')}` : `a key that exists`,
    remedy: elsewhere ?? (guess === null ? 'Take it out.' : `Did you mean ${guess}?`),
  });
}

/** TOML has no end of a table: what is added at the end of one belongs to the last table in it. */
function ofTableAbove(path: KeyPath, root: unknown): string | null {
  const key = String(path.at(-1));
  for (let length = path.length - 2; length > 0; length -= 1) {
    const above = path.slice(0, length);
    if (!keysAt(configSchema, above, root).includes(key)) continue;
    return `${key} is a key of ${tableName(above)}: move it up, before the first table below that.`;
  }
  return null;
}

function ofAnotherTable(key: string): string | null {
  const paths = allKeys(configSchema).filter((path) => path.split('.').at(-1) === key);
  return paths.length === 1 ? `Is ${paths[0]} meant?` : null;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return `as the key: ${issue.issues[0]?.message ?? issue.message}`;
  if (issue.code === 'invalid_type' && /^Invalid input/.test(issue.message)) {
    return issue.expected === 'object' ? 'a table' : `a value of type ${issue.expected}`;
  }
  return issue.message;
}

function below(path: KeyPath): string {
  const table = path.slice(0, -1);
  return table.length === 0 ? 'at the end of the file' : `below ${tableName(table)}`;
}

function tableName(path: KeyPath): string {
  const name = path.filter((part) => typeof part === 'string').join('.');
  return typeof path.at(-1) === 'number' ? `[[${name}]]` : `[${name}]`;
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (here, part) => (typeof here === 'object' && here !== null ? Reflect.get(here, part) : undefined),
    root,
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
