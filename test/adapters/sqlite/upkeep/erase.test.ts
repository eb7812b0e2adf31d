/** A number that is erased is nowhere in the files any more, and nothing else is. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { decode, unpack } from '../../../../adapters/sqlite/journal/frames.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { type Database, openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import { type Erasure, eraser, FIRST_PLACE } from '../../../../adapters/sqlite/upkeep/erase.ts';
import type { SourceFrame } from '../../../../src/ports.ts';
import { answered, commit, frame, on, record, tempFolder } from '../support.ts';

t.setTimeout(120_000);

const THEIRS = { external: '09845012345', externalE164: '+919845012345' };
/** The same digits in another country. */
const FOREIGN = { external: '0019845012345', externalE164: '+19845012345' };
const OTHERS = { external: '09811111111', externalE164: '+919811111111' };

const wait = (text: string) => frame(answered('c', 1), Buffer.from(text));

async function erased(db: Database, dryRun: boolean, part: Partial<Erasure> = {}) {
  const sum = { calls: 0, waiting: [] as string[], leads: 0, frames: 0, needed: 0, damaged: 0 };
  for (let place: typeof FIRST_PLACE | null = FIRST_PLACE; place !== null; ) {
    const page = await db.remote.upkeep.erase({ digits: '9845012345', e164: '+919845012345', ...part, dryRun, place });
    for (const key of ['calls', 'leads', 'frames', 'needed', 'damaged'] as const) sum[key] += page[key];
    sum.waiting.push(...page.waiting);
    place = page.next;
  }
  return sum;
}

async function framesOf(db: Database): Promise<readonly string[]> {
  const { bytes } = await db.remote.journal.frames({ source: 'pbx', from: 0 });
  return [...decode(bytes)].map((one) => one.bytes.toString());
}

/** Text in all files of the database, with what is compressed in them unpacked where a frame of zstd begins. */
function textOf(path: string): string {
  const files = readdirSync(dirname(path)).map((name) => readFileSync(join(dirname(path), name)));
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  return files
    .flatMap((file) => {
      const texts = [file.toString('latin1')];
      for (let at = file.indexOf(magic); at >= 0; at = file.indexOf(magic, at + 1)) {
        try {
          texts.push(unpack(file.subarray(at)).toString('latin1'));
        } catch {
          // Not the beginning of one, or one that goes on elsewhere.
        }
      }
      return texts;
    })
    .join('\n');
}

t.test('calls, leads, and frames in every writing; what waits is named; what is of others stays', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openDatabase(path);
  const lead = { id: 'l', name: 'Their Name', ownerId: null } as never;
  await db.remote.leadCache.put({ number: '+919845012345', lead, at: 1, forgetBefore: 0 });
  await db.remote.leadCache.put({ number: '+919811111111', lead, at: 1, forgetBefore: 0 });
  const old = [
    'CallerIDNum: +919845012345\r\n',
    'n: %2B91%2098450%2D12345',
    'sip:09811111111@pbx',
    'Uniqueid: 9845012345.12',
  ];
  await commit(db.remote.journal, { frames: old.map(wait), ended: [record('old', THEIRS)] });
  await db.remote.journal.seal({ before: Date.now() });
  await commit(db.remote.journal, { frames: [wait('"98450 12345" <098450-12345>'), wait('198450123456')] });
  const ended = [record('theirs', THEIRS), record('foreign', FOREIGN), record('others', OTHERS)];
  await commit(db.remote.journal, { ended: [...ended, record('talked', { ...OTHERS, externalName: '98450 12345' })] });
  const done = ['old', 'talked', 'foreign', 'others'];
  const rows = await db.remote.calls.selected({ filter: { ids: done }, after: 0, limit: 9, scan: 9 });
  t.equal(rows.rows.length, 4);
  await settleAll(db, done);

  const found = { calls: 2, waiting: ['theirs'], leads: 1, frames: 3, needed: 0, damaged: 0 };
  t.same(await erased(db, true), found);
  t.equal((await framesOf(db))[0], old[0], 'a dry run changes nothing');
  t.same(await erased(db, false), found);
  t.same(await framesOf(db), [
    ...['CallerIDNum: +910000000000\r\n', 'n: %2B91%2000000%2D00000', 'sip:09811111111@pbx', 'Uniqueid: 9845012345.12'],
    ...['"00000 00000" <000000-00000>', '198450123456'],
  ]);
  const { found: left } = await db.remote.sessions.list({ limit: 9, offset: 0 });
  t.same(left.map(({ record }) => record.callSessionId).sort(), ['foreign', 'others', 'theirs']);
  t.same(await db.remote.leadCache.get({ number: '+919845012345' }), null);
  await settleAll(db, ['theirs']);
  t.match(await erased(db, false), { calls: 1, waiting: [], frames: 0 });
  t.same(await db.remote.upkeep.tidy(), { left: null });
  await db.remote.journal.alive();
  const text = textOf(path);
  t.ok(text.includes('9811111111') && text.includes('sip:09811111111@pbx'), 'what is looked through is what is stored');
  t.notMatch(text.replaceAll('9845012345.12', '').replaceAll('19845012345', ''), /98450.{0,3}12345/s);
  await db.close();
  const again = await openDatabase(path);
  t.same(await again.remote.upkeep.notices({ since: 0 }), []);
  await again.close();
});

t.test('frames of which calls that go on are folded again stay, until these are over', async (t) => {
  const db = await openDatabase(join(tempFolder(t), 'x.db'));
  const before = ['ch-1 +919845012345', 'Event: Cdr 9845012345'];
  await commit(db.remote.journal, { frames: before.map(wait) });
  const own: SourceFrame = { ...wait(''), raw: null };
  const since = ['ch-1 09845012345', 'ch-12 09845012345', 'ch-2 09811111111'];
  await commit(db.remote.journal, { frames: [...since.map(wait), own], opened: [on('ch-1')] });
  const sealed = ['+919845012345 ch-1'];
  await commit(db.remote.journal, { frames: sealed.map(wait) });
  await db.remote.journal.seal({ before: Date.now() });
  await commit(db.remote.journal, { frames: [wait('ch-1 98450 12345'), wait('ch-3 98450 12345')] });
  t.match(await erased(db, true), { frames: 4, needed: 3 });
  t.match(await erased(db, false), { frames: 4, needed: 3 });
  const left = ['ch-1 09845012345', 'ch-12 00000000000', 'ch-2 09811111111'];
  const all = await framesOf(db);
  t.same(all.slice(0, 5), ['ch-1 +910000000000', 'Event: Cdr 0000000000', ...left]);
  t.same(all.slice(6), ['+919845012345 ch-1', 'ch-1 98450 12345', 'ch-3 00000 00000']);
  await commit(db.remote.journal, { released: [on('ch-1')] });
  t.match(await erased(db, false), { frames: 3, needed: 0 });
  t.notMatch((await framesOf(db)).join('\n'), /98450.?12345/);
  await db.close();
});

t.test('a number that says that it is of another country is left alone', async (t) => {
  const db = await openDatabase(join(tempFolder(t), 'x.db'));
  const others = ['+19845012345', '%2B1%2098450%2012345', '001 9845012345', '+44 9845012345'];
  const theirs = ['+91 9845012345', '0091-98450-12345', '19845012345', '+999845012345', '10019845012345'];
  await commit(db.remote.journal, { frames: [...others, ...theirs].map(wait) });
  t.match(await erased(db, false, { e164: null, digits: '811111111' }), { frames: 0 });
  t.match(await erased(db, true, { e164: null }), { frames: 9 });
  t.match(await erased(db, false), { frames: 5 });
  t.same((await framesOf(db)).slice(0, 4), others);
  await db.close();
});

t.test('what is sealed between two pages is not passed over', async (t) => {
  const db = await openDatabase(join(tempFolder(t), 'x.db'));
  await commit(db.remote.journal, { frames: [wait('+919845012345')] });
  const args = { digits: '9845012345', e164: '+919845012345', dryRun: false };
  let place: typeof FIRST_PLACE | null = FIRST_PLACE;
  for (const stages = new Set<string>(); place !== null; ) {
    // Each time the next stage is about to begin.
    if (!stages.has(place[0]) && place[0] !== 'calls') {
      await db.remote.journal.seal({ before: Date.now() });
      await commit(db.remote.journal, { frames: [wait(`+919845012345 before ${place[0]}`)] });
    }
    stages.add(place[0]);
    ({ next: place } = await db.remote.upkeep.erase({ ...args, place }));
  }
  const frames = await framesOf(db);
  t.same(frames.slice(0, 2), ['+910000000000', '+910000000000 before leads']);
  await db.close();
});

t.test('the file is written anew through a file beside it, not in memory', async (t) => {
  const folder = tempFolder(t);
  const db = openConnection(join(folder, 'x.db'));
  migrate(db);
  const before = db.pragma('temp_store', { simple: true });
  t.same(eraser(db).tidy(), { left: null });
  t.equal(db.pragma('temp_store_directory', { simple: true }), folder);
  t.equal(db.pragma('temp_store', { simple: true }), before);
  const reader = new BetterSqlite3(db.name, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM session').get();
  db.pragma('busy_timeout = 0');
  t.match(eraser(db).tidy(), { left: /Another program reads the database/ });
  reader.close();
  db.close();
  t.end();
});

/** Skips calls, as an operator's filter would have. */
async function settleAll(db: Database, ids: readonly string[]): Promise<void> {
  const owner = 'a';
  const claim = { owner, now: 1e9, leaseUntil: 2e9, liveSince: -1, liveAfter: 0, except: [], checkAt: 0 };
  const { rows } = await db.remote.outbox.claim({
    ...{ ...claim, wanted: { live: 99, backlog: 99, aside: 0, retry: 0 }, steps: ['look-up'] },
  });
  const wanted = await db.remote.calls.selected({ filter: { ids }, after: 0, limit: 99, scan: 99 });
  const from = { state: 'pending', step: 'look-up' } as const;
  const items = wanted.rows.map(({ id }) => ({
    ...{ id, owner, from, to: { state: 'skipped', step: null } as const, revision: 1, now: 1, dueAt: 0, reason: null },
  }));
  if (rows.length === 0) throw new Error('Nothing was claimed.');
  await db.remote.outbox.settle({ items });
  const others = rows.length - items.length;
  if (others > 0)
    await db.remote.outbox.open({ bootId: 'b', wall: 3e9, monotonic: 3e9, checkMs: 0, latestMs: 0, alone: true });
  if (others > 0)
    await db.remote.outbox.claim({
      ...claim,
      now: 4e9,
      wanted: { live: 0, backlog: 0, aside: 1, retry: 0 },
      steps: [],
    });
}
