/** Processes as the kernel counts them (Linux, /proc), and what is left behind when the bench ends. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guarded } from '../../test/support/guard.ts';

export const PROJECT = join(import.meta.dirname, '..', '..');

/** Ticks of a second in /proc; the same on all Linux that Node runs on. */
const TICKS = 100;

const children = new Set<ChildProcess>();
const folders = new Set<string>();

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Whoever else waits for it decides what it means.
  process.once(signal, () => process.listenerCount(signal) === 0 && process.exit(1));
}

/** Ends the child with this process at the latest: before its folders are removed, and also where this process is killed. */
export function owned<C extends ChildProcess>(child: C): C {
  children.add(guarded(child));
  child.once('exit', () => children.delete(child));
  return child;
}

/** An empty folder on a disk; removed at the end. */
export function scratch(): string {
  const folder = mkdtempSync(join(process.env.LOGCALLD_BENCH_DIR ?? tmpdir(), 'logcalld-bench-'));
  folders.add(folder);
  return folder;
}

/** Before the end, as some are large. */
export function discard(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Ends it by SIGTERM, after `withinMs` by SIGKILL. */
export async function ended(child: ChildProcess, withinMs = 20_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await exit;
  clearTimeout(timer);
}

function statOf(pid: number): readonly string[] {
  // The name of the program stands in brackets and may hold blanks.
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU of a process so far, user and system, seconds, in steps of 10 ms. With the children it has waited for, if wanted. */
export function cpuOf(pid: number, withChildren = false): number {
  const fields = statOf(pid).slice(11, withChildren ? 15 : 13);
  return fields.reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

/** CPU of a process and all below it, finished ones included, seconds; exact for threads that live, where the kernel tells it. */
export function treeCpu(pid: number): number {
  const ofChildren =
    statOf(pid)
      .slice(13, 15)
      .reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
  const below = childrenOf(pid).reduce((sum, child) => sum + treeCpu(child), 0);
  return threadsCpu(pid) + ofChildren + below;
}

function threadsCpu(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce(
      (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e9,
      0,
    );
  } catch {
    return cpuOf(pid);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Resident memory of a process, MB: now, and the most so far. */
export function memoryOf(pid: number): { readonly rss: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { rss: kilobytes('VmRSS') / 1024, peak: kilobytes('VmHWM') / 1024 };
}

/** CPU of a second in which a process rests, s; V8's profiler alone takes more. */
const AT_REST = /--cpu-prof/.test(process.env.LOGCALLD_BENCH_NODE ?? '') ? 0.3 : 0.04;

/** Waits until a process does next to nothing for two seconds. */
export async function quiet(pid: number, atMostMs = 900_000): Promise<void> {
  const until = performance.now() + atMostMs;
  for (let still = 0, last = cpuOf(pid); still < 2 && performance.now() < until; ) {
    await pause(1000);
    const now = cpuOf(pid);
    still = now - last < AT_REST ? still + 1 : 0;
    last = now;
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
