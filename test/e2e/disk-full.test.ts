/** The whole program on a small file system that gets full: needs root, for the mount. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { EslPlayer } from '../../adapters/freeswitch/player/player.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { logcalld } from '../cli/world.ts';
import { accepted, CANARY, DaemonProcess, freePort, installation, sandboxUsers } from '../support/daemon.ts';

t.setTimeout(120_000);

const recording = (name: string) => new URL(`../fixtures/recordings/${name}/events.jsonl.gz`, import.meta.url).pathname;

/** Calls of the second PBX. */
const LATE = 30;

/** A daemon with its database on a file system of its own; a PBX whose calls are stored, and one that begins when the test says. */
async function world(t: { teardown(run: () => Promise<void>): unknown }) {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const names = ['inbound_answered_caller_hangs_up', 'outbound_busy', 'queue_answered'];
  const stored = new AmiPlayer({
    captures: names.map((name) => recording(`asterisk-22/${name}`)),
    ...{ order: 'together', username: 'test', secret: CANARY, speed: 20, settleMs: 20 },
  });
  const [asterisk, port] = [await freePort(), await freePort()];
  const place = await installation({ asterisk, freeswitch: port }, sandbox);
  const disk = join(place.directory, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'logcalld-test', disk]).status === 0;
  const text = readFileSync(place.config, 'utf8').replace(/^path = .*$/m, `path = '${join(disk, 'logcalld.db')}'`);
  writeFileSync(place.config, text);
  const players: EslPlayer[] = [];
  t.teardown(async () => {
    await stored.close();
    for (const player of players) await player.close();
    await sandbox.close();
    if (mounted) spawnSync('umount', ['-l', disk]);
    await place.remove();
  });
  return {
    ...{ sandbox, stored, place, mounted },
    /** The first PBX comes up. */
    begin: () => stored.listen(asterisk),
    /** Takes all that is left. */
    fill() {
      const file = openSync(join(disk, 'others'), 'w');
      try {
        for (let size = 1 << 20; size >= 1; ) {
          try {
            writeSync(file, new Uint8Array(size));
          } catch {
            size = Math.floor(size / 4);
          }
        }
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(join(disk, 'others')),
    /** The second PBX comes up, with calls that say more than the database has to spare. */
    async call(speed: number) {
      const player = new EslPlayer({
        ...{ file: recording('freeswitch-1.11/thirty_at_once'), password: CANARY, speed, port },
      });
      players.push(player);
      await player.listen();
    },
  };
}

for (const way of ['goes on', 'is killed']) {
  t.test(`a full disk: stored calls are posted, new ones wait; the daemon ${way}`, async (t) => {
    const { sandbox, stored, place, mounted, begin, fill, free, call } = await world(t);
    if (!mounted) return t.pass('only root can mount');
    let daemon = new DaemonProcess(place.config);
    t.teardown(() => daemon.kill());
    t.equal((await logcalldUp(daemon, place.config)).code, 0);
    await begin();
    await stored.done;
    let ended = 0;
    await daemon.logged(({ event }) => event === 'call-ended' && ++ended === 3);
    t.equal(sandbox.ledger.calls().length, 0);
    fill();
    // Who is killed has what there was no room for in memory only: no call may have ended by then.
    await call(way === 'is killed' ? 1 : 20);
    const { text } = await daemon.logged(({ event }) => event === 'storage-full');
    t.match(
      text,
      /No room is left on the file system of .*\/disk: free some space.* room is kept for about \d+ of them/,
    );
    if (way === 'is killed') {
      daemon.kill('SIGKILL');
      await daemon.exited();
      daemon = new DaemonProcess(place.config);
      await daemon.logged(({ event }) => event === 'pbx-connected');
    } else t.match(await logcalld('resume', '--config', place.config), { code: 0 });
    await daemon.during(accepted(sandbox, 3));
    const full = await logcalld('status', '--config', place.config);
    t.match(full.out, /FAIL {2}No room is left/);
    t.ok(sandbox.ledger.calls().length >= 3, 'and of the new ones those for which there was room');
    free();
    await daemon.logged(({ event, text }) => event === 'storage-full' && text.startsWith('Over'));
    await daemon.during(accepted(sandbox, 3 + LATE));
    t.equal(sandbox.ledger.calls().length, 3 + LATE);
    t.strictSame(sandbox.ledger.doubled(), []);
    daemon.kill('SIGTERM');
    t.equal(await daemon.exited(), 0);
    t.notOk(daemon.entries().some(({ event }) => event.startsWith('database-')));
  });
}

t.test('a start on a full disk waits for room, and ends when it is told to', async (t) => {
  const { place, mounted, fill, free } = await world(t);
  if (!mounted) return t.pass('only root can mount');
  fill();
  const first = new DaemonProcess(place.config);
  t.match((await first.logged(({ event }) => event === 'storage-full')).text, /no room is left|Tried again every 5 s/);
  first.kill('SIGTERM');
  t.equal(await first.exited(), 0);
  const second = new DaemonProcess(place.config);
  await second.logged(({ event }) => event === 'storage-full');
  free();
  await second.logged(({ event }) => event.startsWith('pbx-'));
  second.kill('SIGTERM');
  t.equal(await second.exited(), 0);
});

/** Up, with posts held back. */
async function logcalldUp(daemon: DaemonProcess, config: string) {
  await daemon.logged(({ event }) => event.startsWith('pbx-'));
  return logcalld('pause', '--config', config);
}
