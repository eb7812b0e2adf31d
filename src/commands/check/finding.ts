/** What a check found. */
export interface Finding {
  /** `info`: nothing is wrong, but it is worth knowing. `skip`: not looked at, because of what failed before. */
  readonly level: 'ok' | 'info' | 'warn' | 'FAIL' | 'skip';
  /** What was looked at. */
  readonly about: string;
  /** What was found, and the remedy. */
  readonly text: string;
  /** What should have been found, where the text does not say it. */
  readonly expected?: string;
  /** Lines of the config, or of another file that the text names, that are the remedy. */
  readonly lines?: readonly string[];
  /** What to type, in this order. */
  readonly commands?: readonly string[];
  /** Calls are not logged, or will not be, by this alone though all else is well: why, as the end of a sentence. */
  readonly idle?: string;
}

export const ok = (about: string, text: string): Finding => ({ level: 'ok', about, text });
export const info = (about: string, text: string): Finding => ({ level: 'info', about, text });
