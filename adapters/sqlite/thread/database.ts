/** The main thread's handle of the database: starts the thread, turns method calls into messages, ends it in order. */
import { Worker } from 'node:worker_threads';
import { StorageError } from './errors.ts';
import type { Holder } from './holder.ts';
import type { Modules } from './modules.ts';
import type { FromWorker, ModuleTable, Remark, Remotes, ToWorker, WorkerStart } from './rpc.ts';
import { decodeError, remotes } from './rpc.ts';

export interface OpenOptions {
  /** How long a statement waits for a lock of another program, ms. */
  readonly busyTimeoutMs?: number;
  /** What others that want to write the file are told of this program. */
  readonly holder?: Holder;
  /** Called once when the database thread ends without having been asked to, or finds the file damaged. Nothing can be stored after that. */
  readonly onFailure?: (error: StorageError) => void;
}

export interface Database<M extends ModuleTable = Modules> {
  readonly path: string;
  /** What the opening found or did, for the log. */
  readonly remarks: readonly Remark[];
  /** The modules: `remote.journal.commit(...)`. A failed call rejects with `StorageError`. */
  readonly remote: Remotes<M>;
  /** Requests that wait for their answer. */
  pending(): number;
  /** Adds work to be done by `close` while requests are still served; run in the order added. */
  beforeClose(finish: () => Promise<void>): void;
  /** Finishes what was asked, moves the WAL into the file and closes it. Later calls reject; closing again waits for the same. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StorageError) => void;
}

const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * Opens or creates the database file with all modules of the program, and keeps other writers away until it is closed. Rejects
 * with `StorageError`, one clear sentence.
 */
export function openDatabase(path: string, options: OpenOptions = {}): Promise<Database> {
  return openWith<Modules>(path, new URL(`./modules${SUFFIX}`, import.meta.url), options);
}

/** The same with another table of modules: the file at `modulesUrl` exports it as `modules`. */
export async function openWith<M extends ModuleTable>(
  path: string,
  modulesUrl: URL,
  options: OpenOptions = {},
): Promise<Database<M>> {
  const { busyTimeoutMs = 5_000, holder = null } = options;
  const workerData: WorkerStart = { path, modulesUrl: modulesUrl.href, busyTimeoutMs, holder };
  const worker = new Worker(new URL(`./worker${SUFFIX}`, import.meta.url), { workerData, name: 'sqlite' });
  return handle<M>(worker, path, await readiness(worker, path), options);
}

type Ready = Extract<FromWorker, { kind: 'ready' }>;

function readiness(worker: Worker, path: string): Promise<Ready> {
  const { promise, resolve, reject } = Promise.withResolvers<Ready>();
  const onError = (error: Error): void => reject(ended(path, error.message));
  const onExit = (code: number): void => reject(ended(path, `exit code ${code}`));
  worker.once('error', onError);
  worker.once('exit', onExit);
  worker.once('message', (message: FromWorker) => {
    if (message.kind === 'ready') resolve(message);
    else if (message.kind === 'failed') reject(decodeError(message.error));
  });
  return promise.finally(() => worker.off('error', onError).off('exit', onExit));
}

function handle<M extends ModuleTable>(
  worker: Worker,
  path: string,
  { methods, remarks }: Ready,
  options: OpenOptions,
): Database<M> {
  const waiting = new Map<number, Waiting>();
  const finishers: (() => Promise<void>)[] = [];
  let lastId = 0;
  let over: StorageError | null = null;
  let closing: Promise<void> | null = null;
  let told = false;

  const ask = (make: (id: number) => ToWorker): Promise<unknown> => {
    if (over !== null) return Promise.reject(over);
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      worker.postMessage(make(id));
      waiting.set(id, { resolve, reject });
    });
  };

  const fail = (error: StorageError): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    if (over !== null) return;
    over = error;
    tell(error);
  };

  const tell = (error: StorageError): void => {
    if (told) return;
    told = true;
    options.onFailure?.(error);
  };

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'ready' || message.kind === 'failed') return;
    if (message.kind === 'broken') {
      tell(decodeError(message.error));
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === 'result') call?.resolve(message.value);
    else call?.reject(decodeError(message.error));
  });
  worker.on('error', (error) => fail(ended(path, error.message)));
  worker.on('exit', (code) => fail(ended(path, `exit code ${code}`)));

  const shut = async (): Promise<void> => {
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    try {
      for (const finish of finishers) await finish();
    } finally {
      const closed = ask((id) => ({ id, close: true }));
      over ??= new StorageError('WORKER_CLOSED', `The database ${path} is closed.`);
      await closed;
      await exited;
    }
  };

  return {
    path,
    remarks,
    remote: remotes<M>(methods, (module, method, args) => ask((id) => ({ id, module, method, args }))),
    pending: () => waiting.size,
    beforeClose: (finish) => finishers.push(finish),
    close: () => {
      closing ??= shut();
      return closing;
    },
  };
}

function ended(path: string, reason: string): StorageError {
  return new StorageError(
    'WORKER_ENDED',
    `The thread of the database ${path} ended unexpectedly (${reason}): logcalld must be started again.`,
  );
}
