/** Writes that are ready at the same moment share one transaction, and so one sync of the disk. */

/**
 * Hands items to `write` in groups: those that are added in the same turn go together, and while one group is under way the next
 * one gathers. An item is answered when its group was written; when `write` rejects, all of its group reject with the same.
 */
export function grouped<I, R>(write: (items: readonly I[]) => Promise<readonly R[]>): (item: I) => Promise<R> {
  interface Entry {
    readonly item: I;
    readonly resolve: (result: Promise<R>) => void;
  }
  let gathering: Entry[] = [];
  let running = false;

  async function run(): Promise<void> {
    // What is added in the same turn goes along.
    await Promise.resolve();
    while (gathering.length > 0) {
      const group = gathering;
      gathering = [];
      const written = Promise.resolve().then(() => write(group.map(({ item }) => item)));
      group.forEach(({ resolve }, at) => {
        resolve(
          written.then((results) => {
            if (at in results) return results[at] as R;
            throw new Error('A write answered for fewer items than it was given.');
          }),
        );
      });
      await written.catch(() => undefined);
    }
    running = false;
  }

  return (item) =>
    new Promise<R>((resolve) => {
      gathering.push({ item, resolve });
      if (running) return;
      running = true;
      void run();
    });
}
