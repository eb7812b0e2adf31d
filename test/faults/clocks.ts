/** Clocks that step, stand still or show something else: limits and ends of calls do not rest on them. */
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../../bench/support/process.ts';
import type { Chance } from './support/chance.ts';
import { Knowledge } from './support/oracle.ts';
import { settle } from './support/settle.ts';
import { type LifeOptions, Site } from './support/site.ts';
import { type Outcome, outcomeOf } from './support/table.ts';
import { longCalls, type Templates, traffic } from './support/traffic.ts';

const HOUR_S = 3600;
const DAY_S = 86_400;
const PER_SECOND = 20;
const SPEED = 20;
/** No recording lasts so long, s. */
const LONGEST_S = 60;

const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`);

/** The wall clock of the daemon is set to and fro while it runs. */
export async function wallClock(name: string, all: Templates, chance: Chance): Promise<Outcome> {
  const began = performance.now();
  const library = LIBRARIES.find((path) => existsSync(path));
  if (library === undefined) throw new Error('libfaketime is missing: apt-get install faketime');
  const site = await Site.open();
  const file = join(site.folder, 'time');
  const set = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
  set(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
  };
  try {
    const life = site.start({ env });
    await life.logged('pbx-connected', 2);
    const stop = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED, chance });
    for (const seconds of [HOUR_S, 0, -HOUR_S, 30 * DAY_S, -30 * DAY_S, 0]) {
      set(seconds);
      await Promise.race([pause(2000), life.exited]);
    }
    stop();
    const verdict = await settle(site, new Knowledge(), { env, withinMs: 30_000 });
    const wrong = verdict.unheard > 0 ? [`${verdict.unheard} calls were not heard`] : [];
    return outcomeOf(name, site.lives.length, began, {
      ...verdict,
      wrong: [...wrong, ...longCalls(site, LONGEST_S), ...verdict.wrong],
    });
  } finally {
    await site.close();
  }
}

/** Lives of which each has a boot of its own: the limit holds over the start of the machine. */
export async function reboots(name: string, all: Templates, chance: Chance, lives: number): Promise<Outcome> {
  const began = performance.now();
  const site = await Site.open();
  const known = new Knowledge();
  const boot = (): LifeOptions => {
    const up = String(chance.whole(10, 100_000));
    const under = ['unshare', '--fork', '--kill-child', '-T', '--monotonic', up, '--boottime', up];
    return { under, env: { LOGCALLD_BOOT_ID: randomUUID() } };
  };
  try {
    for (let count = 0; count < lives; count += 1) {
      const life = site.start(boot());
      await life.logged('pbx-connected', 2);
      const stop = traffic(site, all, { perSecond: 120, speed: 200, chance });
      // It waits for a window first, as nothing is known of this boot.
      await Promise.race([site.crm.next(), life.exited]);
      await pause(chance.whole(50, 700));
      stop();
      await life.kill();
    }
    return outcomeOf(name, lives, began, await settle(site, known, boot()));
  } finally {
    await site.close();
  }
}

/** The daemon is stopped for a while, at any point; up to `longestMs`. */
export async function pauses(
  name: string,
  all: Templates,
  chance: Chance,
  count: number,
  longestMs: number,
): Promise<Outcome> {
  const began = performance.now();
  const site = await Site.open();
  try {
    const life = site.start();
    await life.logged('pbx-connected', 2);
    const stop = traffic(site, all, { perSecond: 40, speed: SPEED, chance });
    for (let number = 0; number < count && !life.over; number += 1) {
      await pause(chance.whole(50, 600));
      life.signal('SIGSTOP');
      // As many short ones as long ones.
      await pause(100 * (longestMs / 100) ** chance.next());
      life.signal('SIGCONT');
    }
    stop();
    const verdict = await settle(site, new Knowledge(), { heard: true });
    const wrong = longCalls(site, LONGEST_S + longestMs / 1000);
    return outcomeOf(name, site.lives.length, began, { ...verdict, wrong: [...wrong, ...verdict.wrong] });
  } finally {
    await site.close();
  }
}

/** The clocks of the PBXs are hours off, and the daemon is killed in mid-call again and again. */
export async function pbxClock(name: string, all: Templates, chance: Chance, lives: number): Promise<Outcome> {
  const began = performance.now();
  const site = await Site.open();
  const known = new Knowledge();
  site.asterisk.clockAheadMs = 2 * HOUR_S * 1000;
  site.freeswitch.clockAheadMs = -2 * HOUR_S * 1000;
  try {
    for (let count = 0; count < lives; count += 1) {
      const life = site.start();
      await life.logged('pbx-connected', 2);
      const stop = traffic(site, all, { perSecond: 30, speed: SPEED, chance });
      await pause(chance.whole(200, 900));
      await life.kill();
      stop();
      known.look(site.database);
    }
    const verdict = await settle(site, known);
    return outcomeOf(name, lives, began, { ...verdict, wrong: [...longCalls(site, LONGEST_S), ...verdict.wrong] });
  } finally {
    await site.close();
  }
}
