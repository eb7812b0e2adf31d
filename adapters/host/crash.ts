/** What nobody caught: a fault of the program itself, after which nothing in memory can be trusted. */
import type { Clock } from '../../src/ports.ts';
import type { HostLog } from './log.ts';

export interface CrashOptions {
  readonly log: Pick<HostLog, 'write' | 'flush'>;
  readonly clock: Pick<Clock, 'after'>;
  /** Ends the process; called once. */
  readonly exit: () => void;
}

type Listener = (reason: unknown) => void;

/** The part of `process` that is needed. */
export interface CrashSource {
  on(event: 'uncaughtException' | 'unhandledRejection', listener: Listener): unknown;
  off(event: 'uncaughtException' | 'unhandledRejection', listener: Listener): unknown;
}

/** A reader of the log that stalls keeps a broken program no longer than this, ms. */
const FLUSH_MS = 2_000;

/**
 * From now on an exception or a rejection that nobody handles is told by one entry of the log, and ends the process when that is
 * written. Only the first is told: what follows while the program ends is its echo. The returned function ends the watch.
 */
export function onCrash({ log, clock, exit }: CrashOptions, source: CrashSource = process): () => void {
  let crashed = false;
  const end: Listener = (reason) => {
    if (crashed) return;
    crashed = true;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      exit();
    };
    clock.after(FLUSH_MS, leave);
    const text = `A fault of logcalld itself ends it (${brief(reason)}); what is stored is safe: start it again, as systemd does by itself, and report this line.`;
    log.write('error', 'crash', text, { error: reason });
    log.flush().then(leave, leave);
  };
  source.on('uncaughtException', end);
  source.on('unhandledRejection', end);
  return () => {
    source.off('uncaughtException', end);
    source.off('unhandledRejection', end);
  };
}

/** Anything can be thrown, also what cannot be made a text. */
function brief(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    return 'something that cannot be shown';
  }
}
