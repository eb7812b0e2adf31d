/** The rows of a file of mod_cdr_csv. */

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
 * The rows written since (ms since the epoch); returns true when the last line is not whole. Lines that no template knows are counted. A
 * line that was cut off may have another one behind it: where a full disk has ended it, FreeSWITCH goes on when there is room again.
 */
export async function* rowsIn(
  file: CsvFile,
  form: RowForm,
  since: number,
  skipped: SkipTally,
): AsyncGenerator<CsvRow, boolean> {
  const reader = new RowReader(form);
  let pending: string[] = [];
  const drop = (count: number): CsvRow[] =>
    pending.splice(0, count).flatMap((line) => salvaged(file, reader, line, skipped));
  let whole = true;
  try {
    const from = await placeIn(file, since, timesBy(form));
    // What stands before the first line feed belongs to a line that begins before.
    let partial = from > 0;
    for await (const { text, last } of linesOf(file, from)) {
      if (!partial) {
        pending.push(text);
        whole = !last;
        const joined = reader.whole(pending.join('\n'));
        const row = joined ?? (pending.length > 1 ? reader.whole(text) : null);
        if (row !== null) {
          if (joined === null) yield* drop(pending.length - 1);
          pending = [];
          whole = true;
          yield row;
        } else if (pending.length >= MOST_LINES) yield* drop(1);
      }
      partial = false;
    }
  } catch (error) {
    const why = `${file.path}: cannot be read to its end (${codeOf(error)}); see whether it is damaged or may not be read.`;
    skipped.note(`unread ${codeOf(error)}`, why);
  }
  // The last line may be finished yet.
  yield* drop(whole ? pending.length : pending.length - 1);
  return !whole;
}

/** When a line was written, ms since the epoch; `null` for what is no row. */
function timesBy(form: RowForm): (line: string) => number | null {
  const reader = new RowReader(form);
  return (line) => {
    const row = reader.whole(line);
    return row === null ? null : writtenAt(row);
  };
}

function salvaged({ path }: CsvFile, reader: RowReader, line: string, skipped: SkipTally): CsvRow[] {
  if (line.trim() === '') return [];
  const row = reader.behind(line);
  if (row !== null) skipped.note('cut', `${path}: a line is cut off; was the disk full? The one behind it was read.`);
  else
    skipped.note(
      'foreign',
      `${path}: a line is cut off or of no template that is known; set template as in cdr_csv.conf.xml.`,
    );
  return row === null ? [] : [row];
}

class RowReader {
  readonly #templates: Template[];
  readonly #zone: RowForm['zone'];
  #before: number | null = null;

  constructor({ templates, zone }: RowForm) {
    this.#templates = [...templates];
    this.#zone = zone;
  }

  whole(line: string): CsvRow | null {
    return this.#first((template) => template.match(line));
  }

  /** The row behind one that was cut off in the same line. */
  behind(line: string): CsvRow | null {
    return this.#first((template) => template.matchEnd(line));
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
