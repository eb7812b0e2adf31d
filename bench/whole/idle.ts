/** CPU of a daemon that is connected to two PBXs while nobody telephones; the processes that it starts count. */
import { idleRun } from '../support/idle-run.ts';
import type { Line, Options } from '../support/report.ts';

export const IDLE_SECONDS = { long: 60, short: 20 } as const;

/** See `run.ts`. */
export const waits = true;

export async function run({ short }: Options): Promise<Line[]> {
  const seconds = short ? IDLE_SECONDS.short : IDLE_SECONDS.long;
  const { cpuPercent, notifying } = await idleRun(seconds);
  return [
    {
      measure: `idle with two PBXs, ${seconds} s, CPU of a core`,
      unit: '%',
      value: cpuPercent,
      bar: { on: 'value', most: 0.3 },
      note: notifying ? 'as a service of systemd' : 'without systemd: nobody is told of the state',
    },
  ];
}
