/** The whole program as a process: a PBX on a real AMI socket, the CRM over HTTP, the database on disk. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { accepted, CANARY, DaemonProcess, installation, sandboxUsers, userOf } from '../support/daemon.ts';

const recording = (name: string) =>
  new URL(`../fixtures/recordings/asterisk-22/${name}/events.jsonl.gz`, import.meta.url).pathname;

async function world(captures: readonly string[], options: { speed?: number; more?: string } = {}) {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000 });
  const player = new AmiPlayer({
    captures: captures.map(recording),
    order: 'together',
    username: 'test',
    secret: CANARY,
    speed: options.speed ?? 10,
    settleMs: 20,
  });
  const port = await player.listen();
  const place = await installation({ asterisk: port }, sandbox, options.more);
  return {
    sandbox,
    player,
    place,
    async end() {
      await player.close();
      await sandbox.close();
      await place.remove();
    },
  };
}

t.setTimeout(120_000);

t.test('recorded calls arrive in the CRM, each once and complete, and the daemon leaves in order', async (t) => {
  const { sandbox, player, place, end } = await world([
    'inbound_answered_caller_hangs_up',
    'outbound_busy',
    'queue_answered',
    'internal_answered',
  ]);
  t.teardown(end);
  const daemon = new DaemonProcess(place.config);
  await player.done;
  await daemon.during(accepted(sandbox, 3));
  const bodies = sandbox.ledger.calls().map(({ body }) => body);
  const inbound = bodies.find((body) => body.SourceNumber === '+91-9845012345' && body.Direction === 'Inbound');
  t.match(inbound, {
    DestinationNumber: '1001',
    DisplayNumber: '+91-8041110001',
    Status: 'Answered',
    UserId: userOf('1001'),
  });
  t.match(inbound?.StartTime, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const busy = bodies.find((body) => body.Direction === 'Outbound');
  t.match(busy, { SourceNumber: '1001', DestinationNumber: '+91-9845012345', Status: 'NotAnswered', CallDuration: 0 });
  t.ok(
    bodies.some((body) => body.UserId === userOf('1003')),
    'the queue call belongs to the agent who took it',
  );
  t.equal(sandbox.ledger.doubled().length, 0);
  t.ok(sandbox.worstWindow() <= 25);
  daemon.kill('SIGTERM');
  t.equal(await daemon.exited(), 0, 'SIGTERM ends it with status 0');
  t.ok(daemon.entries().some(({ event }) => event === 'stopped'));
  t.notOk(daemon.output.includes(CANARY) || daemon.output.includes(sandbox.secretKey), 'no secret was printed');
  t.notMatch(daemon.output, /9845012345/, 'no telephone number was printed whole');
  const given = ['pbx-secret', 'access', 'secret', 'users.csv', 'logcalld.toml'];
  for (const name of readdirSync(place.directory).filter((one) => !given.includes(one))) {
    const content = readFileSync(join(place.directory, name), 'latin1');
    for (const secret of [CANARY, sandbox.accessKey, sandbox.secretKey])
      t.notOk(content.includes(secret), `no secret in ${name}`);
  }
});

t.test('killed in mid-call and started again: the same one session', async (t) => {
  const { sandbox, player, place, end } = await world(['inbound_answered_caller_hangs_up'], { speed: 2 });
  t.teardown(end);
  const first = new DaemonProcess(place.config);
  await first.logged(({ event }) => event === 'pbx-connected');
  // The phone has been answered: the call is in the journal, not in the outbox.
  await player.reached((packet) => packet.get('Event') === 'BridgeEnter' && packet.get('BridgeNumChannels') === '2');
  first.kill('SIGKILL');
  await first.exited();
  t.equal(sandbox.ledger.calls().length, 0);
  const second = new DaemonProcess(place.config);
  await second.during(accepted(sandbox, 1));
  await player.done;
  second.kill('SIGTERM');
  t.equal(await second.exited(), 0);
  const [call] = sandbox.ledger.calls();
  t.equal(sandbox.ledger.calls().length, 1);
  t.match(call?.body, {
    Direction: 'Inbound',
    Status: 'Answered',
    SourceNumber: '+91-9845012345',
    UserId: userOf('1001'),
  });
});

t.test('killed after the post, before the answer: looked up, not posted again', async (t) => {
  const { sandbox, player, place, end } = await world(['outbound_answered']);
  t.teardown(end);
  sandbox.addFaults({ match: { path: 'LogCall' }, fault: { kind: 'timeout', commit: true } });
  const first = new DaemonProcess(place.config);
  await first.during(sandbox.next(({ request }) => request.path.includes('LogCall')));
  first.kill('SIGKILL');
  await first.exited();
  sandbox.clearFaults();
  const second = new DaemonProcess(place.config);
  await second.during(sandbox.next(({ request }) => request.path.includes('ProspectActivity')));
  second.kill('SIGTERM');
  await second.exited();
  await player.done;
  t.equal(sandbox.ledger.calls().length, 1);
  t.strictSame(sandbox.ledger.doubled(), []);
});

t.test('a wrong password, a port that is not AMI: told with the remedy, and the daemon goes on', async (t) => {
  const { sandbox, end } = await world([]);
  t.teardown(end);
  const wrong = new AmiPlayer({ captures: [], username: 'test', secret: 'another one' });
  const port = await wrong.listen();
  const refused = await installation({ asterisk: port }, sandbox);
  const daemon = new DaemonProcess(refused.config);
  const entry = await daemon.logged(({ event }) => event === 'pbx-refused');
  t.equal(entry.level, 'error');
  t.match(entry.text, /manager\.conf/);
  daemon.kill('SIGTERM');
  t.equal(await daemon.exited(), 0);
  await wrong.close();
  await refused.remove();

  const ssh = createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  ssh.listen(0, '127.0.0.1');
  await once(ssh, 'listening');
  const address = ssh.address();
  const notAmi = await installation({ asterisk: typeof address === 'object' ? (address?.port ?? 0) : 0 }, sandbox);
  const other = new DaemonProcess(notAmi.config);
  t.match((await other.logged(({ event }) => event === 'pbx-refused')).text, /not AMI|no AMI|AMI/);
  other.kill('SIGTERM');
  t.equal(await other.exited(), 0);
  ssh.close();
  await notAmi.remove();
});

t.test('bad config ends with 78 and names the key', async (t) => {
  const { place, end } = await world([], { more: '[filters]\ninternall = "skip"\n' });
  t.teardown(end);
  const daemon = new DaemonProcess(place.config);
  t.equal(await daemon.exited(), 78);
  t.match(daemon.output, /logcalld\.toml:\d+: filters\.internall/);
});
