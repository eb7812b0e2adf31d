/** Calls that are not logged for want of a number: `status` says so, before and after a restart, and until it is mended. */
import t from 'tap';
import { connectControl } from '../../adapters/control/client.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { sqliteJournal } from '../../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { controlPath } from '../../src/commands/control.ts';
import { VERSION } from '../../src/daemon/version.ts';
import { call } from '../delivery/fakes.ts';
import { settled, until, world } from './world.ts';

t.setTimeout(60_000);

const CALLS = 12;

/** Callers without a number, a minute apart, the last a minute ago. */
function hidden(): CallRecord[] {
  const now = Date.now();
  return Array.from({ length: CALLS }, (_, n) => {
    const startedAt = now - (CALLS - n) * 60_000;
    const nobody = { external: 'anonymous', externalE164: null, withheld: true };
    return call(n, { source: 'asterisk', startedAt, answeredAt: null, endedAt: startedAt + 20_000, ...nobody });
  });
}

/** Calls of an earlier run. */
async function stored(path: string, ended: readonly CallRecord[]): Promise<void> {
  const database = await openDatabase(path, { onFailure: (error) => t.fail(error.message) });
  const journal = sqliteJournal(database, { clock: createClock(), readerOf: () => null, onTrouble: () => {} });
  await journal.commit({ frames: [], opened: [], released: [], ended });
  await database.close();
}

t.test('a trunk without caller ID', async (t) => {
  const it = await world([]);
  t.teardown(() => it.end());
  const ended = hidden();
  await stored(it.config.storage.path, ended);

  for (const start of ['first', 'second']) {
    await it.start();
    const { delivery } = it.daemon();
    await until(
      () => delivery.snapshot(),
      ({ states }) => states.skipped === CALLS,
    );
    const screen = await it.run('status');
    t.equal(screen.code, 1, `${start} start`);
    t.match(screen.out, /^Something needs attention\./);
    t.match(
      screen.out,
      /^warn {2}asterisk: 12 of the last 12 callers on PJSIP\/trunk-in showed no number[^\n]*\n {8}# in \[leadsquared\.lead\][^\n]*:\n {8}anonymous = 'send'$/m,
    );
    t.match(
      screen.out,
      /^Not posted, of the calls of the last 24 h \(logcalld calls --config \S+logcalld\.toml --state skipped\):\n {2}12 {2}skip-no-number {2}The caller showed no number; policy anonymous = "skip"\.$/m,
    );
    const [reply] = (await it.run('status', '--json')).out.split('\n').map((line) => line && JSON.parse(line));
    t.match(reply, { well: false, conditions: [{ code: 'callers-hidden', source: 'asterisk', severity: 'warning' }] });
    if (start === 'first') await it.stop();
  }

  // Where an operator derives the calls again, what they lacked may be known.
  const client = await connectControl(controlPath(it.config, {}), VERSION);
  if (client === null) throw new Error('the daemon does not answer');
  const number = { withheld: false, external: '09845012345', externalE164: '+919845012345' };
  const { changed } = await client.call('correct', {
    items: ended.map((record) => ({ record: { ...record, ...number }, revision: 1 })),
  });
  t.equal(changed.length, CALLS);
  t.strictSame(it.daemon().conditions.raised(), []);
  // It was stopped meanwhile.
  t.match(await it.run('status'), { code: 0, out: /^Every call is being logged since \d/ });
  t.strictSame(it.leaks(), []);
});

t.test('a call of the running daemon is the third recorded one without a name', async (t) => {
  const it = await world(['recordings/freepbx-17/queue_answered/events.jsonl.gz']);
  t.teardown(() => it.end());
  const unnamed = hidden().slice(0, 2);
  await stored(
    it.config.storage.path,
    unnamed.map((record) => ({ ...record, flags: ['recording-unnamed'] })),
  );
  await it.start();
  t.strictSame(it.daemon().conditions.raised(), []);
  await settled(it, 3);
  t.match(it.daemon().conditions.raised(), [{ code: 'recordings-unnamed', severity: 'notice', source: 'asterisk' }]);
  const { code, out } = await it.run('status');
  t.equal(code, 0, 'no link is posted by this config: a notice');
  t.match(out, /^Every call is being logged\.[^\n]*\nnote {2}asterisk: 3 calls were recorded/);
});

t.test('a trunk of the running daemon is not what it is called', async (t) => {
  const it = await world(['cases/trunk-by-digits-out/events.jsonl']);
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 1);
  const { code, out } = await it.run('status');
  t.equal(code, 1);
  t.match(out, /^warn {2}asterisk: .*PJSIP\/80411 is a trunk[^\n]*\n(?: {8}.*\n)* {8}match = \['PJSIP\/80411'\]$/m);
});
