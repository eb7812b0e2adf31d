/** From the start of the process until it is logged in, with 30 days of calls in the database, beside an empty one. */
import { join } from 'node:path';
import { startDaemon } from '../support/daemon.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { copyFilled } from '../support/filled.ts';
import { cpuOf, discard, scratch } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';

const CALLS = 30 * 5000;
const CALLS_SHORT = 3000;
const TURNS = 5;
const TURNS_SHORT = 3;

interface Started {
  readonly ms: number;
  readonly cpuMs: number;
}

async function start(folder: string, port: number): Promise<Started> {
  const began = performance.now();
  const daemon = startDaemon({ folder, pbxs: [{ pbx: 'asterisk', port }] });
  try {
    await daemon.connected;
    return { ms: performance.now() - began, cpuMs: cpuOf(daemon.pid) * 1000 };
  } finally {
    await daemon.stop();
  }
}

export async function run({ short, print }: Options): Promise<Line[]> {
  const [heard, turns] = short ? [CALLS_SHORT, TURNS_SHORT] : [CALLS, TURNS];
  const [full, empty] = [scratch(), scratch()];
  const pbx = await openPbx('asterisk');
  try {
    await copyFilled({ sessions: 0, heard, waiting: 0 }, join(full, 'logcalld.db'));
    await copyFilled({ sessions: 0, heard: 0, waiting: 0 }, join(empty, 'logcalld.db'));
    const times: { full: Started[]; empty: Started[] } = { full: [], empty: [] };
    for (let turn = 0; turn < turns; turn += 1) {
      times.empty.push(await start(empty, pbx.port));
      times.full.push(await start(full, pbx.port));
    }
    print(`${heard} calls with all their events; the shortest of ${turns} starts each`);
    const least = (of: readonly Started[], key: keyof Started): number => Math.min(...of.map((one) => one[key]));
    return [
      {
        measure: 'start until logged in, beside an empty database',
        unit: 'ms',
        value: least(times.full, 'ms'),
        baseline: least(times.empty, 'ms'),
        bar: { on: 'ratio', most: 1.5 },
      },
      { measure: 'its CPU', unit: 'ms', value: least(times.full, 'cpuMs'), baseline: least(times.empty, 'cpuMs') },
    ];
  } finally {
    await pbx.close();
    discard(full);
    discard(empty);
  }
}
