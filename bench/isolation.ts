/**
 * One bad call never stops the others, over real HTTP: the database thread, the limiter of 25 requests in 5 s, the HTTP client and
 * the stand-in LeadSquared. Good calls come all the time; bad ones, all at once, are bad whenever LeadSquared is asked about them.
 * Shown: how long good calls take from their end to the POST at the server, beside a run without bad calls; the alarms; and what
 * repeats for the bad calls took of the requests that the limit allows. Each cell is a world of its own; some run side by side.
 *
 * LOGCALLD_ISOLATION_SECONDS: how long good calls come in each cell (60). With 900 the bad ones come to their end as well.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock } from '../adapters/host/clock.ts';
import { createCallLog } from '../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../adapters/leadsquared/directory.ts';
import { createClient } from '../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY as CALL_LOG_POLICY } from '../adapters/leadsquared/policy.ts';
import type { Fault } from '../adapters/leadsquared/sandbox/faults.ts';
import { startSandbox } from '../adapters/leadsquared/sandbox/sandbox.ts';
import { sqliteOutbox } from '../adapters/sqlite/outbox/port.ts';
import { sessionRow } from '../adapters/sqlite/sessions/row.ts';
import { openDatabase } from '../adapters/sqlite/thread/database.ts';
import { DEFAULT_POLICY } from '../src/delivery/policy.ts';
import { createDelivery } from '../src/delivery/service.ts';
import type { Outbox } from '../src/delivery/store.ts';
import { openPermits } from '../src/permits/permits.ts';
import { call } from '../test/delivery/fakes.ts';

const SECONDS = Number(process.env.LOGCALLD_ISOLATION_SECONDS ?? 60);
const RATES = [0.5, 3];
const BAD = [0, 1, 3, 10, 50];
/** Cells that run at the same time. */
const AT_ONCE = 10;
const FIRST_BAD = 100_000;
const WARM = 10_000;
const WARM_UP_MS = 6000;

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
const goodNumber = (n: number): string => `98110${String(n % 40).padStart(5, '0')}`;
const badNumber = (n: number): string => `98220${String(n).padStart(5, '0')}`;

/** Until so many are delivered. */
async function until(outbox: Pick<Outbox, 'counts'>, delivered: number): Promise<void> {
  while ((await outbox.counts({ now: 0 })).states.delivered < delivered) await wait(100);
}

async function cellOf(folder: string, rate: number, bad: number, path: string, fault: Fault): Promise<Seen> {
  const clock = createClock();
  const numbers = [
    ...Array.from({ length: 40 }, (_, n) => goodNumber(n)),
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
  await wait(WARM_UP_MS);

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
  for (let k = 0; k < 40; k++) await end(WARM + k, goodNumber(k));
  await until(remote.outbox, 40);
  ended.clear();
  await wait(WARM_UP_MS);
  const from = clock.monotonic();
  let n = 0;
  while (clock.monotonic() - from < SECONDS * 1000) {
    if (n === Math.ceil(rate * 5))
      await Promise.all(Array.from({ length: bad }, (_, b) => end(FIRST_BAD + b, badNumber(b))));
    await end(n, goodNumber(n));
    n += 1;
    await wait(Math.max(0, from + (n * 1000) / rate - clock.monotonic()));
  }
  const share = repeats / (5 * ((clock.monotonic() - from) / 1000));
  await wait(8000);
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

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-isolation-'));
  const cells = FAULTS.flatMap(([name, path, fault]) =>
    RATES.flatMap((rate) => BAD.map((bad) => ({ name, path, fault, rate, bad }))),
  );
  const results: Seen[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < cells.length; i = next++) {
      const cell = cells[i];
      if (cell !== undefined) results[i] = await cellOf(folder, cell.rate, cell.bad, cell.path, cell.fault);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `${SECONDS} s of good calls in each cell, ${AT_ONCE} cells at a time; p99 may be 1.2 x the undisturbed one + 1 s`,
  );
  console.table(
    cells.flatMap(({ name, rate, bad }, i) => {
      const seen = results[i];
      const alone = results[cells.findIndex((other) => other.name === name && other.rate === rate && other.bad === 0)];
      if (seen === undefined || alone === undefined) return [];
      return [
        {
          'bad calls': bad === 0 ? 'none' : `${bad} ${name}`,
          'good/s': rate,
          'p50 ms': Math.round(seen.p50),
          'p99 ms': Math.round(seen.p99),
          'of what it may be': `${((100 * seen.p99) / (1.2 * alone.p99 + 1000)).toFixed(0)} %`,
          alarms: seen.alarms || '-',
          'repeats, of all that may be sent': `${(100 * seen.share).toFixed(1)} %`,
          'the bad ones': seen.bad || '-',
        },
      ];
    }),
  );
}
