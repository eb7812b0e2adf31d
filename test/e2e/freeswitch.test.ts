/** FreeSWITCH on a real event socket beside Asterisk on a real AMI socket, one daemon, the CRM over HTTP. */
import { once } from 'node:events';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { EslPlayer } from '../../adapters/freeswitch/player/player.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { accepted, CANARY, DaemonProcess, installation, sandboxUsers, userOf } from '../support/daemon.ts';

const recording = (name: string) => new URL(`../fixtures/recordings/${name}/events.jsonl.gz`, import.meta.url).pathname;

t.setTimeout(120_000);

t.test('calls of both PBXs side by side: one daemon, one call log each', async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const freeswitch = new EslPlayer({ file: recording('freeswitch-1.11/attended_refer'), password: CANARY, speed: 20 });
  const asterisk = new AmiPlayer({
    captures: [recording('asterisk-22/attended_transfer_refer')],
    username: 'test',
    secret: CANARY,
    speed: 20,
    settleMs: 20,
  });
  const place = await installation(
    { asterisk: await asterisk.listen(), freeswitch: await freeswitch.listen() },
    sandbox,
  );
  t.teardown(async () => {
    await freeswitch.close();
    await asterisk.close();
    await sandbox.close();
    await place.remove();
  });
  const daemon = new DaemonProcess(place.config);
  await daemon.during(accepted(sandbox, 2));
  daemon.kill('SIGTERM');
  t.equal(await daemon.exited(), 0);
  const bodies = sandbox.ledger.calls().map(({ body }) => body);
  t.equal(bodies.length, 2);
  for (const [source, caller] of [
    ['asterisk', '+1-4155550132'],
    ['freeswitch', '+91-9845012345'],
  ]) {
    const body = bodies.find((one) => String(one.CallSessionId).startsWith(`${source}-`));
    t.match(
      body,
      { Direction: 'Inbound', Status: 'Answered', SourceNumber: caller, UserId: userOf('1003') },
      String(source),
    );
  }
  t.notOk(daemon.output.includes(CANARY));
});

t.test(
  'FreeSWITCH dies in mid-call and comes back: its open calls end, marked as unseen, and later ones are whole',
  async (t) => {
    const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
    const freeswitch = new EslPlayer({ file: recording('freeswitch-1.11/crash_midcall'), password: CANARY, speed: 20 });
    const done = once(freeswitch, 'done');
    const place = await installation({ freeswitch: await freeswitch.listen() }, sandbox);
    t.teardown(async () => {
      await freeswitch.close();
      await sandbox.close();
      await place.remove();
    });
    const daemon = new DaemonProcess(place.config);
    await done;
    await daemon.during(accepted(sandbox, 4));
    daemon.kill('SIGTERM');
    t.equal(await daemon.exited(), 0);
    t.equal(sandbox.ledger.calls().length, 4);
    t.strictSame(sandbox.ledger.doubled(), []);
    const ended = daemon.entries().filter(({ event }) => event === 'call-ended');
    t.equal(ended.filter(({ flags }) => Array.isArray(flags) && flags.includes('end-unknown')).length, 3);
  },
);

t.test('a wrong event socket password is told with the remedy, and the daemon goes on', async (t) => {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const freeswitch = new EslPlayer({ file: recording('freeswitch-1.11/internal'), password: 'another one' });
  const place = await installation({ freeswitch: await freeswitch.listen() }, sandbox);
  t.teardown(async () => {
    await freeswitch.close();
    await sandbox.close();
    await place.remove();
  });
  const daemon = new DaemonProcess(place.config);
  const entry = await daemon.logged(({ event }) => event === 'pbx-refused');
  t.match(entry.text, /event_socket\.conf\.xml/);
  daemon.kill('SIGTERM');
  t.equal(await daemon.exited(), 0);
  t.notOk(daemon.output.includes(CANARY));
});
