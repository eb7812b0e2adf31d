/** Compresses what the journal holds, piece by piece, when nothing else waits to be stored. */
import type { SqliteJournal } from '../../../adapters/sqlite/journal/port.ts';
import type { Clock } from '../../ports.ts';

/** How often it is looked whether there is something to compress, ms. */
const EVERY_MS = 30_000;
/** Between two pieces, and while the journal is busy, ms. */
const PAUSE_MS = 100;
/** So much waits to be stored that compressing must wait. */
const BUSY_BYTES = 1 << 20;
/** What came so long ago is compressed, however little it is, ms. */
const AGE_MS = 600_000;

/** `onFault`: one sentence. */
export function keepSealing(
  journal: Pick<SqliteJournal, 'seal' | 'status'>,
  clock: Pick<Clock, 'now' | 'after'>,
  onFault: (why: string) => void,
): { stop(): void } {
  let cancel = () => {};
  let stopped = false;

  const seal = async (): Promise<number> => {
    if (journal.status().pendingWeight > BUSY_BYTES) return PAUSE_MS;
    const { more } = await journal.seal({ before: clock.now() - AGE_MS });
    return more ? PAUSE_MS : EVERY_MS;
  };

  const later = (ms: number): void => {
    if (stopped) return;
    cancel = clock.after(ms, () => {
      seal().then(later, (error: unknown) => {
        onFault(`The journal could not be compressed: ${String(error)}`);
        later(EVERY_MS);
      });
    });
  };

  later(EVERY_MS);
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}
