/** Whether a stream goes to the journal, and a line for it. */
import { fstatSync } from 'node:fs';

/**
 * True when what is written to the file descriptor is read by journald. systemd tells device and inode of that stream in `JOURNAL_STREAM`
 * (systemd.exec(5)); the variable alone may be inherited from a session whose output went elsewhere since.
 */
export function goesToJournal(fd: number, env: Readonly<Record<string, string | undefined>>): boolean {
  const told = env.JOURNAL_STREAM;
  if (told === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return told === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** What went wrong as entries of the log, one for each line of it, with the priority of an error (sd-daemon(3)). `at`: ms since the epoch. */
export function errorEntries(text: string, at: number): string {
  const time = new Date(at).toISOString();
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `<3>${JSON.stringify({ time, level: 'error', event: 'not-done', text: line.trim() })}\n`)
    .join('');
}
