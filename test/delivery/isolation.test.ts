/**
 * One bad call never stops the others: good calls come all the time, and some calls are bad in one way each time they are
 * asked about, posted, looked for or stored. In simulated time, with the CRM's limit as it is.
 */
import t from 'tap';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
import { type Fate, flush, fresh, World } from './fakes.ts';

/** What is bad about a bad call: at which request, and how. */
interface Fault {
  readonly name: string;
  readonly at: 'lead' | 'post' | 'find' | 'update' | 'store' | 'body';
  readonly fate: Fate;
  /** When a request without an answer is given up, ms. */
  readonly timeoutMs?: number;
  /** Where such a call ends. */
  readonly end: string;
  /** False: in the full run only; much like another one. */
  readonly quick?: false;
}

const FAULTS: readonly Fault[] = [
  { name: 'lookup ends in 5xx or garbage', at: 'lead', fate: 'unavailable', end: 'parked' },
  { name: 'lookup times out', at: 'lead', fate: 'dropped', timeoutMs: 30_000, end: 'parked' },
  { name: 'lookup takes 20 s', at: 'lead', fate: 'slow', end: 'delivered', quick: false },
  { name: 'post times out', at: 'post', fate: 'dropped', timeoutMs: 30_000, end: 'parked' },
  { name: 'post ends in 5xx', at: 'post', fate: 'dropped', end: 'parked', quick: false },
  { name: 'post takes 20 s', at: 'post', fate: 'slow', end: 'delivered' },
  { name: 'check ends in 5xx', at: 'find', fate: 'unavailable', end: 'parked' },
  { name: 'update ends in 5xx', at: 'update', fate: 'unavailable', end: 'delivered' },
  { name: 'lookup is refused', at: 'lead', fate: 'denied', end: 'parked', quick: false },
  { name: 'post is refused as if the account were', at: 'post', fate: 'denied', end: 'parked' },
  { name: 'store refuses the row', at: 'store', fate: 'ok', end: 'pending' },
  { name: 'body throws', at: 'body', fate: 'ok', end: 'parked' },
];

/** LOGCALLD_ISOLATION=full: all of it, some minutes long. */
const FULL = process.env.LOGCALLD_ISOLATION === 'full';
/** Good calls a second, and for how many minutes. */
const RATES: readonly (readonly [rate: number, minutes: number])[] = FULL
  ? [
      [0.5, 15],
      [1, 8],
      [2, 4],
    ]
  : [[1, 2]];
const BAD = FULL ? [1, 3, 10, 50] : [50];
const HOURS = 4;
const FIRST_BAD = 100_000;
const isBad = (session: string | null): boolean => Number(session?.split(':').at(-1)) >= FIRST_BAD;
const badNumber = (n: number): string => `98220${String(n).padStart(5, '0')}`;

interface Seen {
  readonly p99: number;
  readonly alarms: readonly string[];
  readonly ends: readonly string[];
  /** Requests for bad calls in any 15 minutes, of all that the limit allows. */
  readonly share: number;
  readonly reason: string | null;
}

/** `rate`: good calls a second. They come for `minutes`; the bad ones all at once, in the midst of them. */
async function run(fault: Fault, bad: number, rate: number, minutes: number): Promise<Seen> {
  const world = new World();
  const { clock, crm } = world;
  crm.everybodyIsKnown = true;
  crm.timeoutMs = fault.timeoutMs ?? crm.latencyMs;
  const posted = new Map<string, number>();
  const badAt: number[] = [];
  crm.fate = (request, session) => {
    const mine = isBad(session) || (request.startsWith('lead 98220') && fault.at === 'lead');
    if (mine || request.startsWith('lead 98220')) badAt.push(clock.monotonic());
    if (request === 'post' && session !== null && !isBad(session)) posted.set(session, clock.monotonic());
    if (!mine) return 'ok';
    // A check is made of a post without an answer.
    if (fault.at === 'find' && request === 'post') return 'lost';
    return request.split(' ')[0] === fault.at ? fault.fate : 'ok';
  };
  if (fault.at === 'body') {
    const { body } = crm;
    crm.body = (record, resolution) => {
      if (isBad(record.callSessionId)) throw new Error('no body for this call');
      return body(record, resolution);
    };
  }
  if (fault.at === 'store') {
    world.trouble.error = new Error('constraint failed');
    world.trouble.refuses = (method, args) => {
      if (method !== 'begin') return false;
      const { id } = args as { id: number };
      const session = world.db
        .prepare<[number], string>('SELECT session_id FROM delivery WHERE id = ?')
        .pluck()
        .get(id);
      return isBad(session ?? null);
    };
  }
  const { delivery, conditions } = await world.live({ limit: DEFAULT_POLICY.limit });
  await clock.advance(6000);
  const ended = new Map<string, number>();
  const gap = 1000 / rate;
  let n = 0;
  const one = (): void => {
    const record = fresh(world, n, {
      external: `0981${1_000_000 + (n % 40)}`,
      externalE164: `+91981${10_000_000 + (n % 40)}`,
    });
    ended.set(record.callSessionId, clock.monotonic());
    n += 1;
    world.end(record);
    delivery.notify();
  };
  const until = clock.monotonic() + minutes * 60_000;
  let sent = false;
  while (clock.monotonic() < until) {
    if (!sent && clock.monotonic() > until - (minutes - 0.5) * 60_000) {
      sent = true;
      for (let b = 0; b < bad; b++) {
        const number = badNumber(b);
        const record = fresh(world, FIRST_BAD + b, { external: `0${number}`, externalE164: `+91${number}` });
        world.end(record);
      }
      delivery.notify();
      if (fault.at === 'update') {
        await clock.advance(30_000);
        for (let b = 0; b < bad; b++) {
          const { record } = world.stored(FIRST_BAD + b);
          world.end({ ...record, recording: 'late.wav' });
        }
        delivery.notify();
      }
    }
    one();
    await clock.advance(gap);
  }
  await clock.advance(20_000);
  const during = conditions.filter(({ raised }) => raised).map(({ code }) => code);
  const waits = [...ended].map(([session, at]) => (posted.get(session) ?? Number.POSITIVE_INFINITY) - at);
  waits.sort((a, b) => a - b);
  // Then it is quiet: now and then a call, until the bad ones have their end.
  for (let minute = 0; minute < HOURS * 60; minute += 5) {
    one();
    await clock.advance(300_000);
  }
  await flush();
  const ends = Array.from({ length: bad }, (_, b) => String(world.state(FIRST_BAD + b)));
  const reason = bad === 0 ? null : String(world.row(FIRST_BAD).reason);
  const window = 15 * 60_000;
  let share = 0;
  badAt.forEach((at, i) => {
    const within = badAt.slice(i).findIndex((other) => other - at > window);
    share = Math.max(share, (within < 0 ? badAt.length - i : within) / (5 * 15 * 60));
  });
  world.close();
  return {
    p99: waits[Math.floor(0.99 * (waits.length - 1))] ?? 0,
    alarms: [...new Set(during)],
    ends: [...new Set(ends)],
    share,
    reason,
  };
}

t.setTimeout(FULL ? 1_800_000 : 120_000);

for (const [rate, minutes] of RATES) {
  t.test(`at ${rate} good calls a second`, async (t) => {
    const nothing: Fault = { name: 'none', at: 'lead', fate: 'ok', end: 'delivered' };
    const undisturbed = await run(nothing, 0, rate, minutes);
    for (const fault of FULL ? FAULTS : FAULTS.filter(({ quick }) => quick !== false)) {
      for (const bad of BAD) {
        const seen = await run(fault, bad, rate, minutes);
        const name = `${bad} calls of which the ${fault.name}`;
        t.ok(
          seen.p99 <= 1.2 * undisturbed.p99 + 1000,
          `${name}: p99 ${Math.round(seen.p99)} ms, ${Math.round(undisturbed.p99)} ms without them`,
        );
        t.same(seen.alarms, [], `${name}: no alarm`);
        t.same(seen.ends, [fault.end], `${name}: they come to their end (${seen.reason})`);
        t.ok(seen.share <= 0.1, `${name}: ${(100 * seen.share).toFixed(1)} % of the requests of 15 minutes`);
      }
    }
  });
}
