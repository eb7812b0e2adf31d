/** What is asked about the database itself; runs in the database thread. */
import type { Connection } from '../thread/rpc.ts';
import { raiseDoubt } from './doubt.ts';
import { eraser } from './erase.ts';
import { type Notice, remember, remembered } from './identity.ts';
import { otherFiles } from './kept.ts';
import { addNotice, backupFound } from './notices.ts';

export function upkeepModule(db: Connection) {
  return {
    /** What happened to the database since a moment (ms since the epoch) and was not acknowledged; the oldest first. */
    notices: ({ since }: { since: number }): readonly Notice[] =>
      (remembered(db, 'notices') ?? []).filter(({ at }) => at >= since),
    /** One more of them: there was no database, and this backup of one of its name was found. `at`, `copiedAt`: ms since the epoch. */
    noteBackup: db.transaction((found: { copy: string; copiedAt: number; at: number }): Notice => {
      const notice = backupFound(db.name, found.copy, found.copiedAt, found.at);
      addNotice(db, notice);
      return notice;
    }).immediate,
    /** Takes all of them away; answers how many there were. */
    acknowledge: db.transaction(({ at }: { at: number }): number => {
      const count = remembered(db, 'notices')?.length ?? 0;
      remember(db, 'notices', null, at);
      return count;
    }).immediate,
    /** A call that began by then and is stored from now on may have been posted: it is looked for first. */
    doubt: db.transaction((args: { until: number; at: number }): void => raiseDoubt(db, args)).immediate,
    ...eraser(db),
    /** Other files that hold what the database held: copies, and what was put aside. */
    otherFiles: (): readonly string[] => otherFiles(db.name),
  };
}
