/**
 * From the packet of the last hang-up until the call is durable, and until its POST is on the wire: the recorded storm at
 * 200 events a second, no grace, beside a program that parses, inserts and posts and does nothing else. Durable is when the log
 * tells of the call, which it does after the commit. The CRM is the stand-in, and allows any number of requests.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { startBeside, startDaemon } from '../support/daemon.ts';
import type { FedPbx } from '../support/feeder/pbx.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { discard, ended, pause, scratch } from '../support/process.ts';
import { recorded } from '../support/recorded.ts';
import type { Line, Options } from '../support/report.ts';
import { percentile } from '../support/statistics.ts';

const RATE = 200;
const LONG = { turns: 4, seconds: 15 };
const SHORT = { turns: 1, seconds: 5 };
/** Leads are known and code is compiled after so many events, which are played as fast as they go. */
const WARM_UP_TILES = 1;

/** When what happened to a call, ns of the monotonic clock. */
type Times = Map<string, bigint>;

/** ms. */
interface Waits {
  readonly durable: number[];
  readonly posted: number[];
}

const nanoseconds = (): bigint => process.hrtime.bigint();

/** A program under measure, past its warm-up. */
interface Opened {
  /** Plays the storm for so long and takes the waits of its calls. */
  turn(number: number, seconds: number): Promise<Waits>;
  close(): Promise<void>;
}

/** `close` is called also where the warm-up fails. */
async function warmedUp(
  pbx: FedPbx,
  up: Promise<void>,
  durable: Times,
  posted: Times,
  close: () => Promise<void>,
): Promise<Opened> {
  const common = { recording: 'storm', beganAt: Date.now() } as const;
  try {
    await up;
    await pbx.joined;
    await pause(1000);
    await pbx.play({ ...common, rate: 2000, tiles: WARM_UP_TILES, firstTile: 0, to: 3000 });
    await pause(2000);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async turn(number, seconds) {
      const order = { rate: RATE, tiles: 1, firstTile: WARM_UP_TILES + number, to: RATE * seconds, tellEnds: true };
      const { ends } = await pbx.play({ ...common, ...order });
      await pause(1500);
      const waits = (times: Times): number[] =>
        ends.flatMap(([linkedId, sentAt]) => {
          const at = times.get(`asterisk-${linkedId}`);
          return at === undefined ? [] : [Number(at - BigInt(sentAt)) / 1e6];
        });
      return { durable: waits(durable), posted: waits(posted) };
    },
    close,
  };
}

/** Numbers of the other parties of the storm, national. */
function callers(): string[] {
  const storm = recorded('asterisk', 'storm');
  const found = new Set<string>();
  for (let number = 0; number < storm.length; number += 1) {
    for (const [, digits = ''] of storm
      .frame(number, 0)
      .toString('latin1')
      .matchAll(/\+91(99\d{8})/g))
      found.add(digits);
  }
  return [...found];
}

const guid = (n: number): string => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`;

async function ours(): Promise<Opened> {
  const folder = scratch();
  const pbx = await openPbx('asterisk', 'storm');
  const clock = {
    now: Date.now,
    monotonic: () => Number(nanoseconds()) / 1e6,
    after(ms: number, run: () => void) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
  const leads = callers().map((phone, n) => ({ id: guid(n), phone }));
  const sandbox = await startSandbox({ limit: 1e6, leads, clock });
  const durable: Times = new Map();
  const posted: Times = new Map();
  let watching = true;
  const watch = async (): Promise<void> => {
    while (watching) {
      const { request, arrivedAt } = await sandbox.next(({ request: { path } }) => path.includes('LogCall'));
      const id = /"CallSessionId":"([^"]*)"/.exec(request.body)?.[1];
      if (id !== undefined && !posted.has(id)) posted.set(id, BigInt(Math.round(arrivedAt * 1e6)));
    }
  };
  watch().catch(() => {});
  const more = `[calls]
close_grace = '0s'
[leadsquared.limit]
requests = 1000
window = '1s'
concurrency = 50
[leadsquared.lead]
lookup_formats = ['NSN']
`;
  const { accessKey, secretKey, url } = sandbox;
  const daemon = startDaemon({
    folder,
    pbxs: [pbx],
    crm: { url, accessKey, secretKey },
    more,
    post: true,
    level: 'info',
  });
  daemon.onEntry(({ event, call }, at) => {
    if (event === 'call-ended' && typeof call === 'string' && !durable.has(call)) durable.set(call, at);
  });
  return warmedUp(pbx, daemon.connected, durable, posted, async () => {
    watching = false;
    await daemon.kill();
    await sandbox.close();
    await pbx.close();
    discard(folder);
  });
}

async function bare(): Promise<Opened> {
  const folder = scratch();
  const pbx = await openPbx('asterisk', 'storm');
  const durable: Times = new Map();
  const posted: Times = new Map();
  const server = createServer((request, response) => {
    const at = nanoseconds();
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const id = /"CallSessionId":"([^"]*)"/.exec(body)?.[1];
      if (id !== undefined) posted.set(id, at);
      response.end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const child = startBeside('bare', String(pbx.port), join(folder, 'bare.db'), `http://127.0.0.1:${port}/`);
  child.on('message', ({ call }: { readonly call: string }) => durable.set(call, nanoseconds()));
  return warmedUp(pbx, Promise.resolve(), durable, posted, async () => {
    await ended(child);
    server.closeAllConnections();
    server.close();
    await pbx.close();
    discard(folder);
  });
}

export async function run({ short, print }: Options): Promise<Line[]> {
  const { turns, seconds } = short ? SHORT : LONG;
  const other: Waits = { durable: [], posted: [] };
  const mine: Waits = { durable: [], posted: [] };
  const both = [[await bare(), other] as const];
  try {
    both.push([await ours(), mine]);
    // In turns: what else the machine does falls on neither alone.
    for (let turn = 0; turn < turns; turn += 1) {
      for (const [opened, waits] of both) {
        const { durable, posted } = await opened.turn(turn, seconds);
        waits.durable.push(...durable);
        waits.posted.push(...posted);
      }
    }
  } finally {
    for (const [opened] of both) await opened.close();
  }
  print(`${mine.durable.length} calls stored, ${mine.posted.length} posted; bare: ${other.posted.length}`);
  const lines = (name: string, key: keyof Waits): Line[] => {
    const [value, baseline] = [mine[key], other[key]];
    const at = (share: number) => ({ value: percentile(value, share), baseline: percentile(baseline, share) });
    return [
      { measure: `hang-up until ${name}, p50`, unit: 'ms', ...at(0.5), bar: { on: 'ratio', most: 2 } },
      { measure: `hang-up until ${name}, p99`, unit: 'ms', ...at(0.99), bar: { on: 'value', most: 15 } },
    ];
  };
  return [...lines('durable', 'durable'), ...lines('its POST', 'posted')];
}
