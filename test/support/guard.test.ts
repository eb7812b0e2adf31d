/** What a test started ends with it, however it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';

t.setTimeout(30_000);

/** Starts a process that leads a group, with one below it, and one that does not; then it does `end`. They hold its output. */
const starts = (end: string): string => `
import { spawn } from 'node:child_process';
import { guarded } from ${JSON.stringify(new URL('./guard.ts', import.meta.url).href)};
const waits = 'trap "" INT TERM HUP; ';
guarded(spawn('/bin/sh', ['-c', waits + 'sleep 1000 & wait'], { detached: true, stdio: 'inherit' }));
guarded(spawn('/bin/sh', ['-c', waits + 'exec sleep 1000'], { stdio: 'inherit' }));
// One that has ended already is no reason to leave the others.
guarded(spawn('true')).once('exit', () => {
  console.log('ready');
  ${end}
});
`;

for (const [how, end, status, signal] of [
  ['passes', 'process.exitCode = 0; process.exit();', 0, null],
  ['fails', "throw new Error('it failed');", 1, null],
  ['is killed', 'setInterval(() => {}, 1000);', null, 'SIGKILL'],
  ['is interrupted', 'setInterval(() => {}, 1000);', null, 'SIGINT'],
  ['is out of time', 'setInterval(() => {}, 1000);', null, 'SIGTERM'],
] as const) {
  t.test(`a test that ${how} leaves nothing`, async (t) => {
    const words = ['--input-type=module', '-e', starts(end)];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'exit');
    if (signal !== null) child.stdout.once('data', () => child.kill(signal));
    child.stdout.resume();
    // Comes when the last one that holds the output has ended.
    const closed = once(child.stdout, 'close');
    t.same(await ended, [status, signal]);
    await closed;
  });
}
