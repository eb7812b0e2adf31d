/** A number that is erased is nowhere in the files any more, and nothing else is. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { decode, unpack } from '../../../../adapters/sqlite/journal/frames.ts';
import { type Database, openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { type Erasure, FIRST_PLACE } from '../../../../adapters/sqlite/upkeep/erase.ts';
import { answered, commit, frame, record, tempFolder } from '../support.ts';

t.setTimeout(120_000);

const THEIRS = { external: '09845012345', externalE164: '+919845012345' };
/** The same digits in another country. */
const FOREIGN = { external: '0019845012345', externalE164: '+19845012345' };
const OTHERS = { external: '09811111111', externalE164: '+919811111111' };

const wait = (text: string) => frame(answered('c', 1), Buffer.from(text));

async function erased(db: Database, dryRun: boolean, part: Partial<Erasure> = {}) {
  const sum = { calls: 0, waiting: [] as string[], leads: 0, frames: 0, damaged: 0 };
  for (let place: typeof FIRST_PLACE | null = FIRST_PLACE; place !== null; ) {
    const page = await db.remote.upkeep.erase({ digits: '9845012345', e164: '+919845012345', ...part, dryRun, place });
    for (const key of ['calls', 'leads', 'frames', 'damaged'] as const) sum[key] += page[key];
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

  const found = { calls: 2, waiting: ['theirs'], leads: 1, frames: 3, damaged: 0 };
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
