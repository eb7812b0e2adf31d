/** What is sent to a page that is open: its parts, each when it has changed (Server-Sent Events, WHATWG HTML 9.2). */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Status } from './ask.ts';
import type { Env } from './guard.ts';
import type { Look } from './html.ts';
import type { Live } from './live.ts';
import { REGIONS, regionsOf } from './views/now.ts';

/** Pages that are open at the same time. */
const MOST = 100;
/** Something is sent at least so often, so that a page knows that it is connected, ms. */
const ALIVE_MS = 15_000;

/** `lookOf`: `null` when the session is over, which ends the stream. */
export function streamLive(c: Context<Env>, live: Live, lookOf: () => Look | null): Response | Promise<Response> {
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
    let toldAt = performance.now();
    for (let status = await looks.next(); status !== undefined; status = await looks.next()) {
      const look = lookOf();
      if (look === null) break;
      let told = status === null;
      if (status === null) await stream.writeSSE({ event: 'away', data: '' });
      else {
        const regions = regionsOf({ ...look, now }, status, live.rates());
        for (const id of REGIONS) {
          const text = String(await regions[id]);
          if (sent.get(id) === text) continue;
          sent.set(id, text);
          told = true;
          await stream.writeSSE({ event: 'part', id, data: text });
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
