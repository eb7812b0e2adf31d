/** The rows that lines of mod_cdr_csv make. */
import { RecordsError } from '../../../../src/records/port.ts';
import { codeOf, isDenied } from '../folder.ts';
import type { SkipTally } from '../skipped.ts';
import { type CsvFile, linesOf, placeIn } from './lines.ts';
import type { localTimes } from './local-time.ts';
import { fileProblem } from './problem.ts';
import { type CsvRow, rowOf, writtenAt } from './row.ts';
import type { Template, Variables } from './template.ts';

export interface RowForm {
  readonly templates: readonly Template[];
  readonly zone: ReturnType<typeof localTimes>;
}

/** No line tells an end that lies further behind the time at which the file was written last, ms. */
const AHEAD_MS = 60_000;

/** Lines that a name with line feeds may make of one row. */
const MOST_LINES = 5;

/**
 * The rows written since (ms since the epoch); returns true when the last line is not whole. Lines that no template knows are counted.
 * Rejects with a `RecordsError` where the file may not be read, or the one that is written to cannot: what it holds is not to be passed over.
 */
export async function* rowsIn(
  file: CsvFile,
  form: RowForm,
  since: number,
  skipped: SkipTally,
): AsyncGenerator<CsvRow, boolean> {
  const latest = file.changedAt + AHEAD_MS;
  const rows = new RowReader(form, file.path, skipped, latest);
  let unfinished = false;
  try {
    const from = await placeIn(file, since, timesBy(form, file.path, skipped, latest));
    // What stands before the first line feed belongs to a line that begins before.
    let partial = from > 0;
    for await (const { text, last } of linesOf(file, from)) {
      if (!partial) yield* rows.take(text);
      unfinished = last && rows.hasRest;
      partial = false;
    }
  } catch (error) {
    const code = codeOf(error);
    if (isDenied(code) || (file.live && code === 'EIO')) throw new RecordsError(fileProblem(file.path, code));
    const why = `${file.path}: cannot be read to its end (${code}); see whether it is damaged or may not be read.`;
    skipped.note(`unread ${code}`, why);
  }
  yield* rows.end(unfinished);
  return unfinished;
}

/** When a line was written, ms since the epoch; `null` for what is no row. */
function timesBy(form: RowForm, place: string, skipped: SkipTally, latest: number): (line: string) => number | null {
  const reader = new RowReader(form, place, skipped, latest);
  return (line) => {
    const row = reader.whole(line);
    return row === null || row.endedAt > latest ? null : writtenAt(row);
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
  readonly #latest: number;
  #before: number | null = null;
  /** Lines that are no row yet. */
  #pending: string[] = [];

  /** `place`: for what is said of lines that are left out. `latest`: when the last leg can have ended, ms since the epoch. */
  constructor({ templates, zone }: RowForm, place: string, skipped: SkipTally, latest = Number.POSITIVE_INFINITY) {
    this.#templates = [...templates];
    this.#zone = zone;
    this.#place = place;
    this.#skipped = skipped;
    this.#latest = latest;
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
    return [...before, ...this.#accepted(row)];
  }

  /** What the last lines hold; `unfinished`: the last one may go on yet. */
  end(unfinished = false): readonly CsvRow[] {
    return this.#drop(this.#pending.length - (unfinished ? 1 : 0));
  }

  whole(line: string): CsvRow | null {
    return this.#first((template) => template.match(line));
  }

  /** Legs that ended after their line was written: the clock was ahead then, and nobody knows by how much. */
  #accepted(row: CsvRow): readonly CsvRow[] {
    if (row.endedAt > this.#latest) {
      const why = `${this.#place}: a line tells an end after it was written; was the clock of the PBX or its zone set?`;
      this.#skipped.note('ahead', why);
      return [];
    }
    this.#before = row.endedAt;
    return [row];
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
      return this.#accepted(row);
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
      // The next line is most likely of the same template.
      if (index > 0) this.#templates.unshift(...this.#templates.splice(index, 1));
      return row;
    }
    return null;
  }
}
