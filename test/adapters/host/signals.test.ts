import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { onSignals } from '../../../adapters/host/signals.ts';
import { guarded } from '../../support/guard.ts';

t.test('first drains, its echo does nothing, a later one stops, SIGHUP reloads', async (t) => {
  const source = new EventEmitter();
  const seen: string[] = [];
  let now = 1_000;
  const off = onSignals(
    {
      drain: (signal) => seen.push(`drain ${signal}`),
      stopNow: (signal) => seen.push(`stop ${signal}`),
      reload: () => seen.push('reload'),
    },
    source,
    () => now,
  );
  for (const signal of ['SIGHUP', 'SIGTERM', 'SIGHUP', 'SIGTERM', 'SIGINT']) source.emit(signal, signal);
  t.same(seen, ['reload', 'drain SIGTERM', 'reload']);
  now += 500;
  for (const signal of ['SIGINT', 'SIGTERM']) source.emit(signal, signal);
  t.same(seen, ['reload', 'drain SIGTERM', 'reload', 'stop SIGINT', 'stop SIGTERM']);
  off();
  t.same(source.eventNames(), []);
});

t.test('a command that has nothing to reload ends with its terminal', async (t) => {
  const source = new EventEmitter();
  const seen: string[] = [];
  let now = 1_000;
  onSignals(
    { drain: (signal) => seen.push(`drain ${signal}`), stopNow: (signal) => seen.push(`stop ${signal}`) },
    source,
    () => now,
  );
  for (const signal of ['SIGHUP', 'SIGHUP', 'SIGINT']) source.emit(signal, signal);
  t.same(seen, ['drain SIGHUP'], 'the launcher hands it on as well');
  now += 500;
  source.emit('SIGHUP', 'SIGHUP');
  t.same(seen, ['drain SIGHUP', 'stop SIGHUP']);
});

t.test('a sandbox whose terminal was closed ends', async (t) => {
  const root = join(import.meta.dirname, '../../..');
  const program = [join(root, 'src/main.ts'), 'sandbox', '--port', '0'];
  const child = guarded(spawn(join(root, 'node_modules/.bin/node'), program, { stdio: ['ignore', 'pipe', 'inherit'] }));
  child.stdout.once('data', () => child.kill('SIGHUP'));
  t.same(await once(child, 'exit'), [0, null]);
});
