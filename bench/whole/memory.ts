/**
 * Resident memory: idle with two PBXs; then on a database with many sessions and rows that wait for a CRM that is away, with
 * calls that stay open while others come and go; and how it grows with these.
 */
import { join } from 'node:path';
import { startDaemon } from '../support/daemon.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { copyFilled } from '../support/filled.ts';
import { idleRun } from '../support/idle-run.ts';
import { discard, memoryOf, pause, scratch } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';
import { slope } from '../support/statistics.ts';
import { IDLE_SECONDS } from './idle.ts';

/** `passing`: calls that come and go while it is measured, beside the stored ones. */
const LONG = { sessions: 1_000_000, waiting: 100_000, open: 1000, passing: 30_000, rate: 2000 };
const SHORT = { sessions: 25_000, waiting: 10_000, open: 1000, passing: 1000, rate: 4000 };
const SAMPLES = 20;
/** Frames of the recorded call until both talk. */
const TALKING = 9;

async function loaded(size: typeof LONG): Promise<{ rssMb: number; peakMb: number; growthKb: number }> {
  const folder = scratch();
  const pbxs = [await openPbx('asterisk'), await openPbx('freeswitch')];
  await copyFilled({ sessions: size.sessions, heard: 0, waiting: size.waiting }, join(folder, 'logcalld.db'));
  const daemon = startDaemon({ folder, pbxs, post: true });
  try {
    await daemon.connected;
    await pause(1000);
    const [asterisk] = pbxs;
    if (asterisk === undefined) throw new Error('no PBX');
    const common = { recording: 'call', rate: size.rate, beganAt: Date.now() - 86_400_000 } as const;
    await asterisk.play({ ...common, firstTile: 0, tiles: size.open, to: TALKING });
    const each = size.passing / SAMPLES;
    const points: [number, number][] = [];
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      await asterisk.play({ ...common, firstTile: size.open + sample * each, tiles: each });
      points.push([((sample + 1) * each) / 1000, memoryOf(daemon.pid).rss * 1024]);
    }
    await pause(1500);
    const { rss, peak } = memoryOf(daemon.pid);
    // The first half warms up: code is compiled, and lists with an upper limit fill.
    return { rssMb: rss, peakMb: peak, growthKb: slope(points.slice(SAMPLES / 2)) };
  } finally {
    await daemon.kill();
    await Promise.all(pbxs.map((pbx) => pbx.close()));
    discard(folder);
  }
}

export async function run({ short }: Options): Promise<Line[]> {
  const size = short ? SHORT : LONG;
  const idle = await idleRun(short ? IDLE_SECONDS.short : IDLE_SECONDS.long);
  const full = await loaded(size);
  const n = (value: number): string => value.toLocaleString('en');
  return [
    {
      measure: 'RSS idle, beside bare Node',
      unit: 'MB',
      value: idle.rssMb,
      baseline: idle.bareRssMb,
      bar: { on: 'value', most: 90 },
    },
    {
      measure: `RSS at ${n(size.sessions)} sessions, ${n(size.open)} open calls, ${n(size.waiting)} rows waiting`,
      unit: 'MB',
      value: full.rssMb,
      baseline: idle.bareRssMb,
      bar: { on: 'value', most: 180 },
    },
    { measure: 'its peak', unit: 'MB', value: full.peakMb },
    {
      measure: `its growth over the last ${n(size.passing / 2)} calls, of 1,000 calls`,
      unit: 'KB',
      value: full.growthKb,
      // So few calls as in the short form show the collector's saw-tooth alone.
      ...(short ? {} : { bar: { on: 'value', most: 100 } as const }),
    },
  ];
}
