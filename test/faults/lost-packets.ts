/**
 * Half-open TCP on a real network: the daemon in a namespace of its own, the PBXs and the CRM outside, and cables between them that
 * lose packets without a word. Nothing is reset when they work again: both ends find out by themselves.
 */
import { pause } from '../../bench/support/process.ts';
import type { Chance } from './support/chance.ts';
import { type Cable, type Loss, Namespace, NoNamespace } from './support/namespace.ts';
import { Knowledge } from './support/oracle.ts';
import { settle } from './support/settle.ts';
import { type Life, Site } from './support/site.ts';
import { type Outcome, outcomeOf } from './support/table.ts';
import { longCalls, type Templates, traffic } from './support/traffic.ts';

const PER_SECOND = 8;
const SPEED = 10;
/** A dead way is noticed within, ms: 10 s of silence and 5 s for the answer of Asterisk, 4 s and 10 s of FreeSWITCH; and some for a busy machine. */
const NOTICED_MS = 18_000;
/** A connection that was tried while the way was dead is tried again by the system after up to 8 s, by logcalld after 10 s. */
const BACK_MS = 40_000;
/** Between the last packet that came and the moment at which it is read, ms. */
const READ_MS = 1000;
/** No call of the recordings is that long at this speed, gaps and all, s. */
const LONGEST_S = 120;

const PBXS = ['asterisk', 'freeswitch'];
const PBX_HOST = '127.0.0.2';
const CRM_HOST = '127.0.0.1';

/** What is heard of calls is a sign of life: where only what the daemon sends is lost, calls must not go on. */
const LOSSES: readonly (Loss & { readonly calls: boolean })[] = [
  { fromDaemon: true, toDaemon: true, calls: true },
  { fromDaemon: false, toDaemon: true, calls: true },
  { fromDaemon: true, toDaemon: false, calls: false },
];

interface Bench {
  readonly site: Site;
  readonly life: Life;
  readonly pbxs: Cable;
  readonly crm: Cable;
}

/** One row; without namespaces on this machine it is said to be skipped. */
async function inNamespace(name: string, run: (bench: Bench, wrong: string[]) => Promise<Knowledge>): Promise<Outcome> {
  const began = performance.now();
  let namespace: Namespace | null = null;
  let site: Site | null = null;
  try {
    namespace = new Namespace();
    const [pbxs, crm] = [namespace.cable(PBX_HOST), namespace.cable(CRM_HOST)];
    site = await Site.open({ pbxHost: PBX_HOST });
    const life = site.start({ under: [...namespace.under] });
    await life.until(() => connected(life, 1));
    const wrong: string[] = [];
    const known = await run({ site, life, pbxs, crm }, wrong);
    const verdict = await settle(site, known);
    wrong.push(...longCalls(site, LONGEST_S), ...verdict.wrong);
    return outcomeOf(name, site.lives.length, began, { ...verdict, wrong });
  } catch (error) {
    if (!(error instanceof NoNamespace)) throw error;
    const nothing = { calls: 0, known: 0, unheard: 0, lost: [], doubled: [], foreign: [], wrong: [] };
    return outcomeOf(name, 0, began, nothing, `SKIPPED: ${error.message}`);
  } finally {
    await site?.close();
    namespace?.close();
  }
}

const told = (life: Life, event: string, pbx: string) =>
  life.entries.filter((entry) => entry.event === event && entry.pbx === pbx);

const connected = (life: Life, times: number): boolean =>
  PBXS.every((pbx) => told(life, 'pbx-connected', pbx).length >= times);

/** Packets from and to the PBXs are lost for longer than a ping takes; the gap is told, and what was stored before is logged once. */
export function lostToPbxs(name: string, all: Templates, chance: Chance, rounds: number): Promise<Outcome> {
  return inNamespace(name, async ({ site, life, pbxs }, wrong) => {
    const known = new Knowledge();
    for (let round = 0; round < rounds; round += 1) {
      const loss = LOSSES[round % LOSSES.length] ?? { fromDaemon: true, toDaemon: true, calls: true };
      const about = `packets lost (from the daemon: ${loss.fromDaemon}, to it: ${loss.toDaemon})`;
      const stop = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED, chance });
      await pause(chance.whole(1500, 3000));
      if (!loss.calls) {
        stop();
        await site.quiet();
      }
      const [lost, back] = [counts(life, 'pbx-lost'), counts(life, 'pbx-connected')];
      const gaps = counts(life, 'gap');
      const more = (before: readonly number[], event: string): boolean =>
        counts(life, event).every((count, index) => count > (before[index] ?? 0));
      pbxs.lose(loss);
      const from = Date.now();
      if (!(await inTime(life, () => more(lost, 'pbx-lost'), NOTICED_MS))) wrong.push(`${about} were not noticed`);
      await pause(chance.whole(500, 5000));
      pbxs.lose({ fromDaemon: false, toDaemon: false });
      const to = Date.now();
      if (!(await inTime(life, () => more(back, 'pbx-connected') && more(gaps, 'gap'), BACK_MS)))
        wrong.push(`${about}: no connection afterwards, or no gap was told`);
      stop();
      for (const pbx of PBXS)
        wrong.push(...gapIsTold(life, pbx, loss, { from, to }).map((text) => `${about}: ${text}`));
      known.look(site.database);
    }
    return known;
  });
}

const counts = (life: Life, event: string): number[] => PBXS.map((pbx) => told(life, event, pbx).length);

async function inTime(life: Life, ready: () => boolean, ms: number): Promise<boolean> {
  return Promise.race([life.until(ready), pause(ms).then(() => ready())]);
}

/** From when nothing arrived any more to when it was heard again. */
function gapIsTold(life: Life, pbx: string, { toDaemon }: Loss, lost: { readonly from: number; readonly to: number }) {
  const gap = told(life, 'gap', pbx).at(-1);
  if (gap === undefined) return [`no gap of ${pbx}`];
  const [from, to] = [Date.parse(String(gap.from)), Date.parse(String(gap.to))];
  const late = toDaemon && from > lost.from + READ_MS;
  if (late) return [`the gap of ${pbx} begins ${from - lost.from} ms after nothing came any more`];
  return to < lost.to ? [`the gap of ${pbx} ends ${lost.to - to} ms before anything could be heard again`] : [];
}

/** Packets from and to the CRM are lost for longer than a request may take: what may have arrived is looked for. */
export function lostToCrm(name: string, all: Templates, chance: Chance, faults: number): Promise<Outcome> {
  return inNamespace(name, async ({ site, life, crm }, wrong) => {
    const stop = traffic(site, all, { perSecond: PER_SECOND, speed: SPEED * 2, chance });
    for (let count = 0; count < faults && !life.over; count += 1) {
      await pause(chance.whole(300, 1500));
      const { fromDaemon, toDaemon } = LOSSES[count % LOSSES.length] ?? { fromDaemon: true, toDaemon: true };
      crm.lose({ fromDaemon, toDaemon });
      // A request may take 2 s; now and then it is over before it is given up.
      await pause(chance.whole(500, 5000));
      crm.lose({ fromDaemon: false, toDaemon: false });
    }
    stop();
    await site.quiet();
    if (life.over) wrong.push('the daemon ended');
    return new Knowledge();
  });
}
