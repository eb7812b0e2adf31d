/** What happened to the database, told from the start on. */
import t from 'tap';
import { keepNotices } from '../../src/daemon/upkeep/storage.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { FakeClock } from '../delivery/fakes.ts';

t.test('a look that failed is followed by the next one', async (t) => {
  const clock = new FakeClock();
  const told: string[] = [];
  const log = { write: (_level: string, event: string, text: string) => void told.push(`${event}: ${text}`) };
  const conditions = createConditions(log);
  let fails = false;
  let found = [{ kind: 'lost', text: 'The database was gone.', at: 0 }];
  const store = {
    upkeep: {
      async notices() {
        if (fails) throw new Error('busy');
        return found;
      },
    },
  } as unknown as Parameters<typeof keepNotices>[0]['store'];
  const notices = keepNotices({ store, clock, log, conditions });
  await notices.start();
  t.match(conditions.raised(), [{ code: 'database-lost' }]);
  fails = true;
  await clock.advance(3_600_000);
  t.match(told.at(-1), /^database: Error: busy/);
  fails = false;
  found = [];
  await clock.advance(3_600_000);
  t.same(conditions.raised(), []);
  notices.stop();
  t.same(clock.timers, []);
});
