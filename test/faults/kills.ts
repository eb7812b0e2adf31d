/** SIGKILL at random instants, life after life, under calls of two PBXs and faults of the CRM. */
import type { FaultRule } from '../../adapters/leadsquared/sandbox/faults.ts';
import { pause } from '../../bench/support/process.ts';
import { type Pbx, type Template, templateOf } from './calls/template.ts';
import type { Chance } from './support/chance.ts';
import { Knowledge } from './support/oracle.ts';
import type { Pace } from './support/pace.ts';
import { settle } from './support/settle.ts';
import { customerOf, type Life, Site } from './support/site.ts';
import { type Outcome, outcomeOf } from './support/table.ts';

/** Answered, missed, queues, transfers, forwarding, parking: what a PBX does all day. */
const NAMES: Readonly<Record<Pbx, readonly string[]>> = {
  asterisk: [
    'inbound_answered_caller_hangs_up',
    'inbound_answered_agent_hangs_up',
    'inbound_abandoned_ringing',
    'inbound_noanswer_novm',
    'inbound_busy',
    'outbound_answered',
    'outbound_busy',
    'queue_answered',
    'queue_abandoned',
    'ringgroup_second_answers',
    'attended_transfer_refer',
    'blind_transfer_refer',
    'hold_unhold',
    'internal_answered',
    'mixmonitor_recording',
  ],
  freeswitch: [
    'in_answered_caller_hangup',
    'in_answered_agent_hangup',
    'in_abandoned_ringing',
    'in_noanswer',
    'out_answered',
    'out_busy',
    'queue_answered',
    'attended_refer',
    'blind_refer',
    'ringgroup_second_answers',
    'internal',
  ],
};

export function templates(): Readonly<Record<Pbx, readonly Template[]>> {
  return {
    asterisk: NAMES.asterisk.map((name) => templateOf('asterisk', name)),
    freeswitch: NAMES.freeswitch.map((name) => templateOf('freeswitch', name)),
  };
}

/** What the CRM may do to single requests; nothing of it makes a call one that it does not want. */
const FAULTS: readonly FaultRule['fault'][] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 500, commit: true },
  { kind: 'status', status: 503 },
  { kind: 'reset' },
  { kind: 'reset', commit: true },
  { kind: 'timeout' },
  { kind: 'timeout', commit: true },
  { kind: 'cut', commit: true },
  { kind: 'stall', commit: true },
  { kind: 'garbage', commit: true },
  { kind: 'html', status: 502 },
  { kind: 'empty', commit: true },
  { kind: 'delay', ms: 300 },
  { kind: 'rate', disguise: '429' },
];

export function crmFaults(chance: Chance, most: number): FaultRule[] {
  return Array.from({ length: chance.whole(0, most) }, () => ({
    match: { nth: chance.whole(1, 12), ...(chance.is(0.7) ? { path: 'LogCall$' } : {}) },
    fault: chance.pick(FAULTS),
  }));
}

export interface KillsOptions {
  readonly lives: number;
  readonly callsPerLife: number;
  readonly chance: Chance;
  readonly pace: Pace;
}

/** After its login a life has so long at most, ms: time enough to hear of some calls and to post them. */
const LIFE_MS = 800;
/** A start that is killed before it listens is killed within, ms. */
const START_MS = 600;
/** The recordings are played so much faster. */
const SPEEDS = [10, 20, 60, 200];

/** Resolves when this life, which listens to a PBX now, is to be killed. */
async function theirTime(site: Site, life: Life, chance: Chance): Promise<void> {
  const longest = pause(chance.whole(0, LIFE_MS));
  switch (chance.pick(['moment', 'request', 'request', 'stored'] as const)) {
    case 'moment':
      return longest;
    case 'request': {
      let left = chance.whole(1, 30);
      await Promise.race([site.crm.next(() => --left <= 0), longest]);
      return;
    }
    case 'stored': {
      const many = chance.whole(1, 12);
      await Promise.race([life.until(() => life.stored.size >= many), longest]);
    }
  }
}

/** Lives of one daemon on one database, one after the other, and what the CRM has after them. */
export async function kills(name: string, options: KillsOptions): Promise<Outcome> {
  const { callsPerLife, chance, pace } = options;
  const began = performance.now();
  const site = await Site.open();
  const known = new Knowledge();
  const all = templates();
  let [placed, lives] = [0, 0];
  try {
    const [first] = all.asterisk;
    if (first !== undefined) await site.warmUp(first);
    for (; lives < options.lives && !pace.over; lives += 1) {
      site.crm.clearFaults();
      site.crm.addFaults(...crmFaults(chance, 6));
      const life = site.start();
      const place = (): void => {
        const pbx = chance.is(0.6) ? site.asterisk : site.freeswitch;
        placed += 1;
        pbx.place(chance.pick(all[pbx.pbx]), { speed: chance.pick(SPEEDS), customer: customerOf(placed) });
      };
      const timers: NodeJS.Timeout[] = [];
      const early = chance.is(0.15);
      if (early) await pause(chance.whole(0, START_MS));
      else {
        await life.logged('pbx-connected');
        for (let call = 0; call < callsPerLife; call += 1) timers.push(setTimeout(place, chance.whole(0, LIFE_MS)));
        await theirTime(site, life, chance);
      }
      await life.kill();
      for (const timer of timers) clearTimeout(timer);
      if (life.child.signalCode !== 'SIGKILL') {
        throw new Error(`life ${lives + 1} ended by itself with ${life.child.exitCode}: ${life.words}`);
      }
      if (site.hasDatabase && chance.is(0.3)) known.look(site.database);
      pace.tick();
    }
    const verdict = await settle(site, known);
    // Without them it would not be seen how a life goes on with what the last one had begun.
    const few = site.crm.stats().faults < lives / 10 ? ['hardly any fault of the CRM was met'] : [];
    return outcomeOf(name, lives, began, { ...verdict, wrong: [...few, ...verdict.wrong] });
  } finally {
    await site.close();
  }
}
