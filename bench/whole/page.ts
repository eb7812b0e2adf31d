/** How soon the page answers where many calls are stored, and what the daemon feels of those who look at it. */
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../test/support/daemon.ts';
import { type RunningDaemon, startDaemon } from '../support/daemon.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { copyFilled, numberOf } from '../support/filled.ts';
import { discard, pause, scratch } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';
import { percentile } from '../support/statistics.ts';
import { tilesFor } from '../support/storm-run.ts';

const TOKEN = 'token-of-the-bench';
const CALLS = { long: 100_000, short: 10_000 } as const;
/** Of them with all their events, in the last 30 days. */
const HEARD = { long: 5000, short: 500 } as const;
const LOADS = { long: 40, short: 8 } as const;
const PAGES = 20;
const RATE = 1000;
const SECONDS = { long: 30, short: 6 } as const;
const PROBE = join(import.meta.dirname, '..', 'support', 'probe.js');

interface Visitor {
  /** ms until the first byte of a page. */
  first(path: string): Promise<number>;
  /** Keeps a page open until `signal`. Resolves when it has got its first part. */
  open(signal: AbortSignal): Promise<void>;
  /** Addresses of calls that a page names. */
  calls(path: string): Promise<readonly string[]>;
}

async function visit(address: string): Promise<Visitor> {
  const login = async (): Promise<Response | null> =>
    fetch(`${address}login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: new URL(address).origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token: TOKEN }),
    }).catch(() => null);
  let answer = await login();
  for (let tries = 0; answer === null && tries < 600; tries++) {
    await pause(50);
    answer = await login();
  }
  if (answer === null) throw new Error(`Nobody serves the page at ${address}.`);
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const get = async (path: string, signal?: AbortSignal): Promise<Response> => {
    const page = await fetch(`${address}${path}`, { headers: { cookie }, ...(signal === undefined ? {} : { signal }) });
    if (!page.ok) throw new Error(`${path}: HTTP ${page.status}`);
    return page;
  };
  return {
    async first(path) {
      const began = performance.now();
      const page = await get(path);
      const took = performance.now() - began;
      await page.arrayBuffer();
      return took;
    },
    async open(signal) {
      const { body } = await get('events', signal);
      const reader = body?.getReader();
      await reader?.read();
      const drain = async (): Promise<void> => {
        for (;;) if ((await reader?.read())?.done !== false) return;
      };
      drain().catch(() => {});
    },
    async calls(path) {
      const text = await (await get(path)).text();
      return [...text.matchAll(/href="\/(calls\/[^"]+)"/g)].map(([, one = '']) => one);
    },
  };
}

const pageText = (port: number): string => `[page]\nlisten = '127.0.0.1:${port}'\ntoken = '${TOKEN}'\n`;

async function firstBytes(short: boolean, print: Options['print']): Promise<number> {
  const folder = scratch();
  const [calls, heard] = short ? [CALLS.short, HEARD.short] : [CALLS.long, HEARD.long];
  const pbx = await openPbx('asterisk');
  const port = await freePort();
  await copyFilled({ sessions: calls - heard, heard, waiting: 100 }, join(folder, 'logcalld.db'));
  const daemon = startDaemon({ folder, pbxs: [pbx], more: pageText(port) });
  try {
    await daemon.connected;
    const visitor = await visit(`http://127.0.0.1:${port}/`);
    const [one = '', two = ''] = await visitor.calls('calls');
    const number = numberOf(Math.floor(calls / 2)).slice(-5);
    const paths = ['', 'calls', `calls?number=${number}`, 'calls?state=delivered', one, two, 'agents', 'gaps'];
    const times: number[] = [];
    for (let load = 0; load < (short ? LOADS.short : LOADS.long); load++) {
      for (const path of paths) times.push(await visitor.first(path));
    }
    print(`first byte: p50 ${percentile(times, 0.5).toFixed(1)} ms, longest ${Math.max(...times).toFixed(1)} ms`);
    return percentile(times, 0.95);
  } finally {
    await daemon.stop();
    await pbx.close();
    discard(folder);
  }
}

interface Late {
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

async function lateness(daemon: RunningDaemon, play: () => Promise<unknown>): Promise<Late> {
  daemon.child.send('reset');
  await play();
  daemon.child.send('read');
  const [late] = (await once(daemon.child, 'message')) as [Late];
  return late;
}

/** The daemon's event loop at some hundred calls a minute, without and with pages that are open and loaded again and again. */
async function besidePages(seconds: number): Promise<readonly [Late, Late]> {
  const folder = scratch();
  const pbx = await openPbx('asterisk', 'storm');
  const port = await freePort();
  const daemon = startDaemon({ folder, pbxs: [pbx], more: pageText(port), execArgv: ['--import', PROBE] });
  const closing = new AbortController();
  try {
    await daemon.connected;
    const visitor = await visit(`http://127.0.0.1:${port}/`);
    let tile = 0;
    const play = async (): Promise<void> => {
      const tiles = tilesFor('asterisk', RATE * seconds);
      const beganAt = Date.now() - 86_400_000;
      // The whole storm once takes longer than the short form has.
      const part = tiles === 1 ? { to: RATE * seconds } : {};
      await pbx.play({ recording: 'storm', tiles, firstTile: tile, rate: RATE, beganAt, ...part });
      tile += tiles;
    };
    await pause(1000);
    const without = await lateness(daemon, play);
    await Promise.all(Array.from({ length: PAGES }, () => visitor.open(closing.signal)));
    let over = false;
    const loading = (async () => {
      for (; !over; await pause(200)) for (const path of ['', 'calls']) await visitor.first(path);
    })();
    const beside = await lateness(daemon, play);
    over = true;
    await loading;
    return [without, beside];
  } finally {
    closing.abort();
    await daemon.kill();
    await pbx.close();
    discard(folder);
  }
}

export async function run({ short, print }: Options): Promise<Line[]> {
  const p95 = await firstBytes(short, print);
  const seconds = short ? SECONDS.short : SECONDS.long;
  const [without, beside] = await besidePages(seconds);
  print(`event loop without pages: p99.9 ${without.p999.toFixed(1)} ms, with them at most ${beside.max.toFixed(1)} ms`);
  const calls = (short ? CALLS.short : CALLS.long).toLocaleString('en');
  return [
    { measure: `first byte of a page, p95, ${calls} calls`, unit: 'ms', value: p95, bar: { on: 'value', most: 100 } },
    {
      measure: `event loop delay p99.9 with ${PAGES} open pages, ${RATE} events/s`,
      unit: 'ms',
      value: beside.p999,
      baseline: without.p999,
      bar: { on: 'value', most: 50 },
    },
  ];
}
