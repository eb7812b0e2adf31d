/** Calls that an operator has judged anew: newer facts are never replaced by older ones. */
import { join } from 'node:path';
import t from 'tap';
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { correct } from '../../src/daemon/answers/handlers.ts';
import type { JournalBatch } from '../../src/ports.ts';
import { batch, manualClock, record, tempFolder } from '../adapters/sqlite/support.ts';

t.test('what changed since it was seen is left alone, at whatever moment', async (t) => {
  const database = await openDatabase(join(tempFolder(t), 'x.db'));
  t.teardown(() => database.close());
  const journal = sqliteJournal(database, { clock: manualClock(), readerOf: () => null });
  await journal.commit(batch({ ended: [record('a'), record('b')] }));
  const corrected: string[] = [];
  const parts = {
    // Newer facts of one of them are stored after the operator's have been taken, and before they are.
    journal: {
      async commit(late: JournalBatch) {
        await journal.commit(batch({ ended: [record('a', { sip: 200 })] }));
        return journal.commit(late);
      },
    },
    delivery: { notify: () => {} },
    onCorrected: (records: readonly CallRecord[]) => void corrected.push(...records.map((one) => one.callSessionId)),
  };
  const anew = (id: string, revision: number) => ({ record: record(id, { sip: 480 }), revision });
  const done = correct(parts, { items: [anew('a', 1), anew('b', 1), anew('c', 0), anew('d', 3)] });
  t.same(await done, { inserted: ['c'], changed: ['b'], moved: ['a', 'd'] });
  t.same(corrected, ['b', 'c']);
  t.match(await database.remote.sessions.get('a'), { session: { revision: 2, record: { sip: 200 } } });
  t.same(await database.remote.sessions.get('d'), { found: 'none' });
  t.same(await correct(parts, { items: [anew('b', 1)] }), { inserted: [], changed: [], moved: ['b'] });
});
