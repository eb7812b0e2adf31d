/**
 * Files of mod_cdr_csv as a place of records: `Master.csv`, or the file of one account code. What their templates can tell, and what
 * has to be concluded, stands in `template.ts` and `legs.ts`.
 */
import { stat } from 'node:fs/promises';
import { type CallRecords, type RecordedCalls, RecordsError, type WantedCall } from '../../../../src/records/port.ts';
import { legEvents } from '../../cdr/leg.ts';
import { codeOf } from '../folder.ts';
import type { CsvOptions } from '../options.ts';
import { SkipTally } from '../skipped.ts';
import { LOOK_MS, type Reading, spanOf, weave } from '../weave.ts';
import { checkCsv } from './check.ts';
import { CsvLegs, HOLD_MS } from './legs.ts';
import { type CsvFile, filesOf } from './lines.ts';
import { localTimes } from './local-time.ts';
import { fileProblem } from './problem.ts';
import { writtenAt } from './row.ts';
import { type RowForm, rowsIn } from './rows.ts';
import { KNOWN_TEMPLATES, saysEnough, templateOf } from './template.ts';

/** A line that is not whole may still be written for so long, ms; as much are rows out of order at most. */
const WRITING_MS = 60_000;

/**
 * See `CallRecords`. Throws a RangeError for a zone that does not exist, and an Error with one sentence for a template without `uuid`,
 * a start or an end.
 */
export function createCsvRecords(options: CsvOptions): CallRecords {
  const { name, file, source, template, timeZone, now = Date.now } = options;
  const templates = template === undefined ? KNOWN_TEMPLATES : [templateOf(template)];
  if (!templates.every(saysEnough)) {
    throw new Error(
      `${name}: its template tells no \${uuid}, \${start_uepoch} or \${end_uepoch}; add them in cdr_csv.conf.xml.`,
    );
  }
  const form: RowForm = { templates, zone: localTimes(timeZone ?? null) };
  const place = (aheadMs = 0): Place => ({ file, source, form, now: () => now() + aheadMs });
  return {
    name,
    read: (span, aheadMs) => wovenFrom(place(aheadMs), { span, lookMs: LOOK_MS }),
    find: (calls, aheadMs) => find(place(aheadMs), calls),
    check: () => checkCsv(file, form),
    close: async () => {},
  };
}

interface Place {
  readonly file: string;
  readonly source: string;
  readonly form: RowForm;
  /** The clock of the PBX, ms since the epoch. */
  readonly now: () => number;
}

/** A file cannot be asked for an id: the lines are read that were written while the calls went on. */
async function* find(place: Place, calls: readonly WantedCall[]): AsyncGenerator<RecordedCalls> {
  const span = spanOf(calls);
  const wanted = new Set(calls.map(({ id }) => id));
  if (span !== null) yield* wovenFrom(place, { span, lookMs: 0, wanted });
}

function wovenFrom({ file, source, form, now }: Place, { span, lookMs, wanted }: Reading) {
  const skipped = new SkipTally();
  const began = now();
  const since = span.from - lookMs;
  const until = span.to + lookMs + WRITING_MS;
  let unfinished = Number.POSITIVE_INFINITY;

  async function* rows() {
    for (const one of await filesFrom(file, since)) {
      const found = rowsIn(one, form, since, skipped);
      let next = await found.next();
      for (; !next.done && next.value.endedAt <= until; next = await found.next()) yield next.value;
      if (next.done && next.value && now() - one.changedAt < WRITING_MS) unfinished = one.changedAt - WRITING_MS;
      await found.return(false);
    }
  }

  async function* legs() {
    const held = new CsvLegs();
    const ready = (all: boolean) =>
      [...held.ready(all)].map(({ row, body }) => ({ recordedAt: writtenAt(row), leg: legOf(body) }));
    for await (const row of rows()) {
      held.take(row);
      yield* ready(false);
    }
    yield* ready(true);
  }

  const legOf = (body: unknown) => {
    try {
      return legEvents(body, file, source);
    } catch {
      skipped.note('times', `${file}: a line tells times that no call can have; see whether its zone is set rightly.`);
      return null;
    }
  };

  const completeTo = () => Math.min(unfinished, began);
  return weave({
    ...(wanted === undefined ? {} : { wanted }),
    span,
    source,
    legs,
    patienceMs: HOLD_MS,
    skipped,
    completeTo,
  });
}

/** The files written since, the file itself whenever that was. */
async function filesFrom(file: string, since: number): Promise<CsvFile[]> {
  try {
    if ((await stat(file)).isFile()) return (await filesOf(file)).filter(({ changedAt }) => changedAt >= since);
  } catch (error) {
    throw new RecordsError(fileProblem(file, codeOf(error)));
  }
  throw new RecordsError(fileProblem(file, 'EISDIR'));
}
