/** What can be said of a file of mod_cdr_csv from its latest lines. */
import { open } from 'node:fs/promises';
import { type RecordsCheck, RecordsError } from '../../../../src/records/port.ts';
import { codeOf } from '../folder.ts';
import { SkipTally } from '../skipped.ts';
import { fileProblem } from './problem.ts';
import type { CsvRow } from './row.ts';
import { type RowForm, rowsIn } from './rows.ts';
import { BEST_TEMPLATE } from './template.ts';

/** Rows that are looked at. */
const LOOKED_AT = 2000;

const REMEDY = `<param name="legs" value="ab"/>, <param name="default-template" value="logcalld"/> and among the templates \
<template name="logcalld">${BEST_TEMPLATE}</template>`;

/** Never rejects. */
export async function checkCsv(file: string, form: RowForm): Promise<RecordsCheck> {
  try {
    const handle = await open(file);
    const facts = await handle.stat().finally(() => handle.close());
    if (!facts.isFile()) return { problem: fileProblem(file, 'EISDIR'), hints: [] };
    const { size, mtimeMs } = facts;
    const rows: CsvRow[] = [];
    const skipped = new SkipTally();
    const live = { path: file, changedAt: mtimeMs, size, live: true };
    // The place of a time in the future is the end of the file.
    for await (const row of rowsIn(live, form, Number.MAX_SAFE_INTEGER, skipped)) {
      rows.push(row);
      if (rows.length > LOOKED_AT) rows.shift();
    }
    if (rows.length > 0) return { problem: null, hints: hintsFor(rows) };
    const problem = skipped.take()[0]?.why ?? null;
    return { problem, hints: problem === null ? [`${file} holds no call yet.`] : [] };
  } catch (error) {
    const problem = error instanceof RecordsError ? error.message : fileProblem(file, codeOf(error));
    return { problem, hints: [] };
  }
}

function hintsFor(rows: readonly CsvRow[]): string[] {
  const untied = rows.filter((row) => !row.tied);
  if (untied.length > 0) {
    return [
      'The template of these lines tells neither direction nor which legs belong together, so who rang, the number that was dialled ' +
        `and calls that were transferred are not always known: write into cdr_csv.conf.xml ${REMEDY}; then reload mod_cdr_csv.`,
    ];
  }
  if (rows.some((row) => (row.variables.originating_leg_uuid ?? '') !== '')) return [];
  return [
    'Legs that are called have no lines: write into cdr_csv.conf.xml <param name="legs" value="ab"/>, then reload mod_cdr_csv.',
  ];
}
