/** The file that says which CRM user takes the calls of which extension. */
import { readFileSync } from 'node:fs';
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { maskText } from '../src/telephony/mask.ts';
import { ConfigError, nearest, type Problem } from './problem.ts';
import { FOUND, letRead, refuseUtf16 } from './read.ts';

export interface UserMapping {
  /** Extension (or other agent number) as the PBX has it. */
  readonly extension: string;
  /** E-mail address or id of the CRM's user. */
  readonly user: string;
  /** Name of the source the extension belongs to; `null`: any. */
  readonly source: string | null;
  /** Domain of the tenant the extension belongs to; `null`: any, as long as no line for the extension has one. */
  readonly domain: string | null;
  /** Where it ends in the file, counted from 1. */
  readonly line: number;
}

const columns = ['extension', 'user', 'source', 'domain', 'name'] as const;

const rowSchema = z.object({
  record: z.record(z.string(), z.string()),
  info: z.object({ lines: z.number() }),
});

/** Reads `users.csv`. Throws `ConfigError` with every problem found. */
export function loadUsers(file: string, sources: readonly string[] = []): readonly UserMapping[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    const helps =
      code === 'EACCES'
        ? letRead(file)
        : { remedy: 'Correct [leadsquared.user] file, or make the file from users.example.csv.' };
    const found = problem(file, null, '', FOUND[code] ?? code, 'a readable file', helps.remedy);
    throw new ConfigError([{ ...found, ...helps }]);
  }
  return parseUsers(text, file, sources);
}

/** The same for a text already read. `sources`: names of the configured PBXs, to find misspelt ones. */
export function parseUsers(text: string, file: string, sources: readonly string[] = []): readonly UserMapping[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const users: UserMapping[] = [];
  for (const { record, info } of rows(text, file)) {
    const extension = record.extension?.trim() ?? '';
    const user = record.user?.trim() ?? '';
    const source = record.source?.trim() || null;
    const domain = record.domain?.trim() || null;
    const report = (key: string, found: string, expected: string, remedy: string): void => {
      problems.push(problem(file, info.lines, key, found, expected, remedy));
    };
    if (extension === '') report('extension', 'nothing', 'an extension', 'Write it, or take the line out.');
    const [name = '', tenant] = extension.split('@');
    if (tenant !== undefined)
      report(
        'extension',
        extension,
        'an extension without its domain',
        `Write ${name} here, and ${tenant} into the column domain.`,
      );
    if (user === '') report('user', 'nothing', 'an e-mail address or user id', 'Write it, or take the line out.');
    if (source !== null && sources.length > 0 && !sources.includes(source)) {
      const guess = nearest(source, sources);
      report(
        'source',
        source,
        `one of ${sources.join(', ')}`,
        guess === null ? 'Correct it.' : `Did you mean ${guess}?`,
      );
    }
    const identity = JSON.stringify([source, domain?.toLowerCase(), extension]);
    const first = seen.get(identity);
    if (first !== undefined)
      report('extension', extension, 'each extension once', `Line ${first} has it too; keep one.`);
    seen.set(identity, first ?? info.lines);
    users.push(Object.freeze({ extension, user, source, domain, line: info.lines }));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(users);
}

function rows(text: string, file: string): readonly z.infer<typeof rowSchema>[] {
  refuseUtf16(text, file);
  try {
    // One kind of line end: the parser takes that of the first line for all, and counts lines by it.
    const parsed: unknown = parse(text.replace(/\r\n?/g, '\n'), {
      bom: true,
      comment: '#',
      comment_no_infix: true,
      columns: (header: readonly string[]) => checkHeader(header, file),
      info: true,
      // What a line leaves out at its end is empty.
      relax_column_count_less: true,
      skip_empty_lines: true,
      trim: true,
    });
    return z.array(rowSchema).parse(parsed);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? error.lines : null;
    if (error.code === 'CSV_RECORD_INCONSISTENT_COLUMNS') {
      const remedy = 'Take the comma out that is too many, or put a field with a comma in it into double quotes.';
      throw new ConfigError([problem(file, line, '', 'more fields than columns', 'those of the first line', remedy)]);
    }
    throw new ConfigError([
      problem(file, line, '', error.message, 'CSV with commas', 'Compare the line with users.example.csv.'),
    ]);
  }
}

function checkHeader(header: readonly string[], file: string): string[] {
  const names = header.map((name) => name.toLowerCase());
  const wrong = (key: string, found: string, expected: string, remedy: string): Problem =>
    problem(file, 1, key, found, expected, remedy);
  if (names.some((name) => /[;\t]/.test(name)))
    throw new ConfigError([wrong('', 'semicolons or tabs', 'commas', 'Save it as CSV (comma delimited).')]);
  const known = `columns out of ${columns.join(', ')}`;
  const problems = [...new Set(names)].flatMap((name) => {
    if (name === '')
      return wrong('', 'a column without a name', known, 'Take the comma at the end out, or name the column.');
    if (names.filter((one) => one === name).length > 1)
      return wrong(name, `several columns ${name}`, 'each column once', 'Keep one of them.');
    if (columns.some((column) => column === name)) return [];
    const guess = nearest(name, columns);
    const remedy = guess === null ? 'Take it out.' : `Did you mean ${guess}?`;
    return wrong(name, `the unknown column ${name}`, known, remedy);
  });
  for (const name of ['extension', 'user']) {
    if (!names.includes(name)) {
      problems.push(wrong(name, 'no such column', `a first line with ${columns.join(',')}`, `Add the column ${name}.`));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return names;
}

function problem(
  file: string,
  line: number | null,
  key: string,
  found: string,
  expected: string,
  remedy: string,
): Problem {
  return { file, line, key, found: maskText(found), expected, remedy };
}
