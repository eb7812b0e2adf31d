/** The thread that reads one SQLite file of another program. */
import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Row } from './port.ts';

export interface Start {
  readonly file: string;
}

export interface Question {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

export type Answer = { readonly rows: readonly Row[] } | { readonly code: string };

/** How long a question waits while the other program writes, ms. */
const BUSY_MS = 5_000;

let opened: Sqlite.Database | null = null;

parentPort?.on('message', ({ sql, values }: Question) => {
  const { file }: Start = workerData;
  let answer: Answer;
  try {
    opened ??= new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
    answer = {
      rows: opened
        .prepare<(string | number)[], object>(sql)
        .all(...values)
        .map(rowOf),
    };
  } catch (error) {
    answer = { code: codeOf(error) };
  }
  parentPort?.postMessage(answer);
});

function rowOf(row: object): Row {
  const texts = Object.entries(row).map(([name, value]): [string, string | null] => [
    name.toLowerCase(),
    value === null ? null : String(value),
  ]);
  return Object.fromEntries(texts);
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
  // A missing folder is told without a code of SQLite.
  return error instanceof TypeError ? 'SQLITE_CANTOPEN' : code;
}
