/**
 * Messages to systemd (sd_notify(3)). Node has no datagram sockets of the Unix family, so each message is sent by the
 * program `systemd-notify`; the unit therefore needs NotifyAccess=all. Without `NOTIFY_SOCKET` nothing is done.
 */
import { spawn } from 'node:child_process';

export interface Notifier {
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
  /** Environment of the process: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told once when messages cannot be sent. */
  readonly onProblem: (sentence: string) => void;
  /** Sends assignments such as `READY=1`; replaced in tests. */
  readonly send?: (assignments: readonly string[], socket: string) => Promise<void>;
}

const SEND_TIMEOUT_MS = 5_000;

export function createNotifier(options: NotifierOptions): Notifier {
  const socket = options.env.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return silent;
  const send = options.send ?? runSystemdNotify;
  const waiting: string[][] = [];
  let sending: Promise<void> | null = null;
  let complained = false;
  let shown: string | null = null;

  const sendAll = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await send(next, socket);
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

/** `--no-block`: the helper must not wait for systemd, nor the daemon for the helper. */
function runSystemdNotify(assignments: readonly string[], socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('systemd-notify', ['--no-block', ...assignments], {
      env: { NOTIFY_SOCKET: socket, PATH: '/usr/bin:/bin' },
      stdio: 'ignore',
      timeout: SEND_TIMEOUT_MS,
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`systemd-notify ended with ${signal ?? `status ${code}`}`));
    });
  });
}

function problemSentence(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `Cannot send messages to systemd (${reason}): install the package that has /usr/bin/systemd-notify, or run the unit with Type=exec and without WatchdogSec.`;
}

/** A line break would begin a second assignment. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
