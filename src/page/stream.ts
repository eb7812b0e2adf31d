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
/** So often a page is told that it is connected, and whether the daemon answers, ms. The script of the page waits for it. */
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
    let away = false;
    let telling = false;
    const tell = (): void => {
      // Who does not read is told no more.
      if (telling) return;
      telling = true;
      void stream.writeSSE({ event: away ? 'away' : 'alive', data: '' }).finally(() => {
        telling = false;
      });
    };
    // Both whatever is being sent or waited for meanwhile.
    const alive = setInterval(tell, ALIVE_MS);
    const unwatch = live.watch((status) => {
      if (away !== (status === null)) {
        away = status === null;
        tell();
      }
      looks.put(status);
    });
    const stop = (): void => {
      clearInterval(alive);
      unwatch();
    };
    stream.onAbort(() => {
      stop();
      looks.end();
    });
    const part = async (id: string, html: Html): Promise<void> => {
      const text = String(await html);
      if (sent.get(id) === text) return;
      sent.set(id, text);
      await stream.writeSSE({ event: 'part', id, data: text });
    };
    let chartsAt = performance.now();
    try {
      for (let status = await looks.next(); status !== undefined; status = await looks.next()) {
        const look = lookOf();
        if (look === null) break;
        if (status === null) continue;
        const regions = regionsOf({ ...look, now }, status, live.rates());
        for (const id of REGIONS) await part(id, regions[id]);
        if (performance.now() - chartsAt <= CHARTS_MS) continue;
        chartsAt = performance.now();
        const drawn = await charts({ ...look, now }).catch(() => null);
        if (drawn !== null) await part('charts', drawn);
      }
    } finally {
      stop();
    }
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
