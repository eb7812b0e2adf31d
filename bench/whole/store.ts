/** What the size of the database costs: CPU of the daemon to store a call, to list, to search, for the status. */
import { join } from 'node:path';
import type { ControlClient } from '../../adapters/control/client.ts';
import { startDaemon } from '../support/daemon.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { copyFilled, numberOf } from '../support/filled.ts';
import { discard, pause, scratch, treeCpu } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';

const LONG = { small: 10_000, large: 1_000_000, calls: 1500, requests: 200, rounds: 6 };
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

/** CPU of one, us. */
type Cost = Record<What, number>;

const UNKNOWN: Cost = { list: Infinity, search: Infinity, status: Infinity, call: Infinity };

/** A daemon with so many calls stored, and its PBX. */
async function open(sessions: number) {
  const folder = scratch();
  const pbx = await openPbx('asterisk');
  await copyFilled({ sessions, heard: 0, waiting: 0 }, join(folder, 'logcalld.db'));
  const daemon = startDaemon({ folder, pbxs: [pbx], more: "[calls]\nclose_grace = '0s'\n" });
  const close = async (): Promise<void> => {
    await daemon.stop();
    await pbx.close();
    discard(folder);
  };
  try {
    await daemon.connected;
    await pause(1000);
    const control = await daemon.control();
    const found = await ASKED.search(control);
    if (found.rows.length !== 1) throw new Error(`${found.rows.length} calls have the number of one`);
    return { pid: daemon.pid, pbx, control, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Opened = Awaited<ReturnType<typeof open>>;

async function oneRound({ pid, pbx, control }: Opened, round: number, { calls, requests }: typeof LONG): Promise<Cost> {
  const cost = async (count: number, work: () => Promise<unknown>): Promise<number> => {
    const before = treeCpu(pid);
    await work();
    return ((treeCpu(pid) - before) / count) * 1e6;
  };
  const asked = (ask: (control: ControlClient) => Promise<unknown>): Promise<number> =>
    cost(requests, async () => {
      for (let n = 0; n < requests; n += 1) await ask(control);
    });
  const order = { recording: 'call', rate: RATE, firstTile: round * calls, tiles: calls } as const;
  return {
    call: await cost(calls, async () => {
      await pbx.play({ ...order, beganAt: Date.now() - 86_400_000 });
      await pause(1000);
    }),
    list: await asked(ASKED.list),
    search: await asked(ASKED.search),
    status: await asked(ASKED.status),
  };
}

const least = (a: Cost, b: Cost): Cost => ({
  list: Math.min(a.list, b.list),
  search: Math.min(a.search, b.search),
  status: Math.min(a.status, b.status),
  call: Math.min(a.call, b.call),
});

/** The least of some rounds, in which both take turns: what else the machine does falls on neither alone. */
async function measure(size: typeof LONG): Promise<readonly [small: Cost, large: Cost]> {
  const opened: Opened[] = [];
  try {
    for (const sessions of [size.small, size.large]) opened.push(await open(sessions));
    let costs = opened.map(() => UNKNOWN);
    // The first round warms up.
    for (let round = 0; round <= size.rounds; round += 1) {
      for (const [n, one] of opened.entries()) {
        const cost = await oneRound(one, round, size);
        if (round > 0) costs = costs.with(n, least(costs[n] ?? UNKNOWN, cost));
      }
    }
    return [costs[0] ?? UNKNOWN, costs[1] ?? UNKNOWN];
  } finally {
    for (const one of opened) await one.close();
  }
}

export async function run({ short }: Options): Promise<Line[]> {
  const size = short ? SHORT : LONG;
  const [small, large] = await measure(size);
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
