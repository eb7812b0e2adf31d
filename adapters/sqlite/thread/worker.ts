/**
 * The database thread: takes the file for itself, brings the schema up to date, then serves one request after the other.
 *
 * After an I/O error the connection is not used on. What was written without a sync that succeeded may be gone from the disk though
 * it can still be read (the kernel forgets a failed write once it has told of it; wiki.postgresql.org/wiki/Fsync_Errors), and a later
 * sync says nothing about it. So the file is opened anew beside the old connection, which keeps what failed from being read as
 * committed, and the whole log is written into the file and synced again; where somebody reads an older moment of it, as a backup does for
 * hours, it is written over itself and synced. Only then the next request is served. Who asked keeps what it has and asks again.
 */
import { realpathSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type Keeper, keepMark } from '../upkeep/keeper.ts';
import { isDamage } from '../upkeep/look.ts';
import { openGuarded } from '../upkeep/open.ts';
import { rewriteWal } from '../upkeep/wal.ts';
import { connect, explained, openConnection } from './connection.ts';
import { codeOf, isPassing, StorageError, storageError } from './errors.ts';
import { holdDatabase } from './hold.ts';
import { migrate } from './migrate.ts';
import { keepRoom, type Room } from './room.ts';
import type { Connection, FromWorker, ModuleTable, Request, ToWorker, WorkerStart } from './rpc.ts';
import { encodeError } from './rpc.ts';

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
type Served = ReadonlyMap<string, Methods>;

/** An open database. `keeper`, `room`: none of one in memory. */
interface Live {
  db: Connection;
  served: Served;
  readonly keeper: Keeper | null;
  readonly room: Room | null;
  /** Opens another connection to the same file. */
  readonly again: () => Connection;
  readonly release: () => void;
  /** An I/O error was met. */
  broken: boolean;
}

const port = parentPort;
if (port === null) throw new Error('adapters/sqlite/thread/worker must be started as a worker thread.');

const post = (message: FromWorker): void => port.postMessage(message);

let prepare: (db: Connection) => Served = () => new Map();

async function start({ path, modulesUrl, busyTimeoutMs, holder }: WorkerStart): Promise<void> {
  const { modules }: { modules: ModuleTable } = await import(modulesUrl);
  // Calls arrive by name; their arguments were checked by the compiler on the sending side.
  prepare = (db) => new Map(Object.entries(modules).map(([name, factory]) => [name, factory(db) as Methods]));
  if (path === ':memory:') {
    const db = openConnection(path);
    migrate(db);
    ready({ db, served: prepare(db), keeper: null, room: null, again: () => db, release: () => {}, broken: false }, []);
    return;
  }
  // Before anything is read or migrated: the file may belong to another program that runs.
  const release = holdDatabase(path, holder);
  try {
    const real = realpathSync(path);
    const opened = openGuarded({ real, busyTimeoutMs, now: Date.now, prepare });
    const { db, served, remarks } = opened;
    const keeper = keepMark(real, opened, Date.now);
    const room = keepRoom(real, db);
    const again = (): Connection => connect(real, busyTimeoutMs);
    ready({ db, served, keeper, room, again, release, broken: false }, remarks);
  } catch (error) {
    release();
    throw explained(path, error);
  }
}

function ready(live: Live, remarks: Extract<FromWorker, { kind: 'ready' }>['remarks']): void {
  port?.on('message', (message: ToWorker) => {
    if ('close' in message) close(live, message.id);
    else serve(live, message);
  });
  const methods = Object.fromEntries([...live.served].map(([name, own]) => [name, Object.keys(own)]));
  post({ kind: 'ready', methods, remarks });
  served(live);
}

function serve(live: Live, { id, module, method, args }: Request): void {
  try {
    if (live.broken) mend(live);
    const run = live.served.get(module)?.[method];
    if (run === undefined) throw new StorageError('PROGRAM', `The database thread has no method ${module}.${method}.`);
    live.room?.admit(module, method);
    post({ kind: 'result', id, value: run(...args) });
    // What is done to the file as a whole may have emptied the log.
    if (module === 'upkeep') live.keeper?.renewed(live.db);
  } catch (error) {
    post({ kind: 'error', id, error: encodeError(withRemedy(live, error)) });
    troubled(live, error);
    return;
  }
  served(live);
}

/** What passes with the trouble of the file is told as at the opening; what is wrong with a request stays what it is. */
function withRemedy({ db }: Live, error: unknown): unknown {
  return error instanceof StorageError || !isPassing(storageError(error)) ? error : explained(db.name, error);
}

function served(live: Live): void {
  try {
    live.room?.served();
    live.keeper?.touched();
  } catch (error) {
    troubled(live, error);
  }
}

function troubled(live: Live, error: unknown): void {
  const code = codeOf(error) ?? '';
  if (code.startsWith('SQLITE_IOERR') || code === 'EIO') live.broken = true;
  else if (code.startsWith('SQLITE_FULL')) live.room?.full();
  else if (isDamage(error)) {
    const reason = error instanceof Error ? error.message : String(error);
    live.keeper?.suspect(reason);
    const text = `The database ${live.db.name} is damaged (${reason}); the next start looks at all of it, and puts the last backup in its place if need be.`;
    post({ kind: 'broken', error: encodeError(new StorageError(code, text, { cause: error })) });
  }
}

/** See the head of the file. Throws where the trouble goes on. */
function mend(live: Live): void {
  const before = live.db;
  const fresh = live.again();
  try {
    // Attached to the index of the log before the old connection leaves it.
    fresh.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    fresh.close();
    throw error;
  }
  live.db = fresh;
  before.close();
  makeLogSafe(fresh);
  live.served = prepare(fresh);
  live.room?.renewed(fresh);
  live.keeper?.renewed(fresh);
  live.broken = false;
}

/** Throws where the disk still refuses. Nobody else writes. */
function makeLogSafe(fresh: Connection): void {
  const wait = fresh.pragma('busy_timeout', { simple: true });
  // Who reads may do so for hours.
  fresh.pragma('busy_timeout = 0');
  try {
    const [{ busy, log }] = fresh.pragma('wal_checkpoint(TRUNCATE)') as [Readonly<Record<'busy' | 'log', number>>];
    if (busy === 0) return;
    // Somebody else moves the log at this moment.
    if (log < 0) throw new StorageError('SQLITE_IOERR', 'The log cannot be written again after an I/O error yet.');
    rewriteWal(fresh.name, log);
  } finally {
    fresh.pragma(`busy_timeout = ${wait}`);
  }
}

/** Closing the last connection moves the WAL into the file; TRUNCATE first, so that it happens also beside a reader. */
function close(live: Live, id: number): void {
  try {
    if (live.broken) mend(live);
    live.keeper?.closing();
    emptyLog(live);
    live.db.close();
    live.keeper?.closed();
    live.release();
    post({ kind: 'result', id, value: null });
  } catch (error) {
    post({ kind: 'error', id, error: encodeError(error) });
  } finally {
    if (live.db.open) {
      live.db.close();
      live.keeper?.closed();
      live.release();
    }
    port?.close();
  }
}

function emptyLog(live: Live): void {
  try {
    live.db.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    troubled(live, error);
    if (!live.broken) throw error;
    mend(live);
  }
}

start(workerData as WorkerStart).catch((error: unknown) => {
  post({ kind: 'failed', error: encodeError(error) });
  port.close();
});
