/** An end to a wait for something that may never answer. */

interface Timer {
  after(ms: number, run: () => void): () => void;
}

/** Resolves when `work` does, and after `ms` at the latest; rejects as it does. */
export async function atMost(clock: Timer, ms: number, work: Promise<unknown>): Promise<void> {
  let cancel = (): void => {};
  const enough = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  await Promise.race([work, enough]).finally(() => cancel());
}

/**
 * Settles as `promise` does, but after `ms` at the latest: it then rejects with an Error that says `late`, one sentence. What
 * comes of `promise` later is of no interest.
 */
export function within<T>(clock: Timer, ms: number, late: string, promise: Promise<T>): Promise<T> {
  const { promise: result, resolve, reject } = Promise.withResolvers<T>();
  const cancel = clock.after(ms, () => reject(new Error(late)));
  promise.then(resolve, reject).finally(cancel);
  return result;
}
