/** Database files that are damaged, foreign or gone: said loudly, and the daemon runs or ends for good; never a loop of restarts. */

import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { pause } from '../../bench/support/process.ts';
import type { Chance } from './support/chance.ts';
import { type Life, Site } from './support/site.ts';
import { failed, type Outcome } from './support/table.ts';
import { type Templates, traffic } from './support/traffic.ts';

/** sysexits.h: a fault of the configuration, for which systemd does not start it again (`RestartPreventExitStatus`). */
const EXIT_CONFIG = 78;
const WATCHED_MS = 4000;

interface Damage {
  readonly name: string;
  /** The bytes that must still be found somewhere in the folder; `null`: nothing was left to keep. */
  readonly keeps: boolean;
  /** The life before was killed, so that much lies in the log; else the log is empty. */
  readonly killed?: boolean;
  inflict(path: string, chance: Chance): void;
}

function overwrite(path: string, from: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, from);
  closeSync(file);
}

function sizeOf(path: string): number {
  const file = openSync(path, 'r');
  const { size } = fstatSync(file);
  closeSync(file);
  return size;
}

const without = (path: string, ...ends: readonly string[]): void => {
  for (const end of ends) rmSync(path + end, { force: true });
};

const DAMAGES: readonly Damage[] = [
  {
    name: 'pages are overwritten',
    keeps: true,
    inflict(path, chance) {
      const pages = Math.floor(sizeOf(path) / 4096);
      for (let count = 0; count < pages / 2; count += 1) {
        overwrite(path, 4096 * chance.whole(1, pages - 1), Buffer.alloc(4096, chance.whole(1, 255)));
      }
    },
  },
  { name: 'the header is overwritten', keeps: true, inflict: (path) => overwrite(path, 0, Buffer.alloc(4096, 0x5a)) },
  { name: 'the file is cut in half', keeps: true, inflict: (path) => truncateSync(path, Math.floor(sizeOf(path) / 2)) },
  {
    name: 'the file is a text',
    keeps: true,
    inflict(path) {
      without(path, '-wal', '-shm');
      writeFileSync(path, 'These are notes of somebody else.\n'.repeat(1000));
    },
  },
  {
    name: 'the file is a database of another program',
    keeps: true,
    inflict(path) {
      without(path, '', '-wal', '-shm');
      const db = new BetterSqlite3(path);
      db.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES ('of somebody else')");
      db.close();
    },
  },
  { name: 'the file is gone, its log is left', keeps: false, killed: true, inflict: (path) => without(path, '') },
  { name: 'the file is gone', keeps: false, inflict: (path) => without(path, '', '-wal', '-shm') },
  { name: 'the file is empty', keeps: false, inflict: (path) => truncateSync(path, 0) },
];

/** What is wrong with the way in which the daemon took it. */
async function reaction(site: Site, life: Life, keeps: boolean, before: Buffer): Promise<string[]> {
  await Promise.race([life.logged('pbx-connected', 2), life.exited]);
  await Promise.race([pause(life.over ? 0 : WATCHED_MS), life.exited]);
  const wrong: string[] = [];
  const said = `${life.words}\n${life.entries
    .filter(({ level }) => level === 'warn' || level === 'error')
    .map(({ text }) => text)
    .join('\n')}`;
  if (!said.includes(site.database)) wrong.push('nothing that was said names the database');
  if (life.over && life.child.exitCode !== EXIT_CONFIG) {
    wrong.push(
      `it ended with ${life.child.exitCode ?? life.child.signalCode}, which starts it again: ${life.words.trim()}`,
    );
  }
  if (keeps && !life.over) {
    const folder = dirname(site.database);
    const kept = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .some((one) => readFileSync(`${one.parentPath}/${one.name}`).includes(before));
    if (!kept) wrong.push('it runs, and what was in the file is nowhere any more');
  }
  return wrong;
}

async function damaged(all: Templates, chance: Chance, { name, keeps, killed, inflict }: Damage): Promise<Outcome> {
  const began = performance.now();
  const site = await Site.open();
  try {
    // Calls that are stored and not delivered: they are what is at stake.
    site.crm.addFaults({ match: { path: 'LogCall$' }, times: 0, fault: { kind: 'status', status: 503 } });
    const first = site.start();
    await first.logged('pbx-connected', 2);
    const stop = traffic(site, all, { perSecond: 40, speed: 60, chance });
    await first.until(() => first.stored.size >= 20);
    stop();
    await site.quiet();
    if (killed === true) await first.kill();
    else await first.stop();
    inflict(site.database, chance);
    const before = site.hasDatabase ? readFileSync(site.database).subarray(0, 4096) : Buffer.alloc(0);
    const second = site.start();
    const wrong = await reaction(site, second, keeps, before);
    await second.kill();
    const seconds = (performance.now() - began) / 1000;
    const outcome = {
      name: `database: ${name}`,
      lives: 2,
      calls: 0,
      unheard: 0,
      lost: [],
      doubled: [],
      wrong,
      seconds,
    };
    return failed(outcome)
      ? outcome
      : { ...outcome, note: second.child.exitCode === EXIT_CONFIG ? 'ends for good' : 'runs' };
  } finally {
    await site.close();
  }
}

export function damages(all: Templates, chance: Chance): (() => Promise<Outcome>)[] {
  return DAMAGES.map((damage) => () => damaged(all, chance.part(damage.name), damage));
}
