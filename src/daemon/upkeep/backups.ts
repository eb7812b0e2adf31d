/** Makes a backup of the database once a day, and keeps the last ones. */
import { type AutomaticCopy, backUpWhenDue, lastByName } from '../../../adapters/sqlite/backups/automatic.ts';
import { megabytes } from '../../../adapters/sqlite/backups/megabytes.ts';
import type { Config } from '../../../config/schema.ts';
import { events } from '../../events.ts';
import type { Conditions } from '../../health/conditions.ts';
import type { Clock, Log } from '../../ports.ts';

export interface BackupsOptions {
  readonly database: string;
  readonly settings: Config['storage']['backup'];
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly log: Log;
  readonly conditions: Conditions;
}

export interface Backups {
  /** The last one, as it was looked up last, or by its name at the start; `null`: none is known yet. */
  last(): AutomaticCopy | null;
  /** One under way is broken off. */
  stop(): Promise<void>;
}

/** How often it is looked whether one is due: the clock may be set, and the machine may have slept. What a start has to do comes first. ms. */
const LOOK_MS = 600_000;
/** After one that failed, ms. */
const AGAIN_MS = 3_600_000;

export function keepBackups(options: BackupsOptions): Backups {
  const { settings, clock, log, conditions } = options;
  const { folder, keep } = settings;
  const ending = new AbortController();
  let cancel = (): void => {};
  let running: Promise<void> = Promise.resolve();
  let last: AutomaticCopy | null = null;
  let named: AutomaticCopy | null = null;

  /** False when one was due and could not be made. */
  const round = async (due: number): Promise<boolean> => {
    const at = Math.floor(clock.now());
    const request = { path: options.database, folder, keep, at, due };
    const { made, error, last: found } = await backUpWhenDue(request, ending.signal);
    if (ending.signal.aborted) return false;
    if (found !== null || error === null) last = found;
    if (made !== null) {
      const seconds = Math.ceil((clock.now() - at) / 1000);
      const text = `Backed up to ${made.path}: ${made.calls} calls, ${megabytes(made.bytes)}, in ${seconds} s.`;
      events.backedUp(log, text);
    }
    if (error === null) {
      conditions.set('backup-failed', null);
      return true;
    }
    const kept = last === null ? 'there is no other' : `the last one is ${last.path}`;
    const text = `The daily backup of the database was not made, and ${kept}: ${error.message} It is tried again every hour; [storage.backup] says where and when.`;
    conditions.set('backup-failed', text, 'warning', { gist: error.message });
    return false;
  };

  const look = async (): Promise<number> => {
    const [now, due] = [clock.now(), lastTime(clock.now(), settings.at)];
    if (last !== null && last.at >= due && last.at <= now) return LOOK_MS;
    return (await round(due)) ? LOOK_MS : AGAIN_MS;
  };

  const later = (ms: number): void => {
    if (ending.signal.aborted) return;
    cancel = clock.after(ms, () => {
      running = look().then(later);
    });
  };

  if (settings.enabled) {
    later(LOOK_MS);
    lastByName({ path: options.database, folder, at: Math.floor(clock.now()) })
      .then((found) => {
        named = found;
      })
      .catch(() => {
        // Told when one is due.
      });
  }
  return {
    last: () => last ?? named,
    async stop() {
      ending.abort();
      cancel();
      await running;
    },
  };
}

/** The last moment with this time of day in the zone of the machine. `now`: ms since the epoch; `minutes`: since midnight. */
export function lastTime(now: number, minutes: number): number {
  const at = new Date(now);
  at.setHours(0, minutes, 0, 0);
  if (at.getTime() > now) at.setDate(at.getDate() - 1);
  // A day on which clocks change has another length.
  at.setHours(0, minutes, 0, 0);
  return at.getTime();
}
