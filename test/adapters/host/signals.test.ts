import { EventEmitter } from 'node:events';
import t from 'tap';
import { onSignals } from '../../../adapters/host/signals.ts';

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
