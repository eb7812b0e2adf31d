import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { within } from './sip/moment.ts';

const STOP_MS = 5_000;

/** SIGTERM, and SIGKILL if that does not help in time. */
export async function endProcess(child: ChildProcess, name: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await within(ended, `the end of ${name}`, STOP_MS).catch(() => {
    child.kill('SIGKILL');
    return ended;
  });
}

/** Rejects when the process ends; never resolves. */
export async function diesOf(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`the process ended (${signal ?? `status ${code}`})`);
}
