/** The database thread: takes the file for itself, brings the schema up to date, then serves one request after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { explained, openConnection } from './connection.ts';
import { StorageError } from './errors.ts';
import { holdDatabase } from './hold.ts';
import { migrate } from './migrate.ts';
import type { Connection, FromWorker, ModuleTable, Request, ToWorker, WorkerStart } from './rpc.ts';
import { encodeError } from './rpc.ts';

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

const port = parentPort;
if (port === null) throw new Error('adapters/sqlite/thread/worker must be started as a worker thread.');

const post = (message: FromWorker): void => port.postMessage(message);

async function start({ path, modulesUrl, busyTimeoutMs, holder }: WorkerStart): Promise<void> {
  const { modules }: { modules: ModuleTable } = await import(modulesUrl);
  // Before anything is read or migrated: the file may belong to another program that runs.
  const release = path === ':memory:' ? () => {} : holdDatabase(path, holder);
  try {
    open(path, busyTimeoutMs, modules, release);
  } catch (error) {
    release();
    throw error;
  }
}

function open(path: string, busyTimeoutMs: number, modules: ModuleTable, release: () => void): void {
  const db = openConnection(path, busyTimeoutMs);
  const served = prepare(db, modules);
  port?.on('message', (message: ToWorker) => {
    if ('close' in message) close(db, message.id, release);
    else serve(served, message);
  });
  post({ kind: 'ready', methods: Object.fromEntries([...served].map(([name, own]) => [name, Object.keys(own)])) });
}

function prepare(db: Connection, modules: ModuleTable): ReadonlyMap<string, Methods> {
  try {
    migrate(db);
    // Calls arrive by name; their arguments were checked by the compiler on the sending side.
    return new Map(Object.entries(modules).map(([name, factory]) => [name, factory(db) as Methods]));
  } catch (error) {
    db.close();
    throw explained(db.name, error);
  }
}

function serve(served: ReadonlyMap<string, Methods>, { id, module, method, args }: Request): void {
  try {
    const run = served.get(module)?.[method];
    if (run === undefined) throw new StorageError('PROGRAM', `The database thread has no method ${module}.${method}.`);
    post({ kind: 'result', id, value: run(...args) });
  } catch (error) {
    post({ kind: 'error', id, error: encodeError(error) });
  }
}

/** Closing the last connection moves the WAL into the file; TRUNCATE first, so that it happens also beside a reader. */
function close(db: Connection, id: number, release: () => void): void {
  try {
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    release();
    post({ kind: 'result', id, value: null });
  } catch (error) {
    post({ kind: 'error', id, error: encodeError(error) });
  } finally {
    if (db.open) {
      db.close();
      release();
    }
    port?.close();
  }
}

start(workerData as WorkerStart).catch((error: unknown) => {
  post({ kind: 'failed', error: encodeError(error) });
  port.close();
});
