/**
 * Messages to systemd (sd_notify(3)). Node has no datagram sockets of the Unix family: the unit starts it through
 * `systemd/with-notify-socket.sh`, which hands over a connected one as a file descriptor. Without `NOTIFY_SOCKET` nothing is done.
 */
import { writeSync } from 'node:fs';

export interface Notifier {
  /**
   * The start takes as long as the database needs: systemd is asked for more time until the function that this returns is called, for an
   * hour at most. A start that hangs for longer does not come to an end by itself.
   */
  starting(status: string): () => void;
  /** The daemon works; systemd starts what waits for it. */
  ready(status: string): void;
  /** The line that `systemctl status` shows. A newer one replaces one that has not been sent yet; the same one is not sent again. */
  status(text: string): void;
  /** The daemon is ending. */
  stopping(): void;
  /**
   * Sends a sign of life at half the interval systemd asks for, each time only if `fine` says that work makes progress:
   * a timer alone would prove nothing but that timers run. Returns the function that ends it.
   */
  watchdog(fine: () => boolean | Promise<boolean>): () => void;
  /** Resolves when all messages so far are handed over. */
  flush(): Promise<void>;
}

export interface NotifierOptions {
  /** Environment of the process: `NOTIFY_SOCKET`, `LOGCALLD_NOTIFY_FD`, `WATCHDOG_USEC`, `WATCHDOG_PID`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told once when messages cannot be sent. */
  readonly onProblem: (sentence: string) => void;
  /** Sends assignments such as `READY=1`; replaced in tests. */
  readonly send?: (assignments: readonly string[]) => Promise<void>;
}

/** While systemd does not take messages, one waits for so long, and is tried so often, ms. */
const SEND_TIMEOUT_MS = 5_000;
const SEND_AGAIN_MS = 50;
/** Asked for at once, and again before it is over, ms. */
const MORE_TIME_MS = 60_000;
const ASK_AGAIN_MS = 20_000;
const LONGEST_START_MS = 3_600_000;

export function createNotifier(options: NotifierOptions): Notifier {
  const socket = options.env.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return silent;
  const send = options.send ?? writerTo(Number(options.env.LOGCALLD_NOTIFY_FD ?? Number.NaN));
  const waiting: string[][] = [];
  let sending: Promise<void> | null = null;
  let complained = false;
  let shown: string | null = null;

  const sendAll = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await send(next);
      } catch (error) {
        if (!complained) options.onProblem(problemSentence(error));
        complained = true;
      }
    }
    sending = null;
  };
  const post = (...assignments: string[]): void => {
    waiting.push(assignments);
    sending ??= sendAll();
  };

  return {
    starting(status) {
      const began = performance.now();
      const ask = (): void => {
        if (performance.now() - began > LONGEST_START_MS) return;
        post(`EXTEND_TIMEOUT_USEC=${MORE_TIME_MS * 1000}`, `STATUS=${oneLine(status)}`);
      };
      ask();
      const timer = setInterval(ask, ASK_AGAIN_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
    ready(status) {
      shown = oneLine(status);
      post('READY=1', `STATUS=${shown}`);
    },
    status(text) {
      const line = oneLine(text);
      if (line === shown) return;
      shown = line;
      const unsent = waiting.findIndex((message) => message.length === 1 && message[0]?.startsWith('STATUS='));
      if (unsent >= 0) waiting.splice(unsent, 1);
      post(`STATUS=${line}`);
    },
    stopping: () => post('STOPPING=1'),
    watchdog(fine) {
      const interval = watchdogInterval(options.env);
      if (interval === null) return () => {};
      let asking = false;
      const beat = async (): Promise<void> => {
        if (asking) return;
        asking = true;
        try {
          if (await fine()) post('WATCHDOG=1');
        } finally {
          asking = false;
        }
      };
      const timer = setInterval(() => void beat().catch(() => {}), interval);
      return () => clearInterval(timer);
    },
    async flush() {
      while (sending !== null) await sending;
    },
  };
}

const silent: Notifier = {
  starting: () => () => {},
  ready() {},
  status() {},
  stopping() {},
  watchdog: () => () => {},
  async flush() {},
};

/** Half of what systemd asks for, ms; `null` when it asks for none, or asks another process. */
function watchdogInterval(env: NotifierOptions['env']): number | null {
  const usec = Number(env.WATCHDOG_USEC);
  if (!Number.isFinite(usec) || usec <= 0) return null;
  const pid = env.WATCHDOG_PID;
  if (pid !== undefined && pid !== '' && Number(pid) !== process.pid) return null;
  return Math.max(1, Math.floor(usec / 2_000));
}

/** Writes each message as one datagram. `fd`: a connected socket that does not wait. */
function writerTo(fd: number): (assignments: readonly string[]) => Promise<void> {
  return async (assignments) => {
    if (!Number.isInteger(fd)) throw new Error('no socket was handed over');
    const message = assignments.join('\n');
    const end = performance.now() + SEND_TIMEOUT_MS;
    for (;;) {
      try {
        writeSync(fd, message);
        return;
      } catch (error) {
        const full = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
        if (!full || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, SEND_AGAIN_MS));
    }
  };
}

function problemSentence(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `Cannot send messages to systemd (${reason}): start logcalld through with-notify-socket, as the unit that it brings does, or give the unit Type=exec, NotifyAccess=none and WatchdogSec=0.`;
}

/** A line break would begin a second assignment. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
