/** A daemon with an Asterisk and a FreeSWITCH that have nothing to say. */

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { openPbx } from './feeder/pbx.ts';
import { discard, ended, memoryOf, owned, pause, scratch, treeCpu } from './process.ts';

export interface Idle {
  /** Of a core, the daemon with all its children, %. */
  readonly cpuPercent: number;
  readonly rssMb: number;
  readonly bareRssMb: number;
  /** Whether systemd was there to be told of the state, as in a service. */
  readonly notifying: boolean;
}

/** Long enough that what a start leaves to be done is done, s. */
const SETTLE_S = 3;

/** Listens on the socket of argv as systemd does, and throws away what comes. */
const SYSTEMD =
  'import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint(1, flush=True)\nwhile True: s.recv(4096)';

async function standInForSystemd(path: string) {
  const child = owned(spawn('python3', ['-c', SYSTEMD, path], { stdio: ['ignore', 'pipe', 'ignore'] }));
  const up = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
    once(child, 'error').then(() => false),
  ]);
  return { child, up };
}

/** RSS of a Node that does nothing, MB. */
export async function bareRss(): Promise<number> {
  const child = owned(fork(join(import.meta.dirname, 'beside', 'nothing.js'), { execArgv: [] }));
  await once(child, 'message');
  await pause(500);
  const { rss } = memoryOf(child.pid ?? 0);
  await ended(child);
  return rss;
}

async function measure(seconds: number): Promise<Idle> {
  const folder = scratch();
  const pbxs = [await openPbx('asterisk'), await openPbx('freeswitch')];
  const notify = join(folder, 'notify');
  const systemd = await standInForSystemd(notify);
  // The watchdog of the unit is 30 s.
  const env = systemd.up ? { NOTIFY_SOCKET: notify, WATCHDOG_USEC: '30000000' } : {};
  const daemon = startDaemon({ folder, pbxs, env });
  try {
    await daemon.connected;
    await pause(SETTLE_S * 1000);
    const [before, began] = [treeCpu(daemon.pid), performance.now()];
    await pause(seconds * 1000);
    const cpu = treeCpu(daemon.pid) - before;
    const cpuPercent = (100_000 * cpu) / (performance.now() - began);
    const { rss: rssMb } = memoryOf(daemon.pid);
    return { cpuPercent, rssMb, bareRssMb: await bareRss(), notifying: systemd.up };
  } finally {
    await daemon.stop();
    if (systemd.up) await ended(systemd.child);
    await Promise.all(pbxs.map((pbx) => pbx.close()));
    discard(folder);
  }
}

const runs = new Map<number, Promise<Idle>>();

/** Measured once in a run. */
export function idleRun(seconds: number): Promise<Idle> {
  const run = runs.get(seconds) ?? measure(seconds);
  runs.set(seconds, run);
  return run;
}
