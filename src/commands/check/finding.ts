import { hereOf } from '../here/here.ts';

/** What helps: at least one of these. */
export type Remedy = Helps & ({ readonly commands: readonly string[] } | { readonly elsewhere: string });

export interface Helps {
  /** What to type, in this order. */
  readonly commands?: readonly string[];
  /** Lines of the config, or of another file that the text names, that are the remedy. */
  readonly lines?: readonly string[];
  /** Why there is nothing to type here, one sentence. */
  readonly elsewhere?: string;
}

/** What a check found. */
export interface Finding extends Helps {
  /** `info`: nothing is wrong, but it is worth knowing. `skip`: not looked at, because of what failed before. */
  readonly level: 'ok' | 'info' | 'warn' | 'FAIL' | 'skip';
  /** What was looked at. */
  readonly about: string;
  /** What was found, and the remedy. */
  readonly text: string;
  /** What should have been found, where the text does not say it. */
  readonly expected?: string;
  /** Calls are not logged, or will not be, by this alone though all else is well: why, as the end of a sentence. */
  readonly idle?: string;
  /** Whether it works was not seen, though nothing speaks against it. */
  readonly unproven?: true;
}

export const ok = (about: string, text: string): Finding => ({ level: 'ok', about, text });
export const info = (about: string, text: string): Finding => ({ level: 'info', about, text });

/** Nothing that is wrong is told without what helps: its own, else that of the check that found it. */
export function helped(finding: Finding, otherwise: Remedy): Finding {
  const { level, commands = [], lines = [], elsewhere } = finding;
  if (level !== 'warn' && level !== 'FAIL') return finding;
  return commands.length + lines.length > 0 || elsewhere !== undefined ? finding : { ...finding, ...otherwise };
}

/** To correct a file: the config, or one that it names. */
export const edit = (file: string, config: string = file): Remedy => ({ commands: [hereOf(config).edit(file)] });
