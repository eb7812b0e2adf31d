/** The whole program with a database that is lost or taken back to an earlier moment: nothing is lost in silence, nothing is posted twice. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { logcalld } from '../cli/world.ts';
import { accepted, CANARY, DaemonProcess, freePort, installation, sandboxUsers } from '../support/daemon.ts';

t.setTimeout(120_000);

const recording = (name: string) =>
  new URL(`../fixtures/recordings/asterisk-22/${name}/events.jsonl.gz`, import.meta.url).pathname;
const CALLS = ['inbound_answered_caller_hangs_up', 'outbound_busy', 'queue_answered'];

/** A daemon that has stored three calls and posted none of them, as posting is paused. */
async function world(t: { teardown(run: () => Promise<void>): unknown }) {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const player = new AmiPlayer({
    captures: CALLS.map(recording),
    ...{ order: 'together', username: 'test', secret: CANARY, speed: 20, settleMs: 20 },
  });
  const port = await freePort();
  const place = await installation({ asterisk: port }, sandbox);
  t.teardown(async () => {
    await player.close();
    await sandbox.close();
    await place.remove();
  });
  const run = (...words: readonly string[]) => logcalld(...words, '--config', place.config);
  const daemon = new DaemonProcess(place.config);
  await daemon.logged(({ event }) => event.startsWith('pbx-'));
  t.teardown(async () => daemon.kill());
  if ((await run('pause')).code !== 0) throw new Error('not paused');
  // The calls come when posting is paused already.
  await player.listen(port);
  await player.done;
  let ended = 0;
  await daemon.logged(({ event }) => event === 'call-ended' && ++ended === CALLS.length);
  return {
    sandbox,
    place,
    run,
    daemon,
    database: join(place.directory, 'logcalld.db'),
    backup: join(place.directory, 'a.backup'),
  };
}

/** Up to the moment at which nothing waits. */
async function settled(run: (...words: readonly string[]) => Promise<{ out: string }>, daemon: DaemonProcess) {
  // Before its sources are started it takes requests.
  await daemon.logged(({ event }) => event.startsWith('pbx-'));
  for (;;) {
    const { counts } = JSON.parse((await run('status', '--json')).out);
    const { pending, retrying, sending, uncertain } = counts.states;
    if (pending + retrying + sending + uncertain === 0) return counts.states;
    let more = 0;
    const before = daemon.entries().length;
    await daemon.logged(() => ++more > before);
  }
}

t.test(
  'a backup made while it runs, restored after the calls in it were posted: looked for, not posted again',
  async (t) => {
    const { sandbox, place, run, daemon, database, backup } = await world(t);
    t.match(await run('backup', backup), {
      code: 0,
      out: /^Backed up to .*a\.backup: [34] calls, \d+ MB, as of 20.*every page was checked/,
    });
    t.equal(statSync(backup).mode & 0o777, 0o600);
    t.match(await run('backup', backup), { code: 1, error: /^logcalld: .*a\.backup exists already: .*--force\.\n$/ });
    t.match(await run('backup', '--force', backup), { code: 0 });
    t.match(await run('restore', backup), {
      code: 1,
      error: /in use by logcalld .*: end it \(Ctrl-C in its terminal, or "kill/,
    });
    t.match(await run('resume'), { code: 0 });
    await daemon.during(accepted(sandbox, 3));
    daemon.kill('SIGTERM');
    t.equal(await daemon.exited(), 0);
    t.match(await run('restore', backup), {
      code: 0,
      out: /kept as .*\.replaced-20.*looks in LeadSquared for 3 calls/s,
    });
    const again = new DaemonProcess(place.config);
    t.match((await again.logged(({ event }) => event === 'database-restored')).level, 'notice');
    const states = await settled(run, again);
    t.match(states, { delivered: 3, parked: 0 });
    t.equal(sandbox.ledger.calls().length, 3);
    t.strictSame(sandbox.ledger.doubled(), []);
    t.match(await run('acknowledge'), { code: 0, out: /^Noted/ });
    t.notMatch((await run('status')).out, /backup of/);
    t.match(await run('erase', '--number', '+91 98450 12345', '--dry-run'), {
      code: 0,
      out: /^Would be erased: [23] calls/,
    });
    const erased = await run('erase', '--number', '+91 98450 12345');
    t.match(erased, {
      code: 0,
      out: /^Erased: [23] calls .* the number in \d+ frames of the journal.*but the PBX keeps them: erase them there as well/s,
    });
    t.match(erased.error, /delete those that you do not need:\n {2}.*logcalld\.db\.replaced-.*\n {2}.*a\.backup\n/s);
    t.match(await run('erase', '--number', '+919845012345', '--dry-run'), {
      out: /^Would be erased: 0 calls .* 0 leads .* 0 frames/,
    });
    t.match(await run('erase', '--number', '123'), { code: 2, error: /at least 7 digits/ });
    t.notMatch(again.output, /9845012345/);
    again.kill('SIGTERM');
    t.equal(await again.exited(), 0);
    t.ok(readdirSync(place.directory).some((name) => name.startsWith('logcalld.db.replaced-')));
    t.ok(statSync(database).size > 0);
  },
);

t.test(
  'a database that is gone: the last backup takes its place, and what was never posted is posted once',
  async (t) => {
    const { sandbox, place, run, daemon, database, backup } = await world(t);
    t.match(await run('backup', backup), { code: 0 });
    daemon.kill('SIGKILL');
    await daemon.exited();
    writeFileSync(database, '');
    const again = new DaemonProcess(place.config);
    const told = await again.logged(({ event }) => event === 'database-damaged');
    t.match(told, {
      level: 'error',
      text: /missing or empty.*put aside as .*In its place is the backup .*a\.backup of 20/,
    });
    t.match(await settled(run, again), { delivered: 3 });
    t.equal(sandbox.ledger.calls().length, 3);
    t.strictSame(sandbox.ledger.doubled(), []);
    const status = await run('status');
    t.match(status, { code: 1, out: /^FAIL {2}The database was damaged/m });
    t.match(await run('acknowledge'), { code: 0 });
    t.match(await run('status'), { code: 0 });
    again.kill('SIGTERM');
    t.equal(await again.exited(), 0);
  },
);

t.test(
  'damage that is met while it runs ends it once, in order; the next start puts the backup in its place',
  async (t) => {
    const { sandbox, place, run, daemon, database, backup } = await world(t);
    t.match(await run('backup', backup), { code: 0 });
    daemon.kill('SIGTERM');
    t.equal(await daemon.exited(), 0);
    const file = new BetterSqlite3(database, { readonly: true });
    const page = file.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'attempt'").pluck().get();
    file.close();
    const bytes = readFileSync(database);
    bytes.fill(0xa5, (Number(page) - 1) * 4096, Number(page) * 4096);
    writeFileSync(database, bytes);
    const next = new DaemonProcess(place.config);
    const fatal = await next.logged(({ event }) => event === 'fatal');
    t.match(fatal.text, /logcalld\.db is damaged .*the next start looks at all of it/);
    t.equal(await next.exited(), 1, 'systemd starts it again');
    t.equal(next.entries().filter(({ event }) => event === 'fatal').length, 1);
    t.notOk(next.entries().some(({ event }) => event === 'crash'));
    const third = new DaemonProcess(place.config);
    t.match((await third.logged(({ event }) => event === 'database-damaged')).text, /In its place is the backup/);
    t.match(await settled(run, third), { delivered: 3 });
    t.strictSame([sandbox.ledger.calls().length, sandbox.ledger.doubled()], [3, []]);
    third.kill('SIGTERM');
    t.equal(await third.exited(), 0);
  },
);
