/**
 * That a daemon is starting: from the moment its command began, long before it has the database and a socket, to the moment it answers.
 * It says so in a file where the commands look for its socket. What a killed one left is told by its process, which is gone.
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NAME = 'control.starting';

/** A daemon that does not answer yet. */
export interface Starting {
  readonly pid: number;
  /** ms since the epoch. */
  readonly since: number;
  readonly database: string;
}

interface Mark extends Starting {
  /** When the process began, as the kernel counts it: another one may have its id later. */
  readonly began: string;
}

/**
 * Says that this process is starting a daemon on `database`, in the folder of its `socket`, until the returned function is called or it
 * ends. Where that cannot be written nothing is said, and the start goes on.
 */
export function announceStart(socket: string, database: string): () => void {
  const file = join(dirname(socket), NAME);
  const over = (): void => {
    process.off('exit', over);
    if (readMark(file)?.pid === process.pid) rmSync(file, { force: true });
  };
  const mark: Mark = { pid: process.pid, since: Date.now(), database, began: beganAt(process.pid) ?? '' };
  try {
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(mark));
    // Whoever may use the socket may know.
    chmodSync(`${file}.${process.pid}`, 0o640);
    renameSync(`${file}.${process.pid}`, file);
    process.on('exit', over);
  } catch {
    return () => {};
  }
  return over;
}

/** The daemon that is starting on `database` and whose socket will be at one of these places; `null`: none is known. */
export function startingAt(sockets: Iterable<string>, isSame: (database: string) => boolean): Starting | null {
  for (const socket of sockets) {
    const mark = readMark(join(dirname(socket), NAME));
    if (mark !== null && isSame(mark.database) && beganAt(mark.pid) === mark.began) return mark;
  }
  return null;
}

export const startingText = ({ pid, since }: Starting): string =>
  `logcalld is starting (pid ${pid}, since ${new Date(since).toLocaleTimeString('sv-SE')}): try again in a moment.`;

function readMark(file: string): Mark | null {
  try {
    const { pid, since, database, began }: Partial<Mark> = JSON.parse(readFileSync(file, 'utf8'));
    const whole = typeof pid === 'number' && typeof since === 'number' && typeof database === 'string';
    return whole && typeof began === 'string' ? { pid, since, database, began } : null;
  } catch {
    return null;
  }
}

/** proc_pid_stat(5), field 22; the name of the program before it may hold anything. `null`: there is no such process. */
function beganAt(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
