/** Rows that cannot be read: each is left out and named, and nothing else is worse for it. */
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { batch, connected, frame, manualClock, on, record } from '../adapters/sqlite/support.ts';
import { world } from '../cli/world.ts';

t.setTimeout(60_000);

t.test('a daemon starts over rows that cannot be read', async (t) => {
  const told: string[] = [];
  const log = { write: (_level: string, event: string, text: string) => void told.push(`${event}: ${text}`) };
  const place = await world([], {}, '', { log });
  t.teardown(() => place.end());
  const { path } = place.config.storage;
  const [startedAt, endedAt] = [Date.now() - 60_000, Date.now()];
  const at = { source: 'asterisk', startedAt, endedAt };
  const made = await openDatabase(path);
  const journal = sqliteJournal(made, { clock: manualClock(), readerOf: () => null });
  await journal.commit(batch({ frames: [frame(connected(startedAt, 'asterisk'))] }));
  await journal.commit(batch({ opened: [on('1700.1', 'asterisk')], ended: [record('good', at), record('bad', at)] }));
  await made.remote.users.save({ users: [], at: 1 });
  await made.close();
  const db = new BetterSqlite3(path);
  const changed = [
    "UPDATE session SET json = '{bad' WHERE call_session_id = 'bad'",
    "UPDATE connection SET event = '{bad'",
    "UPDATE delivery_memory SET value = '{bad' WHERE key = 'crm-users'",
  ].map((sql) => db.prepare(sql).run().changes);
  db.prepare("UPDATE delivery SET state = 'delivered', step = NULL").run();
  db.close();
  t.same(changed, [1, 1, 1]);

  await place.start();
  const named = told.filter((text) => text.startsWith('warning: '));
  t.ok(
    named.some((text) =>
      /What is stored of a call cannot be read, and is left out \(bad\): .*logcalld salvage/.test(text),
    ),
    'the call is named',
  );
  t.ok(
    named.some((text) => /the connection to asterisk cannot be read/.test(text)),
    'and so is the connection',
  );
  await place.stop();

  const again = await openDatabase(path);
  t.teardown(() => again.close());
  const ids = async () =>
    (await again.remote.sessions.byIds({ ids: ['good', 'bad'] })).map(({ record: { callSessionId } }) => callSessionId);
  t.same(await ids(), ['good']);
  t.match(await again.remote.calls.list({ limit: 9, scan: 100 }), { rows: [{ record: { callSessionId: 'good' } }] });
  const { changed: mended } = await sqliteJournal(again, { clock: manualClock(), readerOf: () => null }).commit(
    batch({ ended: [record('bad', at)] }),
  );
  t.same(mended, ['bad'], 'what is stored anew takes its place');
  t.same((await ids()).sort(), ['bad', 'good']);
});
