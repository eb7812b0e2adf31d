/** What goes wrong in a simulated time, all of it drawn before it begins. Times: ms from the beginning. */
import type { Fate } from '../delivery/fakes.ts';
import type { Chance } from '../faults/support/chance.ts';
import type { Crash, DiskState } from './store.ts';

/** How the CRM takes requests for a while: how often what becomes of one. */
export interface CrmWeather {
  readonly name: string;
  readonly fates: readonly Fate[];
  /** Of the requests so many have one of these fates. */
  readonly share: number;
  readonly latencyMs: number;
  /** When a request without an answer is given up: the client waits for an end of every request. */
  readonly timeoutMs: number;
}

export type Trouble =
  | { readonly kind: 'call'; readonly pbx: 'asterisk' | 'freeswitch' }
  | { readonly kind: 'kill'; readonly downMs: number; readonly reboot: boolean }
  | { readonly kind: 'crash-in'; readonly crash: Crash; readonly downMs: number }
  | {
      readonly kind: 'link';
      readonly pbx: 'asterisk' | 'freeswitch';
      readonly forMs: number;
      readonly noticedMs: number;
    }
  | { readonly kind: 'pbx-crash'; readonly pbx: 'asterisk' | 'freeswitch'; readonly forMs: number }
  | { readonly kind: 'crm'; readonly weather: CrmWeather; readonly forMs: number }
  | { readonly kind: 'disk'; readonly state: DiskState; readonly slowMs: number; readonly forMs: number }
  | { readonly kind: 'stall'; readonly ms: number }
  /** The clock of the machine is set, and after `forMs` set right again. `both`: the PBXs run on the same machine. */
  | { readonly kind: 'step'; readonly ms: number; readonly both: boolean; readonly forMs: number }
  /** The clock of the machine goes so much faster. */
  | { readonly kind: 'drift'; readonly rate: number; readonly forMs: number }
  /** The clock of a PBX is set, and after `forMs` set right again. */
  | {
      readonly kind: 'pbx-clock';
      readonly pbx: 'asterisk' | 'freeswitch';
      readonly ms: number;
      readonly forMs: number;
    };

export interface Planned {
  readonly at: number;
  readonly trouble: Trouble;
}

export const FAIR: CrmWeather = { name: 'fair', fates: ['ok'], share: 0, latencyMs: 120, timeoutMs: 30_000 };

const WEATHERS: readonly CrmWeather[] = [
  {
    name: 'flaky',
    fates: ['lost', 'dropped', 'unavailable', 'unreachable', 'slow'],
    share: 0.3,
    latencyMs: 300,
    timeoutMs: 5000,
  },
  { name: 'down', fates: ['unavailable', 'unreachable', 'dropped'], share: 1, latencyMs: 50, timeoutMs: 10000 },
  { name: 'answers get lost', fates: ['lost'], share: 0.7, latencyMs: 200, timeoutMs: 30000 },
  { name: 'hangs', fates: ['lost', 'dropped'], share: 0.3, latencyMs: 1000, timeoutMs: 60000 },
  { name: 'busy', fates: ['rate-limited'], share: 0.3, latencyMs: 200, timeoutMs: 30000 },
  { name: 'keys refused', fates: ['denied'], share: 1, latencyMs: 50, timeoutMs: 30000 },
  { name: 'refuses', fates: ['rejected'], share: 0.1, latencyMs: 200, timeoutMs: 30000 },
  { name: 'slow', fates: ['slow'], share: 0.5, latencyMs: 4000, timeoutMs: 30000 },
  { name: 'ends the program', fates: ['crash', 'lost'], share: 0.1, latencyMs: 200, timeoutMs: 10000 },
];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const POINTS = ['outbox.begin', 'outbox.settle', 'permits.reserve', 'journal.commit', 'gaps.end'] as const;
const PBXS = ['asterisk', 'freeswitch'] as const;

export interface Climate {
  readonly hours: number;
  /** Of both PBXs, at the busiest time. */
  readonly callsPerHour: number;
  /** How often in 24 h, on average. */
  readonly perDay: Readonly<Record<Exclude<Trouble['kind'], 'call'>, number>>;
}

export const USUAL: Climate = {
  hours: 24,
  callsPerHour: 80,
  perDay: {
    kill: 12,
    'crash-in': 20,
    link: 12,
    'pbx-crash': 2,
    crm: 16,
    disk: 8,
    stall: 12,
    step: 4,
    drift: 2,
    'pbx-clock': 1,
  },
};

/** All that happens, in order of time. */
export function forecast(climate: Climate, chance: Chance): Planned[] {
  const span = climate.hours * HOUR;
  const planned: Planned[] = [];
  const every = (part: string, perHour: number, make: (chance: Chance, at: number) => Trouble | null): void => {
    const own = chance.part(part);
    if (perHour <= 0) return;
    // Exponential pauses between what happens by itself.
    for (let at = 0; ; ) {
      at += (-Math.log(1 - own.next()) * HOUR) / perHour;
      if (at >= span) return;
      const trouble = make(own, at);
      if (trouble !== null) planned.push({ at: Math.round(at), trouble });
    }
  };
  const daily = (kind: keyof Climate['perDay'], make: (chance: Chance) => Trouble): void =>
    every(kind, climate.perDay[kind] / 24, make);

  every('call', climate.callsPerHour, (own, at) => {
    // Few calls at night.
    const busy = 0.5 - 0.45 * Math.cos((2 * Math.PI * at) / (24 * HOUR));
    return own.is(busy + 0.05) ? { kind: 'call', pbx: own.is(0.55) ? 'asterisk' : 'freeswitch' } : null;
  });
  daily('kill', (own) => ({ kind: 'kill', downMs: between(own, 300, 20 * 60_000), reboot: own.is(0.15) }));
  daily('crash-in', (own) => ({
    kind: 'crash-in',
    // Any request, or those on which the promises rest.
    crash: own.is(0.4) ? { half: own.whole(1, 60), of: null } : { half: own.whole(1, 4), of: own.pick(POINTS) },
    downMs: between(own, 300, 60_000),
  }));
  daily('link', (own) => ({
    kind: 'link',
    pbx: own.pick(PBXS),
    forMs: between(own, 500, 30 * 60_000),
    noticedMs: own.whole(10, 15_000),
  }));
  daily('pbx-crash', (own) => ({ kind: 'pbx-crash', pbx: own.pick(PBXS), forMs: between(own, 2000, 5 * 60_000) }));
  daily('crm', (own) => ({ kind: 'crm', weather: own.pick(WEATHERS), forMs: between(own, 10_000, 2 * HOUR) }));
  daily('disk', (own) => ({
    kind: 'disk',
    state: own.pick(['full', 'failing', 'flaky', 'slow'] as const),
    slowMs: between(own, 20, 5000),
    forMs: between(own, 500, 10 * 60_000),
  }));
  daily('stall', (own) => ({ kind: 'stall', ms: between(own, 100, 60_000) }));
  daily('step', (own) => ({
    kind: 'step',
    ms: own.pick([own.whole(-1500, 1500), HOUR, -HOUR, 30 * DAY, -30 * DAY]),
    both: own.is(0.3),
    forMs: between(own, 1000, 3 * HOUR),
  }));
  daily('drift', (own) => ({
    kind: 'drift',
    rate: (own.is(0.5) ? 1 : -1) * between(own, 20, 2000) * 1e-6,
    forMs: between(own, HOUR / 2, 12 * HOUR),
  }));
  daily('pbx-clock', (own) => ({
    kind: 'pbx-clock',
    pbx: own.pick(PBXS),
    ms: own.is(0.5) ? 2 * HOUR : -2 * HOUR,
    forMs: between(own, HOUR / 10, 12 * HOUR),
  }));
  return planned.sort((a, b) => a.at - b.at);
}

/** Short ones are as frequent as long ones. */
function between(chance: Chance, least: number, most: number): number {
  return Math.round(least * (most / least) ** chance.next());
}
