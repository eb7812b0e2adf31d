/**
 * Group commit: what arrives while a transaction is under way goes together into the next one, so that one sync of the
 * disk makes all of it durable. Nothing is answered before its transaction is durable.
 *
 * When the file has passing trouble (disk full, I/O error, locked) everything is kept, in order, and tried again after a
 * growing pause. What is kept is bounded by `maxWeight`: beyond it new items are refused with code `BACKLOG_FULL`, so
 * that the owner stops reading and treats the time as a gap, instead of the process dying with everything it holds.
 */
import { isPassing, StorageError, storageError } from './errors.ts';

export interface GroupCommitStatus {
  /** Items that are not durable yet, and their weight. */
  readonly pending: number;
  readonly pendingWeight: number;
  /** The sentence of the present trouble; `null` while commits succeed. */
  readonly trouble: string | null;
  readonly failedAttempts: number;
}

export interface GroupCommitOptions<I, R> {
  /** One durable transaction. Answers for each item in order; throws when nothing was stored. */
  readonly commit: (items: readonly I[]) => Promise<readonly (R | StorageError)[]>;
  readonly weigh: (item: I) => number;
  /** Most weight in one transaction; a single item may be heavier. */
  readonly maxTransaction: number;
  /** Most weight kept while it cannot be stored. */
  readonly maxWeight: number;
  /** Calls back once after `ms`; the returned function cancels. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** Called when trouble begins or has another sentence, and with `null` when it is over. */
  readonly onTrouble?: (error: StorageError | null) => void;
}

export interface GroupCommit<I, R> {
  add(item: I): Promise<R>;
  status(): GroupCommitStatus;
  /**
   * Resolves when all that was added is durable. In trouble it tries once more and then rejects what is left with
   * the reason, so that an end of the program never hangs on a full disk.
   */
  drain(): Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

interface Entry<I, R> {
  readonly item: I;
  readonly weight: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: StorageError) => void;
}

export function groupCommit<I, R>(options: GroupCommitOptions<I, R>): GroupCommit<I, R> {
  const { commit, weigh, maxTransaction, maxWeight, after, onTrouble } = options;
  const queue: Entry<I, R>[] = [];
  let weight = 0;
  let running: Promise<void> | null = null;
  let cancelPause: (() => void) | null = null;
  let trouble: StorageError | null = null;
  let failedAttempts = 0;

  /** The items of the next transaction; they stay in the queue until their fate is known. */
  const group = (): readonly Entry<I, R>[] => {
    let sum = 0;
    const end = queue.findIndex((entry, index) => {
      sum += entry.weight;
      return index > 0 && sum > maxTransaction;
    });
    return queue.slice(0, end === -1 ? queue.length : end);
  };

  const settle = (entries: readonly Entry<I, R>[], results: readonly (R | StorageError)[] | StorageError): void => {
    queue.splice(0, entries.length);
    entries.forEach((entry, index) => {
      weight -= entry.weight;
      const result = results instanceof StorageError ? results : results[index];
      if (result instanceof StorageError) entry.reject(result);
      else if (result !== undefined) entry.resolve(result);
      else entry.reject(new StorageError('PROGRAM', 'The journal answered for fewer batches than it was given.'));
    });
  };

  const recovered = (): void => {
    failedAttempts = 0;
    if (trouble === null) return;
    trouble = null;
    onTrouble?.(null);
  };

  const failed = (error: StorageError): void => {
    failedAttempts += 1;
    const told = trouble?.message;
    trouble = error;
    if (told !== error.message) onTrouble?.(error);
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failedAttempts - 1), LONGEST_PAUSE_MS);
    cancelPause = after(pause, () => {
      cancelPause = null;
      wake();
    });
  };

  const run = async (): Promise<void> => {
    // What is added in the same turn of the event loop goes along.
    await Promise.resolve();
    try {
      while (queue.length > 0 && (await attempt()));
    } finally {
      // In the same step as the last look at the queue: whatever is added after that starts a new run.
      running = null;
    }
  };

  const present = (): StorageError | null => trouble;

  const endPause = (): void => {
    cancelPause?.();
    cancelPause = null;
  };

  /** One transaction; false when it has to wait. */
  const attempt = async (): Promise<boolean> => {
    const entries = group();
    try {
      const results = await commit(entries.map(({ item }) => item));
      settle(entries, results);
      recovered();
    } catch (thrown) {
      const error = storageError(thrown);
      if (isPassing(error)) {
        failed(error);
        return false;
      }
      settle(entries, error);
    }
    return true;
  };

  const start = (): Promise<void> => {
    running ??= run();
    return running;
  };

  /** `run` settles each entry's own promise and has no other way to fail than a throwing `onTrouble`. */
  const wake = (): void => {
    start().catch((error: unknown) => settle([...queue], storageError(error)));
  };

  return {
    add(item) {
      const own = weigh(item);
      if (weight + own > maxWeight && queue.length > 0) return Promise.reject(backlogFull(queue.length, trouble));
      return new Promise((resolve, reject) => {
        queue.push({ item, weight: own, resolve, reject });
        weight += own;
        if (cancelPause === null) wake();
      });
    },

    status: () => ({ pending: queue.length, pendingWeight: weight, trouble: trouble?.message ?? null, failedAttempts }),

    async drain() {
      endPause();
      await start();
      const reason = present();
      if (reason === null) return;
      // The failed attempt has planned another one.
      endPause();
      settle([...queue], reason);
      throw reason;
    },
  };
}

function backlogFull(pending: number, trouble: StorageError | null): StorageError {
  const reason = trouble?.message ?? 'the disk is too slow';
  return new StorageError(
    'BACKLOG_FULL',
    `The journal holds ${pending} batches it could not store (${reason}) and takes no more: mend the disk.`,
  );
}
