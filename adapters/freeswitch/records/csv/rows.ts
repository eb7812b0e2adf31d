/** The rows that lines of mod_cdr_csv make. */
import { codeOf } from '../folder.ts';
import type { SkipTally } from '../skipped.ts';
import { type CsvFile, linesOf, placeIn } from './lines.ts';
import type { localTimes } from './local-time.ts';
import { type CsvRow, rowOf, writtenAt } from './row.ts';
import type { Template, Variables } from './template.ts';

export interface RowForm {
  readonly templates: readonly Template[];
  readonly zone: ReturnType<typeof localTimes>;
}

/** Lines that a name with line feeds may make of one row. */
const MOST_LINES = 5;

/**
 * The rows written since (ms since the epoch); returns true when the last line is not whole. Lines that no template knows are counted.
 */
export async function* rowsIn(
  file: CsvFile,
  form: RowForm,
  since: number,
  skipped: SkipTally,
): AsyncGenerator<CsvRow, boolean> {
  const rows = new RowReader(form, file.path, skipped);
  let unfinished = false;
  try {
    const from = await placeIn(file, since, timesBy(form, file.path, skipped));
    // What stands before the first line feed belongs to a line that begins before.
    let partial = from > 0;
    for await (const { text, last } of linesOf(file, from)) {
      if (!partial) yield* rows.take(text);
      unfinished = last && rows.hasRest;
      partial = false;
    }
  } catch (error) {
    const why = `${file.path}: cannot be read to its end (${codeOf(error)}); see whether it is damaged or may not be read.`;
    skipped.note(`unread ${codeOf(error)}`, why);
  }
  yield* rows.end(unfinished);
  return unfinished;
}

/** When a line was written, ms since the epoch; `null` for what is no row. */
function timesBy(form: RowForm, place: string, skipped: SkipTally): (line: string) => number | null {
  const reader = new RowReader(form, place, skipped);
  return (line) => {
    const row = reader.whole(line);
    return row === null ? null : writtenAt(row);
  };
}

/**
 * Makes rows of lines. A line that was cut off may have another one behind it: where a full disk has ended it, FreeSWITCH goes on when
 * there is room again.
 */
export class RowReader {
  readonly #templates: Template[];
  readonly #zone: RowForm['zone'];
  readonly #place: string;
  readonly #skipped: SkipTally;
  #before: number | null = null;
  /** Lines that are no row yet. */
  #pending: string[] = [];

  /** `place`: for what is said of lines that are left out. */
  constructor({ templates, zone }: RowForm, place: string, skipped: SkipTally) {
    this.#templates = [...templates];
    this.#zone = zone;
    this.#place = place;
    this.#skipped = skipped;
  }

  /** True when the last line was no row, nor the end of one. */
  get hasRest(): boolean {
    return this.#pending.length > 0;
  }

  take(line: string): readonly CsvRow[] {
    this.#pending.push(line);
    const joined = this.whole(this.#pending.join('\n'));
    const row = joined ?? (this.#pending.length > 1 ? this.whole(line) : null);
    if (row === null) return this.#pending.length < MOST_LINES ? [] : this.#drop(1);
    const before = joined === null ? this.#drop(this.#pending.length - 1) : [];
    this.#pending = [];
    return [...before, row];
  }

  /** What the last lines hold; `unfinished`: the last one may go on yet. */
  end(unfinished = false): readonly CsvRow[] {
    return this.#drop(this.#pending.length - (unfinished ? 1 : 0));
  }

  whole(line: string): CsvRow | null {
    return this.#first((template) => template.match(line));
  }

  #drop(count: number): readonly CsvRow[] {
    return this.#pending.splice(0, Math.max(count, 0)).flatMap((line) => this.#salvaged(line));
  }

  #salvaged(line: string): readonly CsvRow[] {
    if (line.trim() === '') return [];
    const row = this.#first((template) => template.matchEnd(line));
    const place = this.#place;
    if (row !== null) {
      this.#skipped.note('cut', `${place}: a line is cut off; was the disk full? The one behind it was read.`);
      return [row];
    }
    const why = `${place}: a line is cut off or of no template that is known; set template as in cdr_csv.conf.xml.`;
    this.#skipped.note('foreign', why);
    return [];
  }

  #first(match: (template: Template) => Variables | null): CsvRow | null {
    for (const [index, template] of this.#templates.entries()) {
      const variables = match(template);
      const row = variables === null ? null : rowOf(variables, template, this.#zone, this.#before);
      if (row === null) continue;
      this.#before = row.endedAt;
      // The next line is most likely of the same template.
      if (index > 0) this.#templates.unshift(...this.#templates.splice(index, 1));
      return row;
    }
    return null;
  }
}
