/** What is in memory alone when the daemon stops; and a start that fails when the database is open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { isHealthy } from '../../src/daemon/metrics.ts';
import { leaving } from '../../src/daemon/upkeep/leaving.ts';
import { createLengthy } from '../../src/daemon/upkeep/lengthy.ts';
import { openStorage } from '../../src/daemon/upkeep/storage.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { FakeClock } from '../delivery/fakes.ts';

const logOf = (told: string[]) => ({
  write: (_level: string, event: string, text: string) => void told.push(`${event}: ${text}`),
});

function stop(unstored: number, full = false) {
  const did: string[] = [];
  const told: string[] = [];
  const finishers: (() => Promise<void>)[] = [];
  const journal = {
    async drain() {
      did.push('drain');
      if (full) throw new Error('full');
    },
  };
  const database = {
    path: '/d/x.db',
    beforeClose: (finish: () => Promise<void>) => void finishers.push(finish),
    async close() {
      for (const finish of finishers) await finish();
      did.push('close');
    },
  };
  const pipeline = {
    async offerLeft() {
      did.push('offer');
    },
    unstoredCalls: () => unstored,
  };
  // As the journal does, when it is made.
  database.beforeClose(journal.drain);
  return { close: leaving({ database, journal, pipeline, log: logOf(told) }), did, told };
}

t.test(
  'what was refused is offered when the journal has found room, and stored before the database closes',
  async (t) => {
    const { close, did, told } = stop(0);
    await close();
    t.same(did, ['drain', 'offer', 'drain', 'close']);
    t.same(told, []);
  },
);

t.test('what is lost is told', async (t) => {
  const { close, told } = stop(3, true);
  await t.rejects(close(), { message: 'full' });
  t.match(told, [/^database: 3 calls .* were not stored in \/d\/x\.db .*backfill/]);
});

t.test('a start that fails when the database is open leaves it closed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-leaving-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'x.db');
  const log = logOf([]);
  const conditions = {
    ...createConditions(log),
    set() {
      throw new Error('odd');
    },
  };
  const parts = { path, folder: null, clock: new FakeClock(), log, conditions };
  await t.rejects(openStorage(parts, {}), { message: 'odd' });
  await (await openDatabase(path)).close();
});

t.test('a disk that refuses is no reason to end: what waits for it is in memory', async (t) => {
  const answers = (error: Error) => isHealthy(new FakeClock(), () => Promise.reject(error))();
  t.equal(await answers(new StorageError('SQLITE_IOERR_FSYNC', 'disk I/O error')), true);
  t.equal(await answers(new StorageError('WORKER_ENDED', 'gone')), false);
  t.equal(await answers(new Error('odd')), false);
});

t.test('a database that is written anew need not answer meanwhile, for an hour', async (t) => {
  const clock = new FakeClock();
  const lengthy = createLengthy(clock);
  let asked = 0;
  const ask = async () => {
    asked += 1;
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = lengthy.during(() => promise);
  await lengthy.alive(ask);
  t.equal(asked, 0);
  await clock.advance(3_600_000);
  await lengthy.alive(ask);
  t.equal(asked, 1, 'it is stuck');
  resolve();
  await work;
  await lengthy.alive(ask);
  t.equal(asked, 2);
});
