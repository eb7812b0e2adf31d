/**
 * The messages between the main thread and the database thread, and the types that make one look like the other.
 *
 * A module is a plain function of the connection that returns its methods. Methods take and return values that survive
 * structured cloning. Messages of a port arrive in the order they were posted and the thread handles each to its end
 * before the next: so requests are served strictly in order.
 */
import type BetterSqlite3 from 'better-sqlite3';
import { StorageError, storageError } from './errors.ts';
import type { Holder } from './holder.ts';

/** What an opening found or did, for the log. */
export interface Remark {
  readonly level: 'error' | 'warn' | 'notice';
  readonly text: string;
}

export type Connection = BetterSqlite3.Database;

/** Made once, after the migrations; the place to prepare statements. */
export type ModuleFactory = (db: Connection) => object;

export type ModuleTable = Readonly<Record<string, ModuleFactory>>;

/** A module as the main thread sees it: every method answers with a promise. */
export type Remote<F extends ModuleFactory> = {
  readonly [K in keyof ReturnType<F>]: ReturnType<F>[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<R>
    : never;
};

export type Remotes<M extends ModuleTable> = { readonly [K in keyof M]: Remote<M[K]> };

/** What the database thread is started with. */
export interface WorkerStart {
  readonly path: string;
  /** URL of a file that exports `modules: ModuleTable`. */
  readonly modulesUrl: string;
  readonly busyTimeoutMs: number;
  /** Who writes the file, for others that want to. */
  readonly holder: Holder | null;
}

export interface Request {
  readonly id: number;
  readonly module: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** `close` is answered after the file is closed; nothing is served after it. */
export type ToWorker = Request | { readonly id: number; readonly close: true };

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly stack: string | null;
}

export type FromWorker =
  | {
      readonly kind: 'ready';
      readonly methods: Readonly<Record<string, readonly string[]>>;
      readonly remarks: readonly Remark[];
    }
  | { readonly kind: 'failed'; readonly error: WireError }
  /** Nothing that is stored or read from now on can be trusted. */
  | { readonly kind: 'broken'; readonly error: WireError }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: WireError };

export function encodeError(thrown: unknown): WireError {
  const error = storageError(thrown);
  const origin = error.cause instanceof Error ? error.cause : error;
  return { code: error.code, message: error.message, stack: origin.stack ?? null };
}

/** The error as it was in the database thread, with the stack of that thread as its cause. */
export function decodeError(wire: WireError): StorageError {
  const cause = new Error(wire.message);
  if (wire.stack !== null) cause.stack = wire.stack;
  return new StorageError(wire.code, wire.message, { cause });
}

/** Builds the objects of the main thread from the names of the methods that the thread announced. */
export function remotes<M extends ModuleTable>(
  methods: Readonly<Record<string, readonly string[]>>,
  send: (module: string, method: string, args: readonly unknown[]) => Promise<unknown>,
): Remotes<M> {
  const table = Object.fromEntries(
    Object.entries(methods).map(([module, names]) => [
      module,
      Object.fromEntries(names.map((method) => [method, (...args: readonly unknown[]) => send(module, method, args)])),
    ]),
  );
  // The thread built `methods` from the very table M describes, so names and types agree.
  return table as Remotes<M>;
}
