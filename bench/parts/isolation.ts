/**
 * One bad call never stops the others, over real HTTP: the database thread, the limiter of 25 requests in 5 s, the HTTP client and
 * the stand-in LeadSquared. Good calls come all the time; bad ones, all at once, are bad whenever LeadSquared is asked about them.
 * Shown: how long good calls take from their end to the POST at the server, beside a run without bad calls; the alarms; and what
 * repeats for the bad calls took of the requests that the limit allows. Each cell is a world of its own; some run side by side.
 *
 * LOGCALLD_ISOLATION_SECONDS: how long good calls come in each cell (60). With 900 the bad ones come to their end as well.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createClock } from '../../adapters/host/clock.ts';
import { createCallLog } from '../../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../../adapters/leadsquared/directory.ts';
import { createClient } from '../../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY as CALL_LOG_POLICY } from '../../adapters/leadsquared/policy.ts';
import type { Fault } from '../../adapters/leadsquared/sandbox/faults.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { sqliteOutbox } from '../../adapters/sqlite/outbox/port.ts';
import { sessionRow } from '../../adapters/sqlite/sessions/row.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
import { createDelivery } from '../../src/delivery/service.ts';
import type { Outbox } from '../../src/delivery/store.ts';
import { openPermits } from '../../src/permits/permits.ts';
import { call } from '../../test/delivery/fakes.ts';
import { discard, scratch } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';

const SECONDS = Number(process.env.LOGCALLD_ISOLATION_SECONDS ?? 60);
const RATES = [0.5, 3];
const BAD = [0, 1, 3, 10, 50];
/** Cells that run at the same time. */
const AT_ONCE = 10;
const FIRST_BAD = 100_000;
const WARM = 10_000;
/** How long each phase of a cell takes, ms, and how many calls make the leads known. */
interface Pace {
  readonly seconds: number;
  readonly warmCalls: number;
  readonly warmUpMs: number;
  readonly settleMs: number;
}

const PACE: Pace = { seconds: SECONDS, warmCalls: 40, warmUpMs: 6000, settleMs: 8000 };
const SHORT: Pace = { seconds: 8, warmCalls: 12, warmUpMs: 5100, settleMs: 4000 };

const FAULTS: readonly (readonly [name: string, path: string, fault: Fault])[] = [
  ['lookup 502', 'RetrieveLeadByPhoneNumber', { kind: 'status', status: 502 }],
  ['lookup time-out', 'RetrieveLeadByPhoneNumber', { kind: 'timeout' }],
  ['lookup garbage', 'RetrieveLeadByPhoneNumber', { kind: 'garbage' }],
  ['lookup 20 s', 'RetrieveLeadByPhoneNumber', { kind: 'delay', ms: 20_000 }],
  ['post 502', 'LogCall', { kind: 'status', status: 502 }],
  ['post time-out', 'LogCall', { kind: 'timeout' }],
];

interface Seen {
  readonly p50: number;
  readonly p99: number;
  readonly alarms: string;
  /** Requests for bad calls that were made before, of those that the limit allowed meanwhile. */
  readonly share: number;
  readonly bad: string;
}

const guid = (n: number): string => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const goodNumber = (n: number): string => `98110${String(n).padStart(5, '0')}`;
const badNumber = (n: number): string => `98220${String(n).padStart(5, '0')}`;

/** Until so many are delivered. */
async function until(outbox: Pick<Outbox, 'counts'>, delivered: number): Promise<void> {
  while ((await outbox.counts({ now: 0 })).states.delivered < delivered) await wait(100);
}

interface Cell {
  readonly name: string;
  readonly path: string;
  readonly fault: Fault;
  /** Good calls a second. */
  readonly rate: number;
  /** Bad ones, all at once. */
  readonly bad: number;
}

async function cellOf(folder: string, pace: Pace, { rate, bad, path, fault }: Cell): Promise<Seen> {
  const clock = createClock();
  const numbers = [
    ...Array.from({ length: pace.warmCalls }, (_, n) => goodNumber(n)),
    ...Array.from({ length: bad }, (_, n) => badNumber(n)),
  ];
  const sandbox = await startSandbox({
    clock,
    leads: numbers.map((phone, n) => ({ id: guid(n), phone })),
    users: [{ id: guid(999), firstName: 'Asha', email: 'asha@example.com' }],
    faults: [{ match: { path, text: '9822|pbx:1:1\\d{5}' }, times: 0, fault }],
  });
  const database = await openDatabase(join(folder, `${randomUUID()}.sqlite`));
  const { remote } = database;
  const alarms = new Set<string>();
  const common = {
    clock,
    random: Math.random,
    owner: randomUUID(),
    onCondition: ({ code, raised }: { readonly code: string; readonly raised: boolean }) =>
      void (raised && alarms.add(code)),
  };
  const permits = await openPermits({
    ...common,
    store: remote.permits,
    limit: DEFAULT_POLICY.limit,
    crm: 'LeadSquared',
  });
  const { accessKey, secretKey, url } = sandbox;
  const client = createClient({ host: url, accessKey, secretKey, permits, clock });
  const delivery = createDelivery({
    ...{ ...common, permits, alone: true, log: { write: () => undefined } },
    policy: { ...DEFAULT_POLICY, user: { ...DEFAULT_POLICY.user, unknown: ['omit'] } },
    store: { outbox: sqliteOutbox(remote.outbox), leads: remote.leadCache, users: remote.users },
    crm: {
      name: 'LeadSquared',
      directory: createDirectory(client, DEFAULT_DIRECTORY_POLICY),
      callLog: createCallLog(client, CALL_LOG_POLICY),
    },
  });
  await delivery.start();
  await wait(pace.warmUpMs);

  const ended = new Map<string, number>();
  const posted = new Map<string, number>();
  const asked = new Set<string>();
  let repeats = 0;
  let watching = true;
  const watch = async (): Promise<void> => {
    while (watching) {
      const { request, arrivedAt } = await sandbox.next(() => true);
      const session = /"CallSessionId":"([^"]*)"/.exec(request.body)?.[1];
      if (/LogCall$/.test(request.path) && session !== undefined && !posted.has(session))
        posted.set(session, arrivedAt);
      const text = `${[...request.query.values()].join(' ')} ${request.body}`;
      const who = /9822\d{6}|pbx:1:1\d{5}/.exec(text)?.[0];
      if (who === undefined) continue;
      if (asked.has(`${request.path} ${who}`)) repeats += 1;
      asked.add(`${request.path} ${who}`);
    }
  };
  watch().catch(() => undefined);
  const end = async (n: number, number: string): Promise<void> => {
    const now = Math.floor(clock.now());
    const record = call(n, {
      external: `0${number}`,
      externalE164: `+91${number}`,
      startedAt: now - 60_000,
      answeredAt: now - 50_000,
      endedAt: now,
    });
    ended.set(record.callSessionId, clock.monotonic());
    await remote.journal.commit([], [sessionRow(record)], now);
    delivery.notify();
  };

  // The leads of the good calls are known before it is measured.
  for (let k = 0; k < pace.warmCalls; k++) await end(WARM + k, goodNumber(k));
  await until(remote.outbox, pace.warmCalls);
  ended.clear();
  await wait(pace.warmUpMs);
  const from = clock.monotonic();
  let n = 0;
  while (clock.monotonic() - from < pace.seconds * 1000) {
    if (n === Math.ceil(rate * 5))
      await Promise.all(Array.from({ length: bad }, (_, b) => end(FIRST_BAD + b, badNumber(b))));
    await end(n, goodNumber(n % pace.warmCalls));
    n += 1;
    await wait(Math.max(0, from + (n * 1000) / rate - clock.monotonic()));
  }
  const share = repeats / (5 * ((clock.monotonic() - from) / 1000));
  await wait(pace.settleMs);
  const waits = [...ended].flatMap(([session, at]) =>
    Number(session.split(':').at(-1)) >= FIRST_BAD ? [] : [(posted.get(session) ?? Number.POSITIVE_INFINITY) - at],
  );
  waits.sort((a, b) => a - b);
  const rows = await remote.outbox.select({ filter: {}, after: 0, limit: 100_000 });
  const states = rows
    .filter(({ sessionId }) => Number(sessionId.split(':').at(-1)) >= FIRST_BAD)
    .map(({ state }) => state);
  const kinds = [...new Set(states)].map((state) => `${states.filter((one) => one === state).length} ${state}`);
  watching = false;
  await delivery.drain(100);
  await client.close();
  await database.close();
  await sandbox.close();
  const at = (q: number): number => waits[Math.floor(q * (waits.length - 1))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), alarms: [...alarms].join(), share, bad: kinds.join(', ') };
}

function row(results: readonly (Seen | undefined)[], cells: readonly Cell[], i: number) {
  const [cell, seen] = [cells[i], results[i]];
  if (cell === undefined) return null;
  const alone =
    results[cells.findIndex((other) => other.name === cell.name && other.rate === cell.rate && other.bad === 0)];
  if (seen === undefined || alone === undefined) return null;
  return { cell, seen, alone, part: seen.p99 / (1.2 * alone.p99 + 1000) };
}

/** It waits for the clock nearly all of its time, and its bar is seconds wide. */
export const waits = true;

export async function run({ short, print, table }: Options): Promise<Line[]> {
  const folder = scratch();
  const [faults, rates, bad, pace] = short
    ? [FAULTS.slice(0, 1), RATES.slice(1), [0, 10], SHORT]
    : [FAULTS, RATES, BAD, PACE];
  const cells: Cell[] = faults.flatMap(([name, path, fault]) =>
    rates.flatMap((rate) => bad.map((count) => ({ name, path, fault, rate, bad: count }))),
  );
  const results: Seen[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < cells.length; i = next++) {
      const cell = cells[i];
      if (cell !== undefined) results[i] = await cellOf(folder, pace, cell);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    discard(folder);
  }
  print(
    `${pace.seconds} s of good calls in each cell, ${AT_ONCE} cells at a time; p99 may be 1.2 x the undisturbed one + 1 s`,
  );
  const rows = cells.flatMap((_, i) => row(results, cells, i) ?? []);
  table(
    rows.map(({ cell, seen, part }) => ({
      'bad calls': cell.bad === 0 ? 'none' : `${cell.bad} ${cell.name}`,
      'good/s': cell.rate,
      'p50 ms': Math.round(seen.p50),
      'p99 ms': Math.round(seen.p99),
      'of what it may be': `${(100 * part).toFixed(0)} %`,
      alarms: seen.alarms || '-',
      'repeats, of all that may be sent': `${(100 * seen.share).toFixed(1)} %`,
      'the bad ones': seen.bad || '-',
    })),
  );
  const disturbed = rows.filter(({ cell }) => cell.bad > 0);
  const worst = disturbed.reduce<(typeof disturbed)[number] | null>(
    (most, one) => (most === null || one.part > most.part ? one : most),
    null,
  );
  return [
    {
      measure: `p99 of good calls beside ${worst?.cell.bad} of "${worst?.cell.name}", the worst cell`,
      unit: 'ms',
      value: worst?.seen.p99 ?? null,
      baseline: worst?.alone.p99 ?? null,
    },
    {
      measure: 'the same, of what it may be',
      unit: '%',
      value: 100 * (worst?.part ?? Number.NaN),
      bar: { on: 'value', most: 100 },
    },
    {
      measure: 'repeats for bad calls, of all that may be sent, the worst cell',
      unit: '%',
      value: 100 * Math.max(...disturbed.map(({ seen }) => seen.share)),
    },
  ];
}
