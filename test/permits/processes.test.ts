/** Two processes with one database and one account: together they keep the limit, and neither takes it from the other. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { DEFAULT_LIMIT, type LimitPolicy } from '../../src/permits/port.ts';
import { tempFolder } from '../adapters/sqlite/support.ts';
import { worstWindow } from '../delivery/fakes.ts';
import { guarded } from '../support/guard.ts';

const PROCESS = fileURLToPath(new URL('./process.ts', import.meta.url));
const LIMIT: LimitPolicy = { ...DEFAULT_LIMIT, requests: 10, windowMs: 300 };
const COUNT = 70;

interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly ready: Promise<void>;
  /** The monotonic ms of each start, once it has ended. */
  readonly starts: Promise<readonly number[]>;
}

function start(path: string): Started {
  const args = [PROCESS, path, JSON.stringify(LIMIT), String(COUNT)];
  const child = guarded(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  const ready = Promise.withResolvers<void>();
  const closed = once(child, 'close');
  const read = async (): Promise<readonly number[]> => {
    const starts: number[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'ready') ready.resolve();
      else starts.push(Number(line));
    }
    const [code] = await closed;
    if (code !== 0) throw new Error(`The process ended with code ${code}.`);
    return starts;
  };
  const starts = read();
  starts.catch(ready.reject);
  return { child, ready: ready.promise, starts };
}

t.test('two processes take permits as fast as they can', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  await (await openDatabase(path)).close();
  const both = [start(path), start(path)];
  t.teardown(() => {
    for (const { child } of both) child.kill();
  });
  await Promise.all(both.map(({ ready }) => ready));
  for (const { child } of both) child.stdin.end('go\n');
  const starts = await Promise.all(both.map((one) => one.starts));
  const all = starts.flat().sort((a, b) => a - b);
  t.equal(all.length, 2 * COUNT);
  t.ok(worstWindow(all, LIMIT.windowMs) <= LIMIT.requests, `${worstWindow(all, LIMIT.windowMs)} in a window`);

  // While both want more than there is.
  const last = Math.min(...starts.map((own) => own.at(-1) ?? 0));
  const first = all[0] ?? 0;
  const together = all.filter((at) => at <= last).length;
  for (const own of starts) t.ok(own.filter((at) => at <= last).length >= 0.2 * together, 'both get their part');
  const budget = (LIMIT.requests * (last - first)) / LIMIT.windowMs;
  t.ok(together >= 0.25 * budget, `${together} of ${Math.round(budget)}`);
  t.comment(`${together} of ${Math.round(budget)}, ${starts.map((own) => own.filter((at) => at <= last).length)}`);
});
