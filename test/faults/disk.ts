/** A disk that is full, fails or is slow. */
import { join } from 'node:path';
import { pause } from '../../bench/support/process.ts';
import type { Chance } from './support/chance.ts';
import { SmallDisk } from './support/disk.ts';
import { Knowledge, placedCalls } from './support/oracle.ts';
import { settle } from './support/settle.ts';
import { type Life, Site } from './support/site.ts';
import { type Outcome, outcomeOf } from './support/table.ts';
import { type Templates, traffic } from './support/traffic.ts';

/** SQLite's builds sync by one or the other. */
const SYNC = 'fsync,fdatasync';
const PER_SECOND = 20;
const SPEED = 20;
/** What was stored before is delivered within, ms. */
const DELIVERED_MS = 20_000;

/** Resolves with true as soon as it holds, with false when it does not in time. */
async function within(ms: number, holds: () => boolean): Promise<boolean> {
  for (const until = performance.now() + ms; performance.now() < until; await pause(50)) if (holds()) return true;
  return holds();
}

/**
 * Full for a while, with calls stored that the CRM did not take before: the daemon lives, says so, delivers what is stored, and goes
 * on by itself when there is room again.
 */
export async function diskFull(name: string, all: Templates, chance: Chance): Promise<Outcome> {
  const began = performance.now();
  const disk = new SmallDisk(24);
  const site = await Site.open({ storage: join(disk.path, 'logcalld.db') });
  const wrong: string[] = [];
  try {
    site.crm.addFaults({ match: { path: 'LogCall$' }, times: 0, fault: { kind: 'status', status: 503 } });
    const life = site.start();
    await life.logged('pbx-connected', 2);
    const stop = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED, chance });
    await within(20_000, () => life.stored.size >= 30);
    stop();
    await site.quiet();
    await within(5000, () => placedCalls(site).every(({ id }) => life.stored.has(id)));
    const stored = new Set(life.stored);
    disk.fill();
    site.crm.clearFaults();
    const inCrm = (id: string): boolean => site.crm.ledger.bySession(id).length > 0;
    const missing = (): string[] =>
      placedCalls(site)
        .map(({ id }) => id)
        .filter((id) => stored.has(id) && !inCrm(id));
    if (!(await within(DELIVERED_MS, () => missing().length === 0))) {
      wrong.push(`${missing().length} of ${stored.size} stored calls were not delivered while the disk was full`);
    }
    const more = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED, chance });
    await pause(2000);
    more();
    const told = life.entries.some(({ level, text }) => level !== 'info' && /full|no room|no space/i.test(text));
    if (!told) wrong.push('nothing in the log says that the disk is full');
    if (life.over) wrong.push(`the daemon ended with ${life.child.exitCode} while the disk was full: ${life.words}`);
    disk.free();
    const verdict = await settle(site, new Knowledge(), { heard: true });
    // Nothing was killed: what came while the disk was full was kept in memory.
    const lost = verdict.unheard > 0 ? [`${verdict.unheard} calls that came while the disk was full`] : [];
    return outcomeOf(name, site.lives.length, began, {
      ...verdict,
      lost: [...verdict.lost, ...lost],
      wrong: [...wrong, ...verdict.wrong],
    });
  } finally {
    await site.close();
    disk.close();
  }
}

/** A life whose disk answers some syncs with an error; whether it goes on or ends to begin anew is its own matter. */
export async function failingSync(name: string, all: Templates, chance: Chance): Promise<Outcome> {
  const began = performance.now();
  const site = await Site.open();
  try {
    const first = chance.whole(30, 60);
    const inject = `inject=${SYNC}:error=EIO:when=${first}..${first + 5}`;
    const life = site.start({
      under: ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${SYNC}`, '-e', inject],
    });
    await life.logged('pbx-connected', 2);
    const stop = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED, chance });
    await Promise.race([pause(6000), life.exited]);
    const again: Life = life.over ? site.start() : life;
    await Promise.race([pause(2000), again.exited]);
    stop();
    const verdict = await settle(site, new Knowledge());
    // What came between the end of the one life and the login of the next was not heard.
    const unheard =
      !life.over && verdict.unheard > 0 ? [`${verdict.unheard} calls that came while the disk failed`] : [];
    return outcomeOf(name, site.lives.length, began, { ...verdict, lost: [...verdict.lost, ...unheard] });
  } finally {
    await site.close();
  }
}

/** So slow a disk takes few calls a second, and the limit is the usual one. */
const SLOW_PER_SECOND = 4;
const USUAL_LIMIT = { requests: 25, windowMs: 5000, crm: '' };

/** Every sync takes long: the PBX must not notice. */
export async function slowSync(name: string, all: Templates, chance: Chance, delayMs: number): Promise<Outcome> {
  const began = performance.now();
  const site = await Site.open(USUAL_LIMIT);
  const wrong: string[] = [];
  try {
    const inject = `inject=${SYNC}:delay_exit=${delayMs * 1000}`;
    const life = site.start({
      under: ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${SYNC}`, '-e', inject],
    });
    await life.logged('pbx-connected', 2);
    const stop = traffic(site, all, { perSecond: SLOW_PER_SECOND, speed: SPEED, chance });
    await Promise.race([pause(6000), life.exited]);
    stop();
    const lost = site.pbxs.reduce((sum, pbx) => sum + pbx.lost, 0);
    if (lost > 0) wrong.push(`the link to a PBX was lost ${lost} times`);
    const verdict = await settle(site, new Knowledge(), { limit: USUAL_LIMIT.requests });
    const unheard = verdict.unheard > 0 ? [`${verdict.unheard} calls were not heard`] : [];
    return outcomeOf(name, 1, began, { ...verdict, wrong: [...wrong, ...unheard, ...verdict.wrong] });
  } finally {
    await site.close();
  }
}
