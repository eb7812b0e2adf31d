/** The end of what is in memory: it is offered once more when the disk may have room again, and what is lost is told. */
import type { SqliteJournal } from '../../../adapters/sqlite/journal/port.ts';
import type { Database } from '../../../adapters/sqlite/thread/database.ts';
import { events } from '../../events.ts';
import type { Pipeline } from '../../pipeline.ts';
import type { Log } from '../../ports.ts';

interface LeavingParts {
  readonly database: Pick<Database, 'beforeClose' | 'close' | 'path'>;
  readonly journal: Pick<SqliteJournal, 'drain'>;
  readonly pipeline: Pick<Pipeline, 'offerLeft' | 'unstoredCalls'>;
  readonly log: Log;
}

/** The answer closes the database. After the journal is made, whose own end comes first: it may bring the room. */
export function leaving({ database, journal, pipeline, log }: LeavingParts): () => Promise<void> {
  database.beforeClose(async () => {
    const offered = pipeline.offerLeft();
    await journal.drain();
    await offered;
  });
  return async () => {
    try {
      await database.close();
    } finally {
      const left = pipeline.unstoredCalls();
      if (left > 0) {
        const text = `${left} calls that had ended were not stored in ${database.path} before logcalld stopped, and are lost to it: free some space, then look for them with "logcalld backfill".`;
        events.database(log, 'error', text);
      }
    }
  };
}
