/** A daemon with a fault of its own: what the journal and systemd see of it. */
import t from 'tap';
import { CANARY, DaemonProcess, installation } from '../support/daemon.ts';

const preload = new URL('../support/crashes.ts', import.meta.url).href;

t.setTimeout(60_000);

for (const [signal, what] of [
  ['SIGUSR2', 'thrown'],
  ['SIGWINCH', 'rejected'],
] as const) {
  t.test(`what is ${what} and caught by nobody: one line with its priority, status 70`, async (t) => {
    // Nobody listens at these ports.
    const crm = { url: 'http://127.0.0.1:1', accessKey: 'access-key-of-a-test', secretKey: 'secret-key-of-a-test' };
    const it = await installation({ asterisk: 1 }, crm);
    t.teardown(() => it.remove());
    const daemon = new DaemonProcess(it.config, 'run', {
      NODE_OPTIONS: `--import ${preload}`,
      CRASH_SECRET: CANARY,
    });
    t.teardown(() => daemon.kill());
    await daemon.printing(/"pbx-lost"/);
    daemon.kill(signal);
    t.equal(await daemon.exited(), 70);
    const lines = daemon.output.split('\n').filter((line) => line.includes('"crash"'));
    t.equal(lines.length, 1);
    t.match(
      lines[0],
      new RegExp(`^<3>\\{.*A fault of logcalld itself ends it \\(Error: ${what} with \\[secret\\] of `),
    );
    t.match(lines[0], /"stack":/);
    t.notMatch(daemon.output, new RegExp(CANARY), 'no secret');
    t.notMatch(daemon.output, /9845012345/, 'no number');
    t.notMatch(daemon.output, /\n\s+at /, 'and nothing beside the log');
  });
}
