/** The real modules of the database as a life sees them: with waiting, trouble of the disk, and crashes at any answer. */
import type BetterSqlite3 from 'better-sqlite3';
import type { Database } from '../../adapters/sqlite/thread/database.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { type Modules, modules } from '../../adapters/sqlite/thread/modules.ts';
import type { SimClock } from './clock.ts';

export type DiskState = 'sound' | 'full' | 'failing' | 'slow';

export interface Disk {
  state: DiskState;
  /** How long a slow disk takes, ms. */
  slowMs: number;
  /** The life ends after so many more half requests: before one was carried out, or after. `null`: it does not. */
  crashIn: number | null;
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

const TROUBLE: Readonly<Record<'full' | 'failing', readonly [string, string]>> = {
  full: ['SQLITE_FULL', 'database or disk is full'],
  failing: ['SQLITE_IOERR_FSYNC', 'disk I/O error'],
};

const never = (): Promise<never> => new Promise(() => {});

export interface StoreParts {
  readonly db: BetterSqlite3.Database;
  readonly disk: Disk;
  readonly clock: SimClock;
  readonly alive: () => boolean;
  readonly crash: () => void;
  readonly note: (what: string) => void;
}

/** The handle of the database for one life. What was committed stays, whatever becomes of the life. */
export function simDatabase({ db, disk, clock, alive, crash, note }: StoreParts): Database {
  const half = (): boolean => {
    if (disk.crashIn === null) return false;
    disk.crashIn -= 1;
    if (disk.crashIn > 0) return false;
    disk.crashIn = null;
    crash();
    return true;
  };
  const call = async (name: string, run: () => unknown): Promise<unknown> => {
    if (!alive() || half()) return never();
    const writes = WRITES.has(name);
    if (writes && disk.state === 'slow') await new Promise<void>((resolve) => clock.after(disk.slowMs, resolve));
    if (!alive()) return never();
    if (writes && (disk.state === 'full' || disk.state === 'failing')) {
      const [code, text] = TROUBLE[disk.state];
      throw new StorageError(code, text);
    }
    if (writes) note(name);
    const result = run();
    return half() || !alive() ? never() : result;
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
