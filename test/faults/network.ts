/** Ways to the PBXs and to the CRM that are cut, or go dead without a word. */
import { pause } from '../../bench/support/process.ts';
import type { Chance } from './support/chance.ts';
import { Knowledge } from './support/oracle.ts';
import { FaultProxy } from './support/proxy.ts';
import { settle } from './support/settle.ts';
import { type Life, Site } from './support/site.ts';
import { type Outcome, outcomeOf } from './support/table.ts';
import { type Templates, traffic } from './support/traffic.ts';

const PER_SECOND = 15;
/** While a way is dead nothing is heard of calls. */
const FEW_PER_SECOND = 4;
const SPEED = 10;
/** A dead way is noticed within, ms: 10 s of silence and 5 s for the answer of Asterisk, 4 s and 10 s of FreeSWITCH. */
const NOTICED_MS = 15_500;

/** A site whose daemon reaches everything through proxies. */
async function proxied(): Promise<{
  site: Site;
  ways: readonly FaultProxy[];
  crm: FaultProxy;
  close(): Promise<void>;
}> {
  const site = await Site.open();
  const ways = [await new FaultProxy(site.asterisk.port).listen(), await new FaultProxy(site.freeswitch.port).listen()];
  const crm = await new FaultProxy(site.crm.port).listen();
  const [asterisk, freeswitch] = ways;
  site.configure({ through: { asterisk: asterisk?.port ?? 0, freeswitch: freeswitch?.port ?? 0, crm: crm.port } });
  return {
    ...{ site, ways, crm },
    async close() {
      await site.close();
      for (const proxy of [...ways, crm]) await proxy.close();
    },
  };
}

const both = (life: Life, times: number): boolean =>
  ['asterisk', 'freeswitch'].every(
    (pbx) => life.entries.filter((entry) => entry.event === 'pbx-connected' && entry.pbx === pbx).length >= times,
  );

/** Which direction is dead, and whether calls go on meanwhile: what is heard of them is a sign of life. */
const DEAD = [
  { toPbx: true, fromPbx: true, calls: true },
  { toPbx: true, fromPbx: false, calls: false },
  { toPbx: false, fromPbx: true, calls: true },
] as const;

/** The ways to the PBXs go dead in one direction or both; each is noticed in time, and calls that go on are told once. */
export async function deadLinks(name: string, all: Templates, chance: Chance, rounds: number): Promise<Outcome> {
  const began = performance.now();
  const { site, ways, close } = await proxied();
  const wrong: string[] = [];
  const known = new Knowledge();
  try {
    const life = site.start();
    await life.until(() => both(life, 1));
    for (let round = 0; round < rounds; round += 1) {
      const { toPbx, fromPbx, calls } = DEAD[round % DEAD.length] ?? DEAD[0];
      const stop = traffic(site, all, { perSecond: FEW_PER_SECOND, speed: SPEED, chance });
      await pause(2000);
      if (!calls) {
        stop();
        await site.quiet();
      }
      const lost = life.entries.filter(({ event }) => event === 'pbx-lost').length;
      for (const way of ways) way.dead(toPbx, fromPbx);
      const inTime = await Promise.race([life.logged('pbx-lost', lost + 2), pause(NOTICED_MS).then(() => false)]);
      if (!inTime) wrong.push(`dead ways (to the PBX: ${toPbx}, from it: ${fromPbx}) were not noticed in time`);
      for (const way of ways) way.heal();
      for (const way of ways) way.cut();
      await Promise.race([life.until(() => both(life, round + 2)), pause(NOTICED_MS)]);
      stop();
      known.look(site.database);
    }
    const verdict = await settle(site, known);
    return outcomeOf(name, site.lives.length, began, { ...verdict, wrong: [...wrong, ...verdict.wrong] });
  } finally {
    await close();
  }
}

/** Connections to the PBXs are reset, in the middle of frames as well. */
export async function cutLinks(name: string, all: Templates, chance: Chance, cuts: number): Promise<Outcome> {
  const began = performance.now();
  const { site, ways, close } = await proxied();
  const known = new Knowledge();
  try {
    const life = site.start();
    await life.until(() => both(life, 1));
    const stop = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED, chance });
    site.asterisk.faults = { chunkBytes: 700 };
    for (let count = 0; count < cuts && !life.over; count += 1) {
      await pause(chance.whole(100, 900));
      chance.pick(ways).cut();
      known.look(site.database);
    }
    stop();
    const verdict = await settle(site, known);
    return outcomeOf(name, site.lives.length, began, verdict);
  } finally {
    await close();
  }
}

/** The way to the CRM is cut, or dead, with posts on it: what may have arrived is looked for. */
export async function crmWay(name: string, all: Templates, chance: Chance, faults: number): Promise<Outcome> {
  const began = performance.now();
  const { site, crm, close } = await proxied();
  const wrong: string[] = [];
  try {
    const life = site.start();
    await life.until(() => both(life, 1));
    const stop = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED * 2, chance });
    for (let count = 0; count < faults && !life.over; count += 1) {
      await pause(chance.whole(50, 400));
      if (chance.is(0.5)) crm.cut();
      else {
        crm.dead(chance.is(0.5), true);
        await pause(chance.whole(50, 1500));
        crm.heal();
        crm.cut();
      }
    }
    stop();
    const verdict = await settle(site, new Knowledge());
    if (verdict.unheard > 0) wrong.push(`${verdict.unheard} calls were not heard`);
    return outcomeOf(name, site.lives.length, began, { ...verdict, wrong: [...wrong, ...verdict.wrong] });
  } finally {
    await close();
  }
}
