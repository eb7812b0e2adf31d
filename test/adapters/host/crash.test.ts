/** What nobody caught ends the program, but not before the log has it. */
import { EventEmitter } from 'node:events';
import t from 'tap';
import { onCrash } from '../../../adapters/host/crash.ts';

/** A process that does not end, and a log that is written when the test says so. */
function bench() {
  const source = new EventEmitter();
  const entries: (readonly [level: string, event: string, text: string])[] = [];
  const flushed = Promise.withResolvers<void>();
  let exits = 0;
  let late = () => {};
  const stop = onCrash(
    {
      log: {
        write: (level, event, text) => entries.push([level, event, text]),
        flush: () => flushed.promise,
      },
      clock: {
        after(_ms, run) {
          late = run;
          return () => {};
        },
      },
      exit: () => {
        exits += 1;
      },
    },
    source,
  );
  return { source, entries, flushed, stop, exits: () => exits, late: () => late() };
}

t.test('told once, written, then over', async (t) => {
  const { source, entries, flushed, exits, late } = bench();
  source.emit('uncaughtException', new TypeError('no such thing'));
  source.emit('unhandledRejection', new Error('an echo'));
  t.match(entries, [['error', 'crash', /^A fault of logcalld itself ends it \(TypeError: no such thing\)/]]);
  t.equal(entries.length, 1);
  t.equal(exits(), 0, 'not before the log is written');
  flushed.resolve();
  await flushed.promise;
  await Promise.resolve();
  t.equal(exits(), 1);
  late();
  t.equal(exits(), 1);
});

t.test('a reader that stalls does not keep it, nor does what cannot be shown', async (t) => {
  const { source, entries, exits, late } = bench();
  source.emit('unhandledRejection', Object.create(null));
  t.match(entries, [['error', 'crash', /something that cannot be shown/]]);
  late();
  t.equal(exits(), 1);
});

t.test('the watch can be ended', async (t) => {
  const { source, stop } = bench();
  stop();
  t.equal(source.listenerCount('uncaughtException') + source.listenerCount('unhandledRejection'), 0);
});
