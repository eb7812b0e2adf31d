/** The parts of `npm run test:faults`, in the order in which they run. */
import { pauses, pbxClock, reboots, wallClock } from './clocks.ts';
import { damages } from './damage.ts';
import { diskFull, failingSync, slowSync } from './disk.ts';
import { templates } from './kills.ts';
import { inProcess } from './kills-site.ts';
import { lostToCrm, lostToPbxs } from './lost-packets.ts';
import { crmWay, cutLinks, deadLinks } from './network.ts';
import { points } from './points.ts';
import { powerCuts } from './power.ts';
import type { Chance } from './support/chance.ts';
import { type Pace, paceOf } from './support/pace.ts';
import { inParallel } from './support/parallel.ts';
import { type Outcome, sumOf } from './support/table.ts';

export interface RunOptions {
  readonly chance: Chance;
  /** Lives that end by SIGKILL at random instants. */
  readonly lives: number;
  readonly callsPerLife: number;
  /** Of the enumerated crash points so many of each kind; all of them when larger. */
  readonly points: number;
  readonly cuts: number;
  /** Of random kills and power cuts: it may end them early. */
  readonly pace: Pace;
  /** Pauses up to a minute instead of some seconds. */
  readonly long: boolean;
  /** Daemons at the same time, each with PBXs, CRM and database of its own. */
  readonly parallel: number;
}

export interface Part {
  readonly name: string;
  /** It waits more than it works: such parts run at the same time, one daemon of each. */
  readonly waits?: true;
  run(options: RunOptions): Promise<readonly Outcome[]>;
}

/**
 * Lives of one database, about. A start reads back what was heard of late, here the calls of a day in a few minutes: after a thousand
 * lives it takes three times as long, and shows nothing else.
 */
const LIVES_OF_ONE = 250;

const randomKills: Part = {
  name: 'kills',
  async run({ chance, lives, callsPerLife, parallel, pace }) {
    const began = performance.now();
    // As many in each turn: one that were left for the end would have the machine for itself.
    const sites = parallel * Math.max(1, Math.round(lives / LIVES_OF_ONE / parallel));
    const share = Math.ceil(lives / sites);
    const runs = Array.from({ length: sites }, (_, number) => async () => {
      const own = { lives: share, callsPerLife, pace, chance: chance.part(`kills ${number}`) };
      return pace.over ? null : inProcess(`site ${number + 1}`, own);
    });
    const done = (await inParallel(runs, parallel)).filter((one) => one !== null);
    return [sumOf('SIGKILL at random instants', done, (performance.now() - began) / 1000)];
  },
};

const crashPoints: Part = {
  name: 'points',
  run: ({ chance, points: wanted, parallel }) => points(templates(), wanted, parallel, chance.part('points')),
};

/** Without waiting for the disk the last calls are lost: a run of this kind that loses none shows nothing about the others. */
async function withoutSync(chance: Chance, callsPerLife: number): Promise<Outcome> {
  const name = 'power cuts with synchronous = NORMAL: must lose';
  const node = ['--import', new URL('./support/normal.js', import.meta.url).href];
  const all = { cuts: 4, callsPerLife, chance, life: { node }, pace: paceOf(null, () => {}) };
  const { lost, doubled, wrong, ...rest } = await powerCuts(name, templates(), all);
  const nothing = lost.length === 0 ? ['nothing was lost: the power cuts of this machine prove nothing'] : [];
  const count = `lost ${lost.length}, doubled ${doubled.length}, other faults ${wrong.length}, as it must be`;
  return { ...rest, lost: [], doubled: [], wrong: nothing, note: count };
}

const power: Part = {
  name: 'power',
  async run({ chance, cuts, callsPerLife, pace }) {
    const all = templates();
    const options = { cuts, callsPerLife, pace, chance: chance.part('power') };
    return [await powerCuts('power cuts', all, options), await withoutSync(chance.part('normal'), callsPerLife)];
  },
};

const disk: Part = {
  name: 'disk',
  waits: true,
  run: ({ chance, parallel }) => {
    const all = templates();
    return inParallel(
      [
        () => diskFull('the disk is full, and has room again', all, chance.part('full')),
        () => failingSync('syncs fail with an I/O error', all, chance.part('eio')),
        () => slowSync('each sync takes 200 ms', all, chance.part('slow'), 200),
      ],
      parallel,
    );
  },
};

const clocks: Part = {
  name: 'clocks',
  waits: true,
  run: ({ chance, parallel, long }) => {
    const all = templates();
    const [lives, stops, longest] = long ? [200, 100, 60_000] : [8, 12, 3000];
    return inParallel(
      [
        () => wallClock('the wall clock steps by hours and months', all, chance.part('wall')),
        () => reboots('the machine starts anew', all, chance.part('boot'), lives),
        () => pauses('the daemon is stopped for a while', all, chance.part('pauses'), stops, longest),
        () => pbxClock('the clocks of the PBXs are two hours off', all, chance.part('pbx'), lives),
      ],
      parallel,
    );
  },
};

const network: Part = {
  name: 'network',
  waits: true,
  run: ({ chance, parallel, long }) => {
    const all = templates();
    const times = long ? 500 : 15;
    return inParallel(
      [
        () => deadLinks('the ways to the PBXs go dead', all, chance.part('dead'), long ? 30 : 2),
        () => cutLinks('the ways to the PBXs are cut', all, chance.part('cut'), times),
        () => crmWay('the way to the CRM is cut, or dead', all, chance.part('crm'), times),
        () => lostToPbxs('packets to the PBXs are lost', all, chance.part('lost'), long ? 30 : 3),
        () => lostToCrm('packets to the CRM are lost', all, chance.part('lost crm'), long ? 200 : 9),
      ],
      parallel,
    );
  },
};

const damage: Part = {
  name: 'damage',
  waits: true,
  run: ({ chance, parallel }) => inParallel(damages(templates(), chance.part('damage')), parallel),
};

export const PARTS: readonly Part[] = [randomKills, crashPoints, power, disk, clocks, network, damage];
