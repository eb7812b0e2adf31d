/** Reads and checks the config file. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { checkRules, isTable, type Report } from './check.ts';
import { keysAt } from './keys.ts';
import { locator } from './locate.ts';
import { ConfigError, describeFound, formatPath, type KeyPath, nearest, type Problem } from './problem.ts';
import { readRenamed } from './renamed.ts';
import { type Config, configSchema } from './schema.ts';

export interface LoadOptions {
  /** Environment of the process; `STATE_DIRECTORY` (set by systemd) moves the default database. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

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
  const root = parseToml(text, file);
  const locate = locator(text);
  const problems: Problem[] = [];
  const report: Report = (at, problem) => {
    problems.push({ file, line: locate(at), key: formatPath(at), ...problem });
  };
  placeDatabase(root, options.env?.STATE_DIRECTORY);
  resolvePaths(root, dirname(file));
  const notes = readRenamed(root);
  checkRules(root, report);
  const result = configSchema.safeParse(root);
  for (const issue of result.error?.issues ?? []) reportIssue(issue, root, report);
  if (!result.success || problems.length > 0) {
    throw new ConfigError(problems.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity)));
  }
  return deepFreeze({ ...result.data, notes });
}

const FOUND: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'a file that may not be read',
  EISDIR: 'a folder',
};

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    const remedy =
      code === 'ENOENT'
        ? 'Copy config/logcalld.example.toml there and edit it, or name another file with --config.'
        : `Let the user of the daemon read it, e.g. chgrp logcalld ${file} && chmod 640 ${file}.`;
    throw new ConfigError([
      { file, line: null, key: '', found: FOUND[code] ?? code, expected: 'a readable file', remedy },
    ]);
  }
}

function parseToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of the message quotes the line, which may hold a secret.
    const reason = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
    throw new ConfigError([
      {
        file,
        line: error.line,
        key: '',
        found: reason,
        expected: 'TOML',
        remedy: 'Compare the line with logcalld.example.toml: texts stand in quotes, tables in [brackets].',
      },
    ]);
  }
}

function placeDatabase(root: Record<string, unknown>, stateDirectory: string | undefined): void {
  const directory = stateDirectory?.split(':')[0];
  if (directory === undefined || directory === '') return;
  root.storage ??= {};
  if (isTable(root.storage) && root.storage.path === undefined) {
    root.storage = { ...root.storage, path: resolve(directory, 'logcalld.db') };
  }
}

/** Relative file names count from the folder of the config file, not from where the program was started. */
function resolvePaths(table: Record<string, unknown>, directory: string): void {
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === 'string' && (key === 'file' || key === 'path' || key.endsWith('_file'))) {
      table[key] = value.trim() === '' ? value : resolve(directory, value);
    }
    const tables = Array.isArray(value) ? value : [value];
    for (const inner of tables) if (isTable(inner)) resolvePaths(inner, directory);
  }
}

function reportIssue(issue: z.core.$ZodIssue, root: unknown, report: Report): void {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(configSchema, path, root);
    for (const key of issue.keys) reportUnknown([...path, key], known, report);
    return;
  }
  const name = String(path.findLast((part) => typeof part === 'string') ?? '');
  const value = valueAt(root, path);
  const expected = expectation(issue);
  report(path, {
    found: describeFound(name, value),
    expected,
    remedy: value === undefined ? `Add ${name} ${below(path)}.` : `Correct ${name}; logcalld.example.toml explains it.`,
  });
}

function reportUnknown(path: KeyPath, known: readonly string[], report: Report): void {
  const key = String(path.at(-1));
  const guess = nearest(key, known);
  report(path, {
    found: `the unknown key ${key}`,
    expected: guess === null ? `one of ${known.join(', ')}` : `a key that exists`,
    remedy: guess === null ? 'Take it out.' : `Did you mean ${guess}?`,
  });
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return `as the key: ${issue.issues[0]?.message ?? issue.message}`;
  if (issue.code === 'invalid_type' && /^Invalid input/.test(issue.message)) {
    return issue.expected === 'object' ? 'a table' : `a value of type ${issue.expected}`;
  }
  return issue.message;
}

function below(path: KeyPath): string {
  const table = path
    .slice(0, -1)
    .filter((part) => typeof part === 'string')
    .join('.');
  if (table === '') return 'at the end of the file';
  return typeof path.at(-2) === 'number' ? `below [[${table}]]` : `below [${table}]`;
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
