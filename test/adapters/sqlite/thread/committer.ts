/**
 * Commits without end, for the test that kills it: `committer.ts PATH ROUND`. Prints the number of each batch after its
 * commit was acknowledged. Several batches are always under way, so that they share transactions.
 */
import { writeSync } from 'node:fs';
import { sqliteJournal } from '../../../../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { answered, batch, frame, manualClock, on, record } from '../support.ts';

const [path = '', round = ''] = process.argv.slice(2);
const journal = sqliteJournal(await openDatabase(path), { clock: manualClock(), readerOf: () => null });
let last = 0;

async function commitForever(): Promise<never> {
  for (;;) {
    const name = `${round}-${++last}`;
    const events = [1, 2, 3].map((at) => answered(name, at));
    const frames = events.map((event) => frame(event, Buffer.from(name)));
    await journal.commit(batch({ frames, opened: [on(name)], ended: [record(name)] }));
    writeSync(1, `${name}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, commitForever));
