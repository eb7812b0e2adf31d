/** What the daemon tells whoever watches it: metrics, whether it lives, whether it hears. */
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type LoopbackServer, openLoopback } from '../../adapters/control/loopback.ts';
import { isPassing } from '../../adapters/sqlite/thread/errors.ts';
import type { Config } from '../../config/schema.ts';
import type { CountedLog } from '../events.ts';
import type { Conditions } from '../health/conditions.ts';
import { heardText, isHeard } from '../health/heard.ts';
import { within } from '../link/within.ts';
import type { Page, Pages } from '../metrics/pages.ts';
import { type FileFacts, type ProcessFacts, readMetrics, type StoredFacts } from '../metrics/read.ts';
import type { Tally } from '../metrics/tally.ts';
import type { PermitOffice } from '../permits/permits.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Clock } from '../ports.ts';
import { type DaemonView, lastGaps } from './answers/status-reply.ts';
import { tellParked } from './parked.ts';
import { VERSION } from './version.ts';

export interface MetricsParts {
  readonly view: Omit<DaemonView, 'pipeline'>;
  readonly pipeline: Pick<Pipeline, 'openCalls'>;
  readonly permits: Pick<PermitOffice, 'snapshot'>;
  /** Requests in a window by the config. */
  readonly limit: number;
  readonly journal: { status(): { readonly pendingWeight: number } };
  readonly log: CountedLog;
  readonly tally: Tally;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly listen: Config['metrics']['listen'];
  /** As for systemd's watchdog. */
  readonly healthy: () => Promise<boolean>;
}

export interface Metrics {
  readonly pages: Pages;
  stop(): Promise<void>;
}

/** What the database and the disk do not say by then is left out of a scrape, ms. */
const ANSWER_MS = 800;
/** The database has this long to answer until systemd, and `/livez`, hear that the daemon does not live, ms. */
const HEALTHY_WITHIN_MS = 5000;
/** A port that is taken is tried again, ms. */
const LISTEN_AGAIN_MS = 60_000;

/**
 * Whether the event loop and the database, which `ask` asks, answer in time. That the disk refuses is an answer, too: it is told otherwise,
 * and a restart would lose what waits in memory for it.
 */
export function isHealthy(clock: Clock, ask: () => Promise<unknown>): () => Promise<boolean> {
  return () =>
    within(clock, HEALTHY_WITHIN_MS, 'late', ask()).then(
      () => true,
      (error: unknown) => isPassing(error),
    );
}

export function openMetrics(parts: MetricsParts): Metrics {
  const pages = pagesOf(parts);
  const { listen, clock, conditions } = parts;
  let server: LoopbackServer | null = null;
  let stopped = false;
  let cancel = (): void => {};
  const open = async (): Promise<void> => {
    if (listen === null) return;
    try {
      server = await openLoopback(listen, pages);
      conditions.set('metrics-not-served', null);
    } catch (error) {
      // Calls are logged all the same.
      conditions.set('metrics-not-served', textOf(error), 'warning');
      if (stopped) return;
      cancel = clock.after(LISTEN_AGAIN_MS, () => {
        opening = open();
      });
    }
  };
  let opening = open();
  return {
    pages,
    async stop() {
      stopped = true;
      cancel();
      await opening;
      await server?.close();
    },
  };
}

function pagesOf(parts: MetricsParts): Pages {
  const { view, clock } = parts;
  // Who asks again while nothing answers waits for the same answer: nothing piles up behind a database that is busy.
  const stored = shared(async (): Promise<StoredFacts> => {
    const [delivery, gaps] = await Promise.all([view.delivery.snapshot(), lastGaps(view.store, clock.now())]);
    tellParked(view.conditions, delivery.parked);
    return { delivery, gaps };
  });
  const files = shared(() => filesOf(view.database));
  const alive = shared(parts.healthy);
  const soon = <T>(promise: Promise<T>): Promise<T | null> =>
    within(clock, ANSWER_MS, 'late', promise).catch(() => null);
  const text = shared(async (): Promise<Page> => {
    const { metricsText, METRICS_TYPE } = await import('../../adapters/metrics/text.ts');
    const [known, sizes, lag] = await Promise.all([soon(stored()), soon(files()), lagOf(clock)]);
    const { tally, log, permits, limit, journal, pipeline } = parts;
    const reading = readMetrics({
      ...{ version: VERSION, node: process.version, at: clock.now(), told: log.told(), tally, limit },
      conditions: view.conditions.raised(),
      sources: view.sources(),
      openCalls: (source) => pipeline.openCalls(source),
      permits: permits.snapshot(),
      pendingBytes: journal.status().pendingWeight,
      backup: view.lastBackup(),
      process: processOf(clock, lag),
      ...{ stored: known, files: sizes },
    });
    return { status: 200, type: METRICS_TYPE, body: await metricsText(reading) };
  });
  return {
    '/metrics': text,
    async '/livez'() {
      return (await alive()) ? plain(200, 'ok') : plain(503, 'The database does not answer within 5 s.');
    },
    async '/readyz'() {
      const sources = view.sources();
      const conditions = view.conditions.raised();
      const heard = sources.some((source) => isHeard(source, conditions));
      const database = (await soon(alive())) === true;
      const lines = [
        database ? 'database: ok' : 'database: does not answer',
        ...sources.map((source) => `${source.name}: ${heardText(source, conditions)}`),
      ];
      return plain(database && heard ? 200 : 503, lines.join('\n'));
    },
  };
}

const plain = (status: number, text: string): Page => ({
  ...{ status, type: 'text/plain; charset=utf-8', body: `${text}\n` },
});

/** The same, asked once for all who ask while it is under way. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null;
  return () => {
    underWay ??= ask().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

async function filesOf(database: string): Promise<FileFacts> {
  const sizeOf = (path: string): Promise<number> =>
    stat(path).then(
      ({ size }) => size,
      () => 0,
    );
  const [size, wal, disk] = await Promise.all([sizeOf(database), sizeOf(`${database}-wal`), statfs(dirname(database))]);
  const { bsize, blocks, bavail } = disk;
  return { database: size, wal, disk: bsize * blocks, available: bsize * bavail };
}

/** Seconds for which something that was to be done at once had to wait. */
async function lagOf(clock: Pick<Clock, 'monotonic'>): Promise<number> {
  const began = clock.monotonic();
  await new Promise<void>((resolve) => setImmediate(resolve));
  return Math.max(0, clock.monotonic() - began) / 1000;
}

function processOf(clock: Pick<Clock, 'now'>, lag: number): ProcessFacts {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    startedAt: clock.now() - process.uptime() * 1000,
    cpu: (user + system) / 1e6,
    memory: rss,
    heap: heapUsed,
    lag,
    busy: performance.eventLoopUtilization().active / 1000,
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
