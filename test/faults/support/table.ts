/** What a part of the run came to, as it is printed. */
import type { Verdict } from './oracle.ts';
import { isBad } from './oracle.ts';

export interface Outcome {
  readonly name: string;
  readonly lives: number;
  readonly calls: number;
  readonly unheard: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly wrong: readonly string[];
  readonly seconds: number;
  /** More that the reader may want, a few words. */
  readonly note?: string;
}

export function outcomeOf(name: string, lives: number, began: number, verdict: Verdict, note?: string): Outcome {
  const { calls, unheard, lost, doubled, foreign, wrong } = verdict;
  return {
    ...{ name, lives, calls, unheard, lost, doubled },
    wrong: [...foreign.map((id) => `${id} is of no call`), ...wrong],
    seconds: (performance.now() - began) / 1000,
    ...(note === undefined ? {} : { note }),
  };
}

export const failed = ({ lost, doubled, wrong }: Outcome): boolean => lost.length + doubled.length + wrong.length > 0;

/** Several runs of one kind in one line. */
export function sumOf(name: string, parts: readonly Outcome[], seconds: number, note?: string): Outcome {
  const total = (of: (one: Outcome) => number): number => parts.reduce((sum, one) => sum + of(one), 0);
  return {
    name,
    seconds,
    lives: total(({ lives }) => lives),
    calls: total(({ calls }) => calls),
    unheard: total(({ unheard }) => unheard),
    lost: parts.flatMap(({ lost }) => lost),
    doubled: parts.flatMap(({ doubled }) => doubled),
    wrong: parts.flatMap(({ wrong }) => wrong),
    ...(note === undefined ? {} : { note }),
  };
}

const COLUMNS = ['lives', 'calls', 'unheard', 'lost', 'doubled', 's'];

export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ name, lives, calls, unheard, lost, doubled, seconds, note, ...rest }) => {
    const cells = [lives, calls, unheard, lost.length, doubled.length, Math.round(seconds)].map((cell) =>
      String(cell).padStart(8),
    );
    const end = rest.wrong.length > 0 ? `${rest.wrong.length} wrong` : (note ?? '');
    return `${name.padEnd(44)}${cells.join('')}  ${end}`.trimEnd();
  });
  return [`${' '.repeat(44)}${COLUMNS.map((column) => column.padStart(8)).join('')}`, ...rows].join('\n');
}

/** The first of what went wrong, each in a line. */
export function complaints(outcome: Outcome, most = 12): string {
  // Of each kind some: many of one must not hide the others.
  const kinds = [
    outcome.doubled.map((id) => `doubled: ${id}`),
    outcome.lost.map((id) => `lost: ${id}`),
    outcome.wrong.map((text) => `wrong: ${text}`),
  ];
  return kinds
    .flatMap((all) => [...all.slice(0, most), ...(all.length > most ? [`and ${all.length - most} more`] : [])])
    .map((line) => `    ${line}`)
    .join('\n');
}

export { isBad };
