export interface Row {
  readonly story: string;
  readonly ok: boolean;
  /** What was wrong, one sentence each. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

/** One line of the table; what was wrong is listed below it. */
export function formatRow(row: Row): string {
  const line = `${row.story.padEnd(52)} ${row.ok ? 'ok    ' : 'FAILED'} ${row.seconds.toFixed(1).padStart(6)} s`;
  return [line, ...row.problems.map((problem) => `    ${problem}`)].join('\n');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
