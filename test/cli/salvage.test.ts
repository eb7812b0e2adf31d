/** Calls of a database that was put aside as damaged: taken over once, and posted only where they are not in LeadSquared. */
import { openSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { createClock } from '../../adapters/host/clock.ts';
import { salvaged } from '../../adapters/sqlite/backups/salvage.ts';
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { tempFolder } from '../adapters/sqlite/support.ts';
import { call } from '../delivery/fakes.ts';
import { until, world } from './world.ts';

t.setTimeout(120_000);

async function stored(path: string, ended: readonly CallRecord[]): Promise<void> {
  const database = await openDatabase(path, { onFailure: (error) => t.fail(error.message) });
  const journal = sqliteJournal(database, { clock: createClock(), readerOf: () => null, onTrouble: () => {} });
  await journal.commit({ frames: [], opened: [], released: [], ended });
  await database.close();
}

/** Answered calls of the last minutes. */
const calls = (count: number): CallRecord[] =>
  Array.from({ length: count }, (_, n) => {
    const startedAt = Date.now() - (count - n) * 60_000;
    return call(n, { source: 'asterisk', startedAt, answeredAt: startedAt + 5000, endedAt: startedAt + 65_000 });
  });

const idsIn = (path: string) =>
  [...salvaged(path, Date.now())].flatMap((page) => page.calls.map((one) => one.callSessionId));

t.test('of a damaged file everything is read that stands on pages that are whole', async (t) => {
  const path = join(tempFolder(t), 'logcalld.db');
  const all = calls(600);
  await stored(path, all);
  t.equal(idsIn(path).length, 600);
  const file = openSync(path, 'r+');
  const pages = statSync(path).size / 4096;
  for (const part of [0.4, 0.6]) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, 4096 * Math.floor(part * pages));
  const found = [...salvaged(path, Date.now())];
  const left = found.flatMap((page) => page.calls.map((one) => one.callSessionId));
  t.ok(left.length > 300 && left.length < 600, `${left.length} of 600`);
  t.equal(new Set(left).size, left.length);
  t.equal(
    found.reduce((sum, { unread }) => sum + unread, 0),
    600 - left.length,
    'the others are counted',
  );
  writeFileSync(join(path, '..', 'none'), 'x'.repeat(9000));
  t.throws(() => idsIn(join(path, '..', 'none')), {
    message: /nothing in it can be read any more; "logcalld backfill"/,
  });
  t.throws(() => idsIn(join(path, '..', 'gone')), { message: /does not exist, or this user may not read it/ });
});

t.test('what begins days from now is damage, and not taken over', async (t) => {
  const path = join(tempFolder(t), 'logcalld.db');
  const [first, second, third] = calls(3) as [CallRecord, CallRecord, CallRecord];
  const later = (record: CallRecord, ms: number) => ({ ...record, startedAt: record.startedAt + ms });
  await stored(path, [first, later(second, 3_600_000), later(third, 3 * 86_400_000)]);
  const [page] = [...salvaged(path, Date.now())];
  t.same(
    page?.calls.map((one) => one.callSessionId),
    [first.callSessionId, second.callSessionId],
  );
  t.equal(page?.unread, 1);
});

t.test('a call that waited is posted, one that was posted is not doubled', async (t) => {
  const it = await world([]);
  t.teardown(() => it.end());
  const path = it.config.storage.path;
  const [posted, waiting] = calls(2);
  if (posted === undefined || waiting === undefined) throw new Error('two calls');
  await stored(path, [posted]);
  await it.start();
  const delivered = (count: number) =>
    until(
      () => it.daemon().delivery.snapshot(),
      ({ states }) => states.delivered === count,
    );
  await delivered(1);
  await it.stop();
  // A file that says of the first that it waits as well, as one whose last pages were never written.
  const aside = join(path, '..', 'aside.db');
  await stored(aside, [posted, waiting]);
  writeFileSync(path, 'y'.repeat(20_000));
  await it.start();
  const told = await it.run('status');
  t.match(told.out, /logcalld salvage --config \S+logcalld\.toml .*\.damaged-/);
  t.ok(readdirSync(join(path, '..')).some((name) => name.includes('.damaged-')));
  const dry = await it.run('salvage', aside, '--dry-run');
  t.match(dry.out, /^2 calls would be taken over; 0 are known already, 0 had been settled/);
  const { out, error } = await it.run('salvage', aside);
  t.match(out, /^2 calls were taken over/);
  t.match(error, /looked for in LeadSquared before they are posted/);
  const again = await it.run('salvage', aside);
  t.match(again.out, /^0 calls were taken over; 2 are known already/);
  const other = join(path, '..', 'other.db');
  const [bad, elsewhere] = calls(4).slice(2);
  if (bad === undefined || elsewhere === undefined) throw new Error('two calls');
  await stored(other, [
    { ...bad, callSessionId: 'asterisk:bad' },
    { ...elsewhere, callSessionId: 'branch:1', source: 'branch' },
  ]);
  const file = new BetterSqlite3(other);
  file.exec(`UPDATE session SET json = replace(json, '"talkSeconds"', '"talkSecond~"') WHERE source = 'asterisk'`);
  file.close();
  const strange = await it.run('salvage', other);
  t.match(strange.out, /^0 calls were taken over; 0 are known already, .*, 1 could not be read/);
  t.match(strange.error, /1 call of sources that the config does not have \(branch\) was left alone/);
  const rows = (await it.run('calls', '--json')).out.trim().split('\n');
  t.equal(rows.length, 2);
  for (const row of rows) t.match(JSON.parse(row), { record: { flags: ['salvaged'] } });
  await delivered(2);
  t.equal(it.sandbox.ledger.calls().length, 2);
  t.strictSame(it.sandbox.ledger.doubled(), []);
});
