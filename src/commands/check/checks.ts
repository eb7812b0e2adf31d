/** Checks one after the other: each is made even when one before failed, if it can be. */
import type { Terminal } from '../../cli/cli.ts';
import { EXIT } from '../../cli/help.ts';
import { print } from '../output.ts';
import { type Finding, helped, type Remedy } from './finding.ts';

export interface Check {
  /** For programs that read the findings. */
  readonly name: string;
  /** What it looks at, for when it is skipped. */
  readonly about: string;
  /** `start`: with a FAIL the daemon would not start. */
  readonly stage: 'start' | 'work';
  /** Names of checks without which it makes no sense. */
  readonly needs?: readonly string[];
  /** What helps where a finding says nothing more special. */
  readonly otherwise: Remedy;
  run(): readonly Finding[] | Promise<readonly Finding[]>;
}

export type Tell = (check: string, finding: Finding) => void;

/** Adds up over several rounds. */
export interface Outcome {
  readonly failed: ReadonlyMap<string, Check['stage']>;
  /** Names of those that this user could not make: they say nothing, and what needs them cannot be made either. */
  readonly unmade: ReadonlySet<string>;
  readonly status: number;
}

/** Makes them in order. `before`: what other rounds came to. */
export async function runChecks(checks: readonly Check[], tell: Tell, before?: Outcome): Promise<Outcome> {
  const failed = new Map(before?.failed);
  const unmade = new Set(before?.unmade);
  for (const check of checks) {
    const without = check.needs?.find((name) => failed.has(name));
    const unknown = check.needs?.find((name) => unmade.has(name));
    const findings =
      without !== undefined
        ? [skipped(check, without, 'failed')]
        : unknown !== undefined
          ? [skipped(check, unknown, 'could not be made')]
          : (await made(check)).map((finding) => helped(finding, check.otherwise));
    for (const finding of findings) tell(check.name, finding);
    if (findings.some(({ level }) => level === 'FAIL')) failed.set(check.name, check.stage);
    else if (without !== undefined) failed.set(check.name, 'work');
    else if (findings.length > 0 && findings.every(({ level }) => level === 'skip')) unmade.add(check.name);
  }
  return { failed, unmade, status: statusOf(failed) };
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

const skipped = ({ about }: Check, missing: string, what: 'failed' | 'could not be made'): Finding => ({
  level: 'skip',
  about,
  text: `not looked at, because the check "${missing}" ${what}`,
});

/** A finding for people, the remedies below it. */
export function printFinding(terminal: Terminal, finding: Finding): void {
  const { level, about, text, expected, lines = [], commands = [], elsewhere } = finding;
  print(terminal, `${level.padEnd(4)}  ${about.padEnd(22)}  ${text}`);
  if (expected !== undefined) print(terminal, `          expected: ${expected}`);
  for (const command of commands) print(terminal, `          type: ${command}`);
  for (const line of lines) print(terminal, `          ${line}`);
  if (elsewhere !== undefined) print(terminal, `          to do: ${elsewhere}`);
}
