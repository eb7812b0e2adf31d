/** Commits so many batches one after the other and closes: `writer.ts PATH COUNT`. Prints the name of each when it is durable. */
import { writeSync } from 'node:fs';
import { createClock } from '../../../../adapters/host/clock.ts';
import { sqliteJournal } from '../../../../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { answered, batch, frame, on, record } from '../support.ts';

const [path = '', count = ''] = process.argv.slice(2);
const database = await openDatabase(path);
const journal = sqliteJournal(database, {
  ...{ clock: createClock(), readerOf: () => null },
  onTrouble: (error) => error !== null && writeSync(1, `trouble ${error.code}\n`),
});
for (let n = 0; n < Number(count); n++) {
  const name = `c${n}`;
  const frames = [1, 2].map((at) => frame(answered(name, at), Buffer.from(name)));
  await journal.commit(batch({ frames, opened: [on(name)], ended: [record(name)] }));
  writeSync(1, `${name}\n`);
}
await database.close();
