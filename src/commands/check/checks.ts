/** Checks one after the other: each is made even when one before failed, if it can be. */
import type { Terminal } from '../../cli/cli.ts';
import { EXIT } from '../../cli/help.ts';
import { print } from '../output.ts';
import type { Finding } from './finding.ts';

export interface Check {
  /** For programs that read the findings. */
  readonly name: string;
  /** What it looks at, for when it is skipped. */
  readonly about: string;
  /** `start`: with a FAIL the daemon would not start. */
  readonly stage: 'start' | 'work';
  /** Names of checks without which it makes no sense. */
  readonly needs?: readonly string[];
  run(): readonly Finding[] | Promise<readonly Finding[]>;
}

export type Tell = (check: string, finding: Finding) => void;

/** Adds up over several rounds. */
export interface Outcome {
  readonly failed: ReadonlyMap<string, Check['stage']>;
  readonly status: number;
}

/** Makes them in order. `before`: what other rounds came to. */
export async function runChecks(checks: readonly Check[], tell: Tell, before?: Outcome): Promise<Outcome> {
  const failed = new Map(before?.failed);
  for (const check of checks) {
    const missing = check.needs?.find((name) => failed.has(name));
    const findings = missing === undefined ? await made(check) : [skipped(check, missing)];
    for (const finding of findings) tell(check.name, finding);
    if (findings.some(({ level }) => level === 'FAIL')) failed.set(check.name, check.stage);
    else if (missing !== undefined) failed.set(check.name, 'work');
  }
  return { failed, status: statusOf(failed) };
}

function statusOf(failed: Outcome['failed']): number {
  if (failed.size === 0) return EXIT.ok;
  return [...failed.values()].includes('start') ? EXIT.config : EXIT.failed;
}

async function made(check: Check): Promise<readonly Finding[]> {
  try {
    return await check.run();
  } catch (error) {
    const text = `this could not be looked at: ${error instanceof Error ? error.message : String(error)}`;
    return [{ level: 'FAIL', about: check.about, text }];
  }
}

const skipped = ({ about }: Check, missing: string): Finding => ({
  level: 'skip',
  about,
  text: `not looked at, because the check "${missing}" failed`,
});

/** A finding for people, the remedies below it. */
export function printFinding(terminal: Terminal, finding: Finding): void {
  const { level, about, text, expected, lines = [], commands = [] } = finding;
  print(terminal, `${level.padEnd(4)}  ${about.padEnd(22)}  ${text}`);
  if (expected !== undefined) print(terminal, `          expected: ${expected}`);
  for (const command of commands) print(terminal, `          type: ${command}`);
  for (const line of lines) print(terminal, `          ${line}`);
}
