/** Power cuts: what the daemon told to have stored, and what the CRM was sent, outlives them; without waiting for the disk it does not. */
import { join } from 'node:path';
import { pause } from '../../bench/support/process.ts';
import type { Pbx, Template } from './calls/template.ts';
import { crmFaults } from './kills.ts';
import type { Chance } from './support/chance.ts';
import { PowerDisk } from './support/disk.ts';
import { Knowledge } from './support/oracle.ts';
import type { Pace } from './support/pace.ts';
import { settle } from './support/settle.ts';
import { customerOf, type LifeOptions, Site } from './support/site.ts';
import { type Outcome, outcomeOf } from './support/table.ts';

export interface PowerOptions {
  readonly cuts: number;
  readonly callsPerLife: number;
  readonly chance: Chance;
  readonly pace: Pace;
  readonly life?: LifeOptions;
}

const LISTENS_MS = 500;
const SPEEDS = [20, 60, 200];

/** The calls that were told to be stored, and were not there when the power came back, are lost. */
export async function powerCuts(
  name: string,
  all: Readonly<Record<Pbx, readonly Template[]>>,
  { cuts: most, callsPerLife, chance, pace, life: options = {} }: PowerOptions,
): Promise<Outcome> {
  const began = performance.now();
  const disk = new PowerDisk();
  const site = await Site.open({ storage: join(disk.path, 'logcalld.db') });
  const known = new Knowledge();
  const forgotten = new Set<string>();
  let [placed, cuts] = [0, 0];
  try {
    const [first] = all.asterisk;
    if (first !== undefined) await site.warmUp(first, options);
    for (; cuts < most && !pace.over; cuts += 1) {
      site.crm.clearFaults();
      site.crm.addFaults(...crmFaults(chance, 3));
      const life = site.start(options);
      await life.logged('pbx-connected');
      const timers = Array.from({ length: callsPerLife }, () =>
        setTimeout(
          () => {
            const pbx = chance.is(0.6) ? site.asterisk : site.freeswitch;
            pbx.place(chance.pick(all[pbx.pbx]), { speed: chance.pick(SPEEDS), customer: customerOf(placed++) });
          },
          chance.whole(0, LISTENS_MS),
        ),
      );
      await pause(chance.whole(0, LISTENS_MS));
      const told = [...life.stored];
      disk.cut();
      await life.kill();
      for (const timer of timers) clearTimeout(timer);
      disk.back();
      if (!site.hasDatabase) for (const id of told) forgotten.add(id);
      else {
        known.look(site.database);
        for (const id of told) if (!known.calls.has(id)) forgotten.add(id);
      }
      pace.tick();
    }
    const verdict = await settle(site, known, options);
    const gone = [...forgotten].map((id) => `${id} (told to be stored, and not there after the power cut)`);
    return outcomeOf(name, cuts, began, { ...verdict, lost: [...verdict.lost, ...gone] });
  } finally {
    await site.close();
    disk.close();
  }
}
