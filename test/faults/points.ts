/**
 * SIGKILL at the Nth sync of the disk, at the Nth write of the database, and before, at and after the Nth request of the CRM, of one
 * script of calls.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause, scratch } from '../../bench/support/process.ts';
import type { Pbx, Template } from './calls/template.ts';
import type { Chance } from './support/chance.ts';
import { SmallDisk } from './support/disk.ts';
import { Knowledge } from './support/oracle.ts';
import { inParallel } from './support/parallel.ts';
import { finished, settle } from './support/settle.ts';
import { customerOf, type Life, Site } from './support/site.ts';
import { type Outcome, outcomeOf, sumOf } from './support/table.ts';

type Templates = Readonly<Record<Pbx, readonly Template[]>>;

const CALLS = 12;
const SPEED = 60;
/** What `kill-at.c` counts, in its order. */
const KINDS = [
  { kind: 'write', name: 'SIGKILL at the Nth write of the database' },
  { kind: 'sync', name: 'SIGKILL at the Nth sync of the disk' },
] as const;
type Kind = (typeof KINDS)[number]['kind'];
const REQUEST_POINTS = ['before', 'at', 'after'] as const;
/** The script takes so long at most, ms. */
const SCRIPT_MS = 30_000;

const REACHED = 'reached';
/** Of the points: a run of the script has a little less to write now and then. */
const REACHED_SHARE = 0.6;

/**
 * The file system of a site, MB: the room that the daemon keeps for deliveries is a share of it, and of a large one thousands of
 * writes would only make that room.
 */
const DISK_MB = 16;

async function onSmallDisk<T>(use: (site: Site) => Promise<T>): Promise<T> {
  const disk = new SmallDisk(DISK_MB);
  try {
    const site = await Site.open({ storage: join(disk.path, 'logcalld.db') });
    try {
      return await use(site);
    } finally {
      await site.close();
    }
  } finally {
    disk.close();
  }
}

/** The script: calls of both PBXs close after each other, from the moment at which the daemon listens. */
async function script(site: Site, life: Life, all: Templates): Promise<void> {
  if (!(await life.logged('pbx-connected', 2))) return;
  for (let number = 0; number < CALLS && !life.over; number += 1) {
    const pbx = number % 3 === 2 ? site.freeswitch : site.asterisk;
    const own = all[pbx.pbx];
    const template = own[number % own.length];
    if (template !== undefined) pbx.place(template, { speed: SPEED, customer: customerOf(number) });
    await pause(25);
  }
  await site.quiet();
}

interface Counts extends Readonly<Record<Kind, number>> {
  readonly requests: number;
}

/** How many there are of each in a whole run. */
const count = (all: Templates, library: string): Promise<Counts> =>
  onSmallDisk(async (site) => {
    const counts = join(site.folder, 'counts');
    const life = site.start({ env: { LD_PRELOAD: library, LOGCALLD_KILL_COUNTS: counts } });
    await script(site, life, all);
    await finished(site, life, SCRIPT_MS);
    await life.stop();
    const bytes = readFileSync(counts);
    const [write, sync] = KINDS.map((_, at) => Number(bytes.readBigUInt64LE(at * 8)));
    return { write: write ?? 0, sync: sync ?? 0, requests: site.crm.arrivals().length };
  });

/** Ends the daemon at a place of the script and lets it start again. */
async function atPoint(name: string, all: Templates, begin: (site: Site) => Life): Promise<Outcome> {
  const began = performance.now();
  try {
    return await onSmallDisk(async (site) => {
      const life = begin(site);
      await Promise.race([script(site, life, all), life.exited]);
      await Promise.race([life.exited, finished(site, life, SCRIPT_MS).catch(() => {})]);
      const reached = life.over;
      await life.kill();
      await site.quiet();
      return outcomeOf(name, 2, began, await settle(site, new Knowledge()), reached ? REACHED : 'not reached');
    });
  } catch (error) {
    throw new Error(`${name}: ${String(error)}`, { cause: error });
  }
}

const killedAt =
  (library: string, kind: Kind, nth: number) =>
  (site: Site): Life =>
    site.start({ env: { LD_PRELOAD: library, [`LOGCALLD_KILL_AT_${kind.toUpperCase()}`]: String(nth) } });

const requested =
  (position: (typeof REQUEST_POINTS)[number], nth: number) =>
  (site: Site): Life => {
    // Not carried out, or carried out and the answer does not leave.
    if (position !== 'after')
      site.crm.addFaults({ match: { nth }, fault: { kind: 'timeout', commit: position === 'at' } });
    const life = site.start();
    let seen = 0;
    site.crm
      .next(() => ++seen >= nth)
      .then(() => (position === 'after' ? pause(1) : undefined))
      .then(() => life.kill())
      .catch(() => {});
    return life;
  };

/** The library that ends a process there, compiled for this machine. */
function compiled(): string {
  const library = join(scratch(), 'kill-at.so');
  const source = join(import.meta.dirname, 'support', 'kill-at.c');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source, '-ldl']);
  return library;
}

/** So many of them, spread evenly; which ones is chance. */
function some(most: number, wanted: number, chance: Chance): number[] {
  const step = Math.max(1, most / wanted);
  const first = chance.next() * step;
  const all = Array.from({ length: Math.min(most, wanted) }, (_, n) => 1 + Math.floor(first + n * step));
  return [...new Set(all.filter((nth) => nth <= most))];
}

/** `wanted`: so many points of each kind at most. */
export async function points(all: Templates, wanted: number, parallel: number, chance: Chance): Promise<Outcome[]> {
  const library = compiled();
  const most = await count(all, library);
  const kinds = [
    ...KINDS.map(({ kind, name }) => ({
      name,
      of: most[kind],
      runs: some(most[kind], wanted, chance).map(
        (nth) => () => atPoint(`${kind} ${nth}`, all, killedAt(library, kind, nth)),
      ),
    })),
    {
      name: 'SIGKILL before, at, after the Nth request',
      of: most.requests * REQUEST_POINTS.length,
      runs: some(most.requests, Math.ceil(wanted / REQUEST_POINTS.length), chance).flatMap((nth) =>
        REQUEST_POINTS.map((position) => () => atPoint(`${position} ${nth}`, all, requested(position, nth))),
      ),
    },
  ];
  const outcomes: Outcome[] = [];
  for (const { name, of, runs } of kinds) {
    const began = performance.now();
    const done = await inParallel(runs, parallel);
    const reached = done.filter((one) => one.note === REACHED).length;
    const note = `${reached} of ${of} points`;
    const few = reached < REACHED_SHARE * runs.length ? [`only ${reached} of ${runs.length} points were reached`] : [];
    const named = done.map((one) => ({
      ...one,
      lost: one.lost.map((id) => `${one.name}: ${id}`),
      doubled: one.doubled.map((id) => `${one.name}: ${id}`),
      wrong: one.wrong.map((text) => `${one.name}: ${text}`),
    }));
    const sum = sumOf(name, named, (performance.now() - began) / 1000, note);
    outcomes.push({ ...sum, wrong: [...sum.wrong, ...few] });
  }
  return outcomes;
}
