/** The journal of version 0.1 becomes segments, and nothing of it is lost. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { eventsOf, keptFrames } from '../../../../adapters/sqlite/journal/events.ts';
import { KIND } from '../../../../adapters/sqlite/journal/frames.ts';
import { sqliteJournal } from '../../../../adapters/sqlite/journal/port.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { type Database, openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { loadMigrations, migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';
import { CallTable, DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { labPlan, readers } from '../../../support/recordings.ts';
import { answered, connected, lost, manualClock, tempFolder } from '../support.ts';

/** Made by version 0.1 with a call of each PBX going on, and killed; the first frames have lost their bytes, as after a week. */
const REAL = new URL('../../../fixtures/databases/0.1-open-calls.db.gz', import.meta.url);

/** How version 0.1 read the events of its open calls. */
const OPEN_EVENTS = `SELECT json FROM event WHERE seq IN (
    SELECT event.seq FROM open_channel
    CROSS JOIN event ON event.source = open_channel.source AND event.channel = open_channel.channel
    UNION
    SELECT event.seq FROM refold_start
    CROSS JOIN event ON event.source = refold_start.source AND event.channel IS NULL AND event.seq >= refold_start.seq
  ) ORDER BY seq`;

const parse = (json: string): CallEvent => JSON.parse(json);

async function openEvents(database: Database): Promise<readonly CallEvent[]> {
  const readerOf = (source: string) => readers[source] ?? null;
  const found: CallEvent[] = [];
  for await (const page of sqliteJournal(database, { clock: manualClock(), readerOf }).openEvents())
    found.push(...page);
  return found;
}

/** The live calls that these events make. */
function fold(events: readonly CallEvent[], source: 'asterisk' | 'freeswitch') {
  const table = new CallTable(source, labPlan(source), DEFAULT_RULES);
  const own = events.filter((event) => event.source === source);
  for (const event of own) table.apply(event);
  return table.live(Math.max(...own.map(({ receivedAt }) => receivedAt)));
}

t.test('a database of version 0.1 with calls going on', async (t) => {
  const path = join(tempFolder(t), 'old.db');
  writeFileSync(path, gunzipSync(readFileSync(REAL)));
  const db = openConnection(path);
  const before = db.prepare<[], string>(OPEN_EVENTS).pluck().all().map(parse);
  const frames = db
    .prepare<[], { source: string; raw: Buffer | null }>('SELECT source, raw FROM frame ORDER BY id')
    .all();
  const calls = db.prepare('SELECT json FROM session ORDER BY 1').pluck().all();
  db.close();

  const database = await openDatabase(path);
  const after = await openEvents(database);
  for (const source of ['asterisk', 'freeswitch'] as const) {
    const live = fold(after, source);
    t.ok(live.length > 0, `calls of ${source} go on`);
    t.same(live, fold(before, source));
  }
  const { journal } = database.remote;
  for (const source of ['asterisk', 'freeswitch']) {
    const own = frames.filter((frame) => frame.source === source);
    const kept = (await Array.fromAsync(keptFrames(journal, { source, from: 0 }))).flat();
    t.equal(kept.length, own.length);
    for (const [n, { raw }] of own.entries()) if (raw !== null) t.same(kept[n]?.bytes, raw);
  }
  await database.close();
  const now = openConnection(path);
  t.same(now.prepare('SELECT json FROM session ORDER BY 1').pluck().all(), calls);
  t.same(
    now.prepare("SELECT name FROM sqlite_schema WHERE name IN ('frame', 'event', 'raw_total', 'refold_start')").all(),
    [],
  );
  t.equal(now.pragma('integrity_check', { simple: true }), 'ok');
  now.close();
});

/** A database of version 4 with a journal of `frames`, each of one event. */
function versionFour(path: string, frames: readonly (readonly [CallEvent, Uint8Array | null])[]): Connection {
  const db = openConnection(path);
  migrate(db, loadMigrations().slice(0, 4));
  const addFrame = db.prepare('INSERT INTO frame (source, received_at, raw) VALUES (?, ?, ?)');
  const addEvent = db.prepare(
    'INSERT INTO event (frame_id, source, received_at, at, kind, channel, json) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  for (const [event, raw] of frames) {
    const { lastInsertRowid: id } = addFrame.run(event.source, event.receivedAt, raw);
    const channel = 'channel' in event ? event.channel : null;
    addEvent.run(id, event.source, event.receivedAt, event.at, event.kind, channel, JSON.stringify(event));
  }
  return db;
}

t.test('what it did not keep as bytes stays as events, told apart from what the client says itself', async (t) => {
  const path = join(tempFolder(t), 'old.db');
  const raw = Buffer.from('Event: Hangup');
  const db = versionFour(path, [
    [connected(1), null],
    [answered('a', 2), null],
    [answered('a', 3), raw],
    [connected(4), raw],
    [answered('x', 5), raw],
    [lost(6), null],
  ]);
  db.prepare("INSERT INTO open_channel VALUES ('pbx', 'x'), ('pbx', 'unheard'), ('gone', 'y')").run();
  db.close();
  const database = await openDatabase(path);
  const frames = (await Array.fromAsync(keptFrames(database.remote.journal, { source: 'pbx', from: 0 }))).flat();
  t.match(frames, [
    { kind: KIND.own, at: 1 },
    { kind: KIND.events, at: 2 },
    { kind: KIND.pbx, at: 3, bytes: raw },
    { kind: KIND.wide, at: 4, bytes: raw },
    { kind: KIND.pbx, at: 5, bytes: raw },
    { kind: KIND.own, at: 6 },
  ]);
  t.same(
    frames.slice(0, 2).flatMap((frame) => eventsOf(frame, 'pbx', null)),
    [connected(1), answered('a', 2)],
  );
  t.same(await database.remote.journal.openCalls(), [
    { source: 'gone', channels: ['y'], from: 1, connected: null },
    { source: 'pbx', channels: ['x', 'unheard'], from: 5, connected: JSON.stringify(connected(4)) },
  ]);
  t.same(await database.remote.journal.lastFrameAt({ source: 'pbx', until: Number.MAX_SAFE_INTEGER }), 6);
  await database.close();
});

t.test('a conversion that fails leaves the file as it was', async (t) => {
  const path = join(tempFolder(t), 'old.db');
  const db = versionFour(path, [[answered('a', 2), null]]);
  db.exec("UPDATE event SET json = 'no json'");
  db.close();
  await t.rejects(openDatabase(path), {
    code: 'SCHEMA_MIGRATION',
    message: /0005-segments\.sql.*unchanged at version 4/,
  });
  const again = openConnection(path);
  t.equal(again.pragma('user_version', { simple: true }), 4);
  t.equal(again.prepare('SELECT count(*) FROM event').pluck().get(), 1);
  again.close();
});
