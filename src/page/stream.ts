/** What is sent to a page that is open: its parts, each when it has changed (Server-Sent Events, WHATWG HTML 9.2). */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Status } from './ask.ts';
import type { Env } from './guard.ts';
import type { Html, Look } from './html.ts';
import type { Live } from './live.ts';
import { REGIONS, regionsOf } from './views/now.ts';

/** Pages that are open at the same time. */
const MOST = 100;
/** Something is sent at least so often, so that a page knows that it is connected, ms. */
const ALIVE_MS = 15_000;

/** Charts change little, and cost more than the rest. */
const CHARTS_MS = 10_000;

interface Streamed {
  readonly live: Live;
  /** `null` when the session is over, which ends the stream. */
  readonly lookOf: () => Look | null;
  /** Throws while the daemon does not answer. */
  readonly charts: (look: Look) => Promise<Html>;
}

export function streamLive(c: Context<Env>, { live, lookOf, charts }: Streamed): Response | Promise<Response> {
  if (live.watchers >= MOST) return c.text('Too many pages are open.\n', 503, { 'retry-after': '30' });
  // A proxy must not keep what it gets.
  c.header('x-accel-buffering', 'no');
  return streamSSE(c, async (stream) => {
    const sent = new Map<string, string>();
    // What counts on does so in the browser: only what else has changed is sent.
    const now = lookOf()?.now ?? 0;
    const looks = latest<Status | null>();
    const stop = live.watch(looks.put);
    stream.onAbort(() => {
      stop();
      looks.end();
    });
    const part = async (id: string, html: Html): Promise<boolean> => {
      const text = String(await html);
      if (sent.get(id) === text) return false;
      sent.set(id, text);
      await stream.writeSSE({ event: 'part', id, data: text });
      return true;
    };
    let toldAt = performance.now();
    let chartsAt = toldAt;
    for (let status = await looks.next(); status !== undefined; status = await looks.next()) {
      const look = lookOf();
      if (look === null) break;
      let told = status === null;
      if (status === null) await stream.writeSSE({ event: 'away', data: '' });
      else {
        const regions = regionsOf({ ...look, now }, status, live.rates());
        for (const id of REGIONS) told = (await part(id, regions[id])) || told;
        if (performance.now() - chartsAt > CHARTS_MS) {
          chartsAt = performance.now();
          const drawn = await charts({ ...look, now }).catch(() => null);
          if (drawn !== null) told = (await part('charts', drawn)) || told;
        }
      }
      if (!told && performance.now() - toldAt > ALIVE_MS) {
        told = true;
        await stream.writeSSE({ event: 'alive', data: '' });
      }
      if (told) toldAt = performance.now();
    }
    stop();
  });
}

/** Who takes slowly gets the latest alone; `undefined`: there is nothing more. */
function latest<T>() {
  let waiting: { readonly value: T } | null = null;
  let over = false;
  let wake = (): void => {};
  return {
    put(value: T): void {
      waiting = { value };
      wake();
    },
    end(): void {
      over = true;
      wake();
    },
    async next(): Promise<T | undefined> {
      for (;;) {
        const found = waiting;
        waiting = null;
        if (over) return undefined;
        if (found !== null) return found.value;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
