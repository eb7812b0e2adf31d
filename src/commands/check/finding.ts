/** What a check found. */
export interface Finding {
  /** `info`: nothing is wrong, but it is worth knowing. */
  readonly level: 'ok' | 'info' | 'warn' | 'FAIL';
  /** What was looked at. */
  readonly about: string;
  /** What was found, and the remedy. */
  readonly text: string;
  /** Lines of the config that are the remedy. */
  readonly lines?: readonly string[];
}

export const ok = (about: string, text: string): Finding => ({ level: 'ok', about, text });
