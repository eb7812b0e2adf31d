/** The real modules of the database as a life sees them: with waiting, trouble of the disk, and crashes at any answer. */
import type BetterSqlite3 from 'better-sqlite3';
import type { Database } from '../../adapters/sqlite/thread/database.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { type Modules, modules } from '../../adapters/sqlite/thread/modules.ts';
import type { Chance } from '../faults/support/chance.ts';
import type { SimClock } from './clock.ts';
import type { Counter } from './seen.ts';

export type DiskState = 'sound' | 'full' | 'failing' | 'flaky' | 'slow';

/** The life ends after so many more half requests, all or those of this name: before one was carried out, or after. */
export interface Crash {
  readonly half: number;
  readonly of: string | null;
}

export interface Disk {
  state: DiskState;
  /** How long a slow disk takes at most, ms. */
  slowMs: number;
  /** `null`: the life does not end so. */
  crashIn: Crash | null;
}

/** What changes the file. */
const WRITES = new Set([
  'journal.commit',
  'journal.seal',
  'journal.prune',
  'outbox.open',
  'outbox.claim',
  'outbox.renew',
  'outbox.begin',
  'outbox.settle',
  'outbox.requeue',
  'permits.reserve',
  'permits.tune',
  'leadCache.put',
  'leadCache.forget',
  'leadCache.rememberFormat',
  'users.save',
  'users.seen',
  'sessions.forget',
]);

/** Of the writes so many fail on a flaky disk. */
const FLAKY = 0.2;
const TROUBLE: Readonly<Record<'full' | 'failing' | 'flaky', readonly [string, string]>> = {
  full: ['SQLITE_FULL', 'database or disk is full'],
  failing: ['SQLITE_IOERR_FSYNC', 'disk I/O error'],
  flaky: ['SQLITE_IOERR_WRITE', 'disk I/O error'],
};

const REFUSED = { full: 'disk full', failing: 'EIO for a while', flaky: 'EIO now and then' } as const;

const never = (): Promise<never> => new Promise(() => {});

export interface StoreParts {
  readonly db: BetterSqlite3.Database;
  readonly disk: Disk;
  readonly clock: SimClock;
  readonly alive: () => boolean;
  readonly crash: () => void;
  readonly note: (what: string) => void;
  readonly chance: Chance;
  readonly counter: Counter;
}

/** The handle of the database for one life. What was committed stays, whatever becomes of the life. */
export function simDatabase({ db, disk, clock, alive, crash, note, chance, counter }: StoreParts): Database {
  /** One request after the other: until when those that came are served. */
  let busyUntil = 0;
  let queued = 0;
  const turn = async (writes: boolean): Promise<void> => {
    const now = clock.monotonic();
    // Short ones are as frequent as long ones.
    const took = writes && disk.state === 'slow' ? Math.round(disk.slowMs ** chance.next()) : 0;
    if (took > 0) counter.add(took > 1000 ? 'commit of over a second' : 'slow commit');
    busyUntil = Math.max(now, busyUntil) + took;
    if (queued === 0 && busyUntil <= now) return;
    queued += 1;
    await new Promise<void>((resolve) => clock.after(busyUntil - now, resolve));
    queued -= 1;
  };
  const half = (what: 'before' | 'after', name: string): boolean => {
    const { crashIn } = disk;
    if (crashIn === null || (crashIn.of !== null && crashIn.of !== name)) return false;
    disk.crashIn = { ...crashIn, half: crashIn.half - 1 };
    if (disk.crashIn.half > 0) return false;
    disk.crashIn = null;
    counter.add(`crash ${what} a request of the store`);
    crash();
    return true;
  };
  const call = async (name: string, run: () => unknown): Promise<unknown> => {
    if (!alive() || half('before', name)) return never();
    const writes = WRITES.has(name);
    await turn(writes);
    if (!alive()) return never();
    const fails = disk.state === 'full' || disk.state === 'failing' || (disk.state === 'flaky' && chance.is(FLAKY));
    if (writes && fails && disk.state !== 'sound' && disk.state !== 'slow') {
      counter.add(REFUSED[disk.state]);
      const [code, text] = TROUBLE[disk.state];
      throw new StorageError(code, text);
    }
    if (writes) note(name);
    const result = run();
    return half('after', name) || !alive() ? never() : result;
  };
  const remote = Object.fromEntries(
    Object.entries(modules).map(([module, factory]) => {
      const methods = factory(db) as Readonly<Record<string, (...args: unknown[]) => unknown>>;
      const asked = Object.entries(methods).map(([method, run]) => [
        method,
        // Copied, as it is on its way to another thread and back.
        (...args: unknown[]) => {
          const sent = structuredClone(args);
          return call(`${module}.${method}`, () => structuredClone(run(...sent)));
        },
      ]);
      return [module, Object.fromEntries(asked)];
    }),
  );
  return {
    path: ':memory:',
    remarks: [],
    // The methods are those of the modules, by name.
    remote: remote as Database<Modules>['remote'],
    pending: () => 0,
    beforeClose: () => {},
    close: async () => {},
  };
}
