/** An end to a wait for something that may never answer. */

/**
 * Settles as `promise` does, but after `ms` at the latest: it then rejects with an Error that says `late`, one sentence. What
 * comes of `promise` later is of no interest.
 */
export function within<T>(
  clock: { after(ms: number, run: () => void): () => void },
  ms: number,
  late: string,
  promise: Promise<T>,
): Promise<T> {
  const { promise: result, resolve, reject } = Promise.withResolvers<T>();
  const cancel = clock.after(ms, () => reject(new Error(late)));
  promise.then(resolve, reject).finally(cancel);
  return result;
}
