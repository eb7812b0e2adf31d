/** What the size of the database costs: CPU of the daemon to store a call, to list, to search, for the status. */
import { join } from 'node:path';
import type { ControlClient } from '../../adapters/control/client.ts';
import { startDaemon } from '../support/daemon.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { copyFilled, numberOf } from '../support/filled.ts';
import { discard, pause, scratch, treeCpu } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';

const LONG = { small: 10_000, large: 1_000_000, calls: 1500, requests: 200, rounds: 3 };
const SHORT = { small: 2500, large: 25_000, calls: 200, requests: 40, rounds: 1 };
/** Events a second: nothing piles up, so a call is stored as on any day. */
const RATE = 3000;
/** In both databases. */
const SOUGHT = 1234;

const ASKED = {
  list: (control: ControlClient) => control.call('calls', { limit: 50 }),
  search: (control: ControlClient) => control.call('calls', { limit: 50, number: numberOf(SOUGHT) }),
  status: (control: ControlClient) => control.call('status', {}),
} as const;

type What = keyof typeof ASKED | 'call';

/** CPU of one, us: the least of some rounds. */
async function measure(sessions: number, { calls, requests, rounds }: typeof LONG): Promise<Record<What, number>> {
  const folder = scratch();
  const pbx = await openPbx('asterisk');
  await copyFilled({ sessions, heard: 0, waiting: 0 }, join(folder, 'logcalld.db'));
  const daemon = startDaemon({ folder, pbxs: [pbx], more: "[calls]\nclose_grace = '0s'\n" });
  const cost: Record<What, number> = { list: Infinity, search: Infinity, status: Infinity, call: Infinity };
  try {
    await daemon.connected;
    await pause(1000);
    const control = await daemon.control();
    const found = await ASKED.search(control);
    if (found.rows.length !== 1) throw new Error(`${found.rows.length} calls have the number of one`);
    const note = async (what: What, count: number, work: () => Promise<unknown>): Promise<void> => {
      const before = treeCpu(daemon.pid);
      await work();
      cost[what] = Math.min(cost[what], ((treeCpu(daemon.pid) - before) / count) * 1e6);
    };
    const beganAt = Date.now() - 86_400_000;
    // The first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const order = { recording: 'call', rate: RATE, beganAt, firstTile: round * calls, tiles: calls } as const;
      await note('call', calls, async () => {
        await pbx.play(order);
        await pause(1000);
      });
      for (const [what, ask] of Object.entries(ASKED)) {
        await note(what as What, requests, async () => {
          for (let n = 0; n < requests; n += 1) await ask(control);
        });
      }
      if (round === 0) Object.assign(cost, { list: Infinity, search: Infinity, status: Infinity, call: Infinity });
    }
    return cost;
  } finally {
    await daemon.stop();
    await pbx.close();
    discard(folder);
  }
}

export async function run({ short }: Options): Promise<Line[]> {
  const size = short ? SHORT : LONG;
  const [small, large] = [await measure(size.small, size), await measure(size.large, size)];
  const n = (value: number): string => value.toLocaleString('en');
  const names: readonly (readonly [What, string])[] = [
    ['call', 'storing a call'],
    ['list', 'a page of the list'],
    ['search', 'searching a number'],
    ['status', 'the status'],
  ];
  return names.map(([what, name]) => ({
    measure: `CPU of ${name} at ${n(size.large)} stored, beside ${n(size.small)}`,
    unit: 'us',
    value: large[what],
    baseline: small[what],
    bar: { on: 'ratio', most: 1.2 },
  }));
}
