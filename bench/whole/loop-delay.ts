/** How late the daemon's event loop is at 5,000 events a second while each sync of the disk takes 100 ms longer. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startDaemon } from '../support/daemon.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { discard, pause, scratch } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';
import { tilesFor } from '../support/storm-run.ts';

const RATE = 5000;
const SECONDS = 30;
const SECONDS_SHORT = 4;
const SYNC_MS = 100;
const SUPPORT = join(import.meta.dirname, '..', 'support');

/** A library that slows every sync, compiled for this machine; `null` where there is no compiler. */
function slowSync(folder: string): string | null {
  const library = join(folder, 'slow-sync.so');
  const words = ['-shared', '-fPIC', '-O1', '-o', library, join(SUPPORT, 'slow-sync.c'), '-ldl'];
  return spawnSync('cc', words, { stdio: 'ignore' }).status === 0 ? library : null;
}

interface Late {
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

async function measure(folder: string, seconds: number, env: Readonly<Record<string, string>>): Promise<Late> {
  const pbx = await openPbx('asterisk', 'storm');
  const daemon = startDaemon({ folder, pbxs: [pbx], env, execArgv: ['--import', join(SUPPORT, 'probe.js')] });
  try {
    await daemon.connected;
    await pause(1000);
    daemon.child.send('reset');
    const tiles = tilesFor('asterisk', RATE * seconds);
    await pbx.play({ recording: 'storm', tiles, firstTile: 0, rate: RATE, beganAt: Date.now() - 86_400_000 });
    daemon.child.send('read');
    const [late] = (await once(daemon.child, 'message')) as [Late];
    return late;
  } finally {
    await daemon.kill();
    await pbx.close();
  }
}

export async function run({ short, print }: Options): Promise<Line[]> {
  const folder = scratch();
  const name = `event loop delay p99.9, ${RATE} events/s, syncs ${SYNC_MS} ms slower`;
  const bar = { on: 'value', most: 50 } as const;
  try {
    const library = slowSync(folder);
    if (library === null)
      return [{ measure: name, unit: 'ms', value: null, bar, note: 'not measured: no C compiler (cc)' }];
    const seconds = short ? SECONDS_SHORT : SECONDS;
    const late = await measure(folder, seconds, { LD_PRELOAD: library, LOGCALLD_SLOW_SYNC_MS: String(SYNC_MS) });
    print(`p99 ${late.p99.toFixed(1)} ms, at most ${late.max.toFixed(1)} ms`);
    return [{ measure: name, unit: 'ms', value: late.p999, bar }];
  } finally {
    discard(folder);
  }
}
