/** Makes a backup of the database once a day, and keeps the last ones. */
import {
  type AutomaticCopy,
  type BackupPlace,
  backUpAutomatically,
  lastAutomatic,
  pruneAutomatic,
} from '../../../adapters/sqlite/backups/automatic.ts';
import { megabytes } from '../../../adapters/sqlite/backups/megabytes.ts';
import type { Config } from '../../../config/schema.ts';
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
  /** The last one that is there; `null`: none. */
  last(): AutomaticCopy | null;
  /** One under way is broken off. */
  stop(): Promise<void>;
}

/** What a start has to do comes first, ms. */
const FIRST_MS = 600_000;
/** How often it is looked whether one is due: the clock may be set, and the machine may have slept, ms. */
const LOOK_MS = 600_000;
/** After one that failed, ms. */
const AGAIN_MS = 3_600_000;

export function keepBackups(options: BackupsOptions): Backups {
  const { settings, clock, log, conditions } = options;
  const place: BackupPlace = { path: options.database, folder: settings.folder };
  const ending = new AbortController();
  let cancel = (): void => {};
  let running: Promise<void> = Promise.resolve();

  /** `null` also where it cannot be looked. */
  const last = (): AutomaticCopy | null => {
    try {
      return lastAutomatic(place);
    } catch {
      return null;
    }
  };

  const make = async (): Promise<boolean> => {
    const began = clock.now();
    try {
      const { path, calls, bytes } = await backUpAutomatically(place, Math.floor(began), ending.signal);
      const seconds = Math.ceil((clock.now() - began) / 1000);
      log.write('info', 'backup', `Backed up to ${path}: ${calls} calls, ${megabytes(bytes)}, in ${seconds} s.`);
      conditions.set('backup-failed', null);
      pruneAutomatic(place, settings.keep);
      return true;
    } catch (error) {
      if (ending.signal.aborted) return false;
      const why = error instanceof Error ? error.message : String(error);
      const before = last();
      const kept = before === null ? 'there is no other' : `the last one is ${before.path}`;
      const text = `The daily backup of the database was not made, and ${kept}: ${why} It is tried again every hour; [storage.backup] says where and when.`;
      conditions.set('backup-failed', text, 'warning', { gist: why });
      return false;
    }
  };

  const look = async (): Promise<number> => {
    const before = last();
    if (before !== null && before.at >= lastTime(clock.now(), settings.at) && before.at <= clock.now()) return LOOK_MS;
    return (await make()) ? LOOK_MS : AGAIN_MS;
  };

  const later = (ms: number): void => {
    if (ending.signal.aborted) return;
    cancel = clock.after(ms, () => {
      running = look().then(later);
    });
  };

  if (settings.enabled) later(FIRST_MS);
  return {
    last,
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
