/**
 * The config file as tables, before anything in it is checked; and the one value that a command needs to find the running
 * daemon, which has checked its config itself.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { ConfigError, isTable, type Problem } from './problem.ts';

/** Where the database is unless the config or systemd says otherwise. */
export const DEFAULT_DATABASE = '/var/lib/logcalld/logcalld.db';

export interface LoadOptions {
  /** Environment of the process; `STATE_DIRECTORY` (set by systemd) moves the default database. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Nothing is connected by it: it only says how what was written down is read. */
  readonly offline?: boolean;
}

/**
 * Where the database is: what `loadConfig` says for a good config. `null` when what stands there is wrong: `loadConfig` tells
 * it together with all else. Throws `ConfigError` when the file cannot be read, or is no TOML.
 */
export function databaseOf(path: string, options: LoadOptions = {}): string | null {
  const file = resolve(path);
  const { storage = {} } = tablesOf(readText(file), file, options);
  if (!isTable(storage)) return null;
  const { path: database = DEFAULT_DATABASE } = storage;
  return typeof database === 'string' && database.trim() !== '' ? database.trim() : null;
}

/** The tables of a text: file names are absolute, the database is where systemd wants it. `file`: for messages and relative names. */
export function tablesOf(text: string, file: string, options: LoadOptions): Record<string, unknown> {
  const root = parseToml(text, file);
  placeDatabase(root, options.env?.STATE_DIRECTORY);
  resolvePaths(root, dirname(file));
  return root;
}

/** What stands where a file should be, by the code of the error. */
export const FOUND: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'a file that may not be read',
  EISDIR: 'a folder',
};

/** What helps where the daemon may not read a file of its config. */
export function letRead(file: string): { readonly remedy: string; readonly commands: readonly string[] } {
  return {
    remedy: `Let the user of the daemon read it, e.g. chgrp logcalld ${file} && chmod 640 ${file}.`,
    commands: [`sudo chgrp logcalld ${file}`, `sudo chmod 640 ${file}`],
  };
}

/** Throws `ConfigError` with what to do. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw new ConfigError([
      { file, line: null, key: '', found: FOUND[code] ?? code, expected: 'a readable file', ...helpsAfter(code, file) },
    ]);
  }
}

/** What is no file is given no other rights: those of a file would shut a folder off. */
function helpsAfter(code: string, file: string): Pick<Problem, 'remedy' | 'commands'> {
  if (code === 'EACCES') return letRead(file);
  if (code === 'EISDIR') return { remedy: `Name the file in it, e.g. --config ${join(file, 'logcalld.toml')}.` };
  return { remedy: 'Make it with "logcalld init", or name another file with --config.' };
}

/** Editors of Windows may save so; what comes of it as UTF-8 is called many things, and never that. */
export function refuseUtf16(text: string, file: string): void {
  if (!text.includes('\0')) return;
  const problem = { found: 'UTF-16, or a file that is no text', expected: 'UTF-8', remedy: 'Save it as UTF-8.' };
  throw new ConfigError([{ file, line: null, key: '', ...problem }]);
}

/** What smol-toml says where a text goes on beyond its line or the file. */
const UNCLOSED = /control characters are not allowed in strings|unfinished string/;

function parseToml(text: string, file: string): Record<string, unknown> {
  refuseUtf16(text, file);
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of the message quotes the line, which may hold a secret.
    const told = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
    const reason = UNCLOSED.test(told)
      ? 'a quote that is not closed, or a line break or control character in a text'
      : told;
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

/** Tables whose keys are the administrator's own: no name means anything there. */
export const FREE_TABLES: ReadonlySet<string> = new Set(['direct_lines', 'agent_mobiles', 'agent_numbers', 'extra']);

/** Relative file names count from the folder of the config file, not from where the program was started. */
function resolvePaths(table: Record<string, unknown>, directory: string): void {
  for (const [key, value] of Object.entries(table)) {
    if (FREE_TABLES.has(key)) continue;
    if (typeof value === 'string' && /^(?:.*_)?(?:file|folder|path)$/.test(key)) {
      table[key] = value.trim() === '' ? value : resolve(directory, value.trim());
    }
    const tables = Array.isArray(value) ? value : [value];
    for (const inner of tables) if (isTable(inner)) resolvePaths(inner, directory);
  }
}
