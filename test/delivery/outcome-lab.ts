/**
 * One call on its way through real parts to the stand-in server: delivery, HTTP client, a database in memory. Time is a
 * fake clock that stands still while a request is under way; the network deadline falls when a reply is known to hang.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import { createCallLog } from '../../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../../adapters/leadsquared/directory.ts';
import { type Client, createClient } from '../../adapters/leadsquared/http/client.ts';
import { DEFAULT_POLICY as CALL_LOG_POLICY } from '../../adapters/leadsquared/policy.ts';
import type { Fault } from '../../adapters/leadsquared/sandbox/faults.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
import type { Permits } from '../../src/permits/port.ts';
import { flush, fresh, World } from './fakes.ts';

/** `unreachable` is none of the server's faults: the connection is refused. */
export type Trouble = Fault | { readonly kind: 'unreachable' };

/**
 * The request that goes wrong. `capture` is the lookup of an installation that makes leads itself, `all` every request from
 * the moment on that a post got no answer.
 */
export type Position = 'lookup' | 'capture' | 'post' | 'verify' | 'update' | 'all';

const SESSION = 'pbx:1:1';
const MINUTE = 60_000;
const RECORDING = 'https://pbx.example/1.wav';
const CALL_LOG = { ...CALL_LOG_POLICY, recordingUrl: 'https://pbx.example/{file}' };
const PATHS: Readonly<Record<Position, string>> = {
  lookup: 'RetrieveLeadByPhoneNumber$',
  capture: 'Lead.Capture$',
  post: 'LogCall$',
  verify: 'ProspectActivity.svc',
  update: 'PhoneCallActivity/Update$',
  all: '.',
};
/** Nobody listens on the first port. */
const REFUSING = 'http://127.0.0.1:1';
/** Where Node tells of the head of a reply. */
const HEADERS = 'http.client.response.finish';

const guid = (n: number): string => `${n}0000000-0000-4000-8000-000000000000`;

/** Sets out one call with `trouble` on its request at `position`, from then on until `mend`. */
export async function openLab(position: Position, trouble: Trouble) {
  const world = new World();
  const { clock } = world;
  const path = new RegExp(PATHS[position]);
  const deadlines = new Set<() => void>();
  const clients: Client[] = [];
  let broken = false;
  let hits = 0;
  let underWay = 0;
  let onIdle = (): void => undefined;

  const known = position === 'capture' ? [] : ['9811000001', '9811000002'];
  const sandbox = await startSandbox({
    leads: known.map((phone, n) => ({ id: guid(n + 1), phone })),
    users: [{ id: guid(9), firstName: 'Asha', email: 'asha@example.com' }],
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after(ms, run) {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    },
  });

  const hangUp = (): void => {
    for (const run of [...deadlines]) run();
  };
  /** A reply that stalls is given up once its head is here: that is the case to be told from one without a head. */
  const onHeaders = (message: unknown): void => {
    if (!broken || trouble.kind !== 'stall' || typeof message !== 'object' || message === null) return;
    const request: unknown = Reflect.get(message, 'request');
    if (!(request instanceof ClientRequest) || !sandbox.url.endsWith(`/${request.getHeader('host')}`)) return;
    if (path.test(request.path.replace(/\?.*/, ''))) setImmediate(hangUp);
  };
  subscribe(HEADERS, onHeaders);
  const watch = (): void => {
    sandbox
      .next(({ fate, request }) => fate === 'fault' && path.test(request.path))
      .then(() => {
        if (broken) hits += 1;
        if (trouble.kind === 'timeout') hangUp();
        watch();
      })
      .catch((error: unknown) => {
        throw error;
      });
  };
  watch();

  function clientAt(host: string, permits: Permits): Client {
    const { accessKey, secretKey } = sandbox;
    const own = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after(_ms: number, run: () => void) {
        deadlines.add(run);
        return () => void deadlines.delete(run);
      },
    };
    const client = createClient({ host, accessKey, secretKey, permits, clock: own });
    clients.push(client);
    return client;
  }

  world.watched = (office) => ({
    ...office,
    async acquire(priority, signal) {
      const permit = await office.acquire(priority, signal);
      let running = false;
      return {
        id: permit.id,
        until: permit.until,
        waitedMs: permit.waitedMs,
        get used() {
          return permit.used;
        },
        start() {
          if (!permit.start()) return false;
          running = true;
          underWay += 1;
          return true;
        },
        [Symbol.dispose]() {
          permit[Symbol.dispose]();
          if (running) underWay -= 1;
          running = false;
          onIdle();
        },
      };
    },
  });

  world.crm.ports = (permits) => {
    const real = clientAt(sandbox.url, permits);
    const refusing = clientAt(REFUSING, permits);
    const client: Client = {
      ...real,
      call(request, asking, read) {
        const session = JSON.stringify(request.body ?? null).includes(SESSION);
        const meant = path.test(request.path) && (position !== 'post' || session);
        if (!broken || trouble.kind !== 'unreachable' || !meant) return real.call(request, asking, read);
        hits += 1;
        return refusing.call(request, asking, read);
      },
    };
    return {
      name: 'LeadSquared',
      directory: createDirectory(client, DEFAULT_DIRECTORY_POLICY),
      callLog: createCallLog(client, CALL_LOG),
    };
  };

  /** Until nothing is under way and nothing more happens by itself. */
  async function quiet(): Promise<void> {
    for (;;) {
      await flush();
      if (underWay === 0) {
        await flush();
        if (underWay === 0) return;
      }
      await new Promise<void>((resolve) => {
        onIdle = resolve;
        if (underWay === 0) resolve();
      });
    }
  }

  /** Lets the time pass, timer by timer, until `enough`. */
  async function pass(ms: number, enough: () => boolean = () => false): Promise<void> {
    const until = clock.mono + ms;
    await quiet();
    while (!enough()) {
      const [due] = [...clock.timers].sort((a, b) => a.at - b.at || a.seq - b.seq);
      if (due === undefined || due.at > until) {
        clock.block(Math.max(0, until - clock.mono));
        return;
      }
      clock.timers = clock.timers.filter((other) => other !== due);
      clock.block(Math.max(0, due.at - clock.mono));
      due.run();
      await quiet();
    }
  }

  const lead = { ...DEFAULT_POLICY.lead, ...(position === 'capture' ? { unknown: 'capture' as const } : {}) };
  const rows = [{ extension: '1001', user: 'asha@example.com', source: null, domain: null }];
  const life = await world.live({ lead, user: { ...DEFAULT_POLICY.user, rows } });
  // A limiter without a memory waits one window.
  await pass(6000);

  function spoil(): void {
    broken = true;
    if (trouble.kind === 'unreachable') return;
    const match = { path: PATHS[position], ...(position === 'post' ? { session: SESSION } : {}) };
    sandbox.addFaults({ match, times: 0, fault: trouble });
  }

  /** The trouble is that of this call alone. */
  function spoilAlone(): void {
    if (trouble.kind === 'unreachable') throw new Error('Nothing is unreachable for one call alone.');
    broken = true;
    const text = { lookup: '9811000001', verify: guid(1) }[String(position)];
    const match = { path: PATHS[position], ...(position === 'post' ? { session: SESSION } : text ? { text } : {}) };
    sandbox.addFaults({ match, times: 0, fault: trouble });
  }

  /** The state of the call; after the delivery, what became of its late recording. */
  function standing(): string {
    const row = world.row(1);
    if (position !== 'update' || row.state !== 'delivered') return String(row.state);
    if (row.step !== null) return 'update-waits';
    return String(row.posted_facts).includes(RECORDING) ? 'update-sent' : 'update-dropped';
  }

  return {
    standing,
    attempts: (): number => Number(world.row(1).post_attempts),
    /** Brings the call to its first request that goes wrong, and to the end of that. */
    async firstTry(): Promise<void> {
      const record = fresh(world, 1);
      if (position === 'verify' || position === 'all') {
        const match = { path: 'LogCall$', session: SESSION };
        sandbox.addFaults({ match, fault: { kind: 'reset', commit: true } });
      }
      const before = position === 'update' ? 'delivered' : position === 'all' ? 'uncertain' : null;
      if (before === null) spoil();
      world.end(record);
      life.delivery.notify();
      if (before !== null) {
        await pass(MINUTE, () => world.state(1) === before);
        // What is refused is looked for: LeadSquared has had the time to show the call.
        if (position === 'update') await pass(2 * MINUTE);
        spoil();
      }
      if (position === 'update') world.end({ ...record, recording: '1.wav' });
      life.delivery.notify();
      // The step with the trouble is over.
      await pass(5 * MINUTE, () => hits > 0 && world.row(1).lease_owner === null);
    },
    /** While other calls go on, one a minute: how many minutes until the end of the call. */
    async alone(isEnd: (state: string) => boolean): Promise<number> {
      const record = fresh(world, 1);
      if (position === 'verify') {
        const match = { path: 'LogCall$', session: SESSION };
        sandbox.addFaults({ match, times: 0, fault: { kind: 'reset', commit: false } });
      }
      if (position !== 'update') spoilAlone();
      world.end(record);
      if (position === 'update') {
        life.delivery.notify();
        await pass(MINUTE, () => world.state(1) === 'delivered');
        spoilAlone();
        world.end({ ...record, recording: '1.wav' });
      }
      let minutes = 0;
      for (; minutes < 600 && !isEnd(standing()); minutes++) {
        world.end(fresh(world, 10 + minutes, { external: '09811000002', externalE164: '+919811000002' }));
        life.delivery.notify();
        await pass(MINUTE);
      }
      return minutes;
    },
    reason: (): string => String(world.row(1).reason),
    /** The circuit; `held` when it is closed and everything waits for the rate. */
    async circuit(): Promise<string> {
      const { circuit, permits } = await life.delivery.snapshot();
      return circuit === 'closed' && permits.heldMs > 0 ? 'held' : circuit;
    },
    /** Whether another call is delivered within a minute while the trouble goes on. */
    async other(): Promise<boolean> {
      world.end(fresh(world, 2));
      life.delivery.notify();
      await pass(MINUTE, () => world.state(2) === 'delivered');
      return world.state(2) === 'delivered';
    },
    pass,
    alarms: (): readonly string[] => [
      ...new Set(life.conditions.filter(({ raised }) => raised).map(({ code }) => code)),
    ],
    /** The trouble is over. */
    mend(): void {
      broken = false;
      sandbox.clearFaults();
    },
    async replay(): Promise<void> {
      await life.delivery.replay({ filter: { ids: [SESSION] }, force: false, dryRun: false });
    },
    /** How often the server has the call. */
    logged: (): number => sandbox.ledger.bySession(SESSION).length,
    /** Leads that were created for the caller. */
    created: (): number =>
      sandbox.ledger.entries().filter(({ kind, body }) => kind === 'capture' && String(body.Phone).endsWith('001'))
        .length,
    async close(): Promise<void> {
      unsubscribe(HEADERS, onHeaders);
      life.kill();
      await Promise.all(clients.map((client) => client.close()));
      await sandbox.close();
      world.close();
    },
  };
}

export type Lab = Awaited<ReturnType<typeof openLab>>;
