/** Runs all of them, some at a time, and answers in their order. */
export async function inParallel<T>(runs: readonly (() => Promise<T>)[], most: number): Promise<T[]> {
  const done: T[] = [];
  const left = [...runs.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, run] = next;
      done[at] = await run();
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  return done;
}
