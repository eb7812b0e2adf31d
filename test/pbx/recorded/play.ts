/** Recordings of a real FreeSWITCH, played in real time over real event sockets to the daemon. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectControl } from '../../../adapters/control/client.ts';
import { VERSION } from '../../../src/daemon/version.ts';
import { scenarios } from '../../support/recordings.ts';
import { problems, WORST_WINDOW, wrongTogether } from '../check.ts';
import { Crm } from '../crm.ts';
import { Daemon, START_PATIENCE_MS, writeConfig } from '../daemon.ts';
import type { PlayOptions } from '../harness.ts';
import { messageOf, type Row } from '../report.ts';
import { within } from '../sip/moment.ts';
import { PASSWORD, type Play, preparePlay } from './player.ts';
import type { Recorded } from './scenarios.ts';

/** The phones of the laboratory in which the recordings were made. */
const AGENTS = ['1001', '1002', '1003', '1004', '1005', '1006', '1007', '1008', '1009'];
/** How long after the last recording ended the last call may be open or unposted, ms. */
const SETTLE_MS = 15_000;
const ASK_MS = 250;

/**
 * Plays them all at once to one daemon, each as a PBX of its own; every row is reported as soon as it is known.
 * Returns also how many calls that were.
 */
export async function playRecordings(
  chosen: readonly Recorded[],
  options: PlayOptions,
): Promise<{ readonly rows: readonly Row[]; readonly calls: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'logcalld-pbx-'));
  const crm = await Crm.open(AGENTS);
  const known = scenarios().filter(({ set }) => set === 'freeswitch-1.11');
  const plays: Play[] = [];
  const rows: Row[] = [];
  const report = (row: Row): void => {
    rows.push(row);
    options.onRow(row);
  };
  let daemon: Daemon | null = null;
  try {
    for (const one of chosen) {
      const scenario = known.find(({ name }) => name === one.scenario);
      if (!scenario) throw new Error(`there is no recording ${one.scenario}`);
      plays.push(await preparePlay(one.title, scenario));
    }
    const sources = (secretFile: string): string => plays.map((play) => play.source(secretFile)).join('\n');
    const config = await writeConfig(folder, { sources, secret: PASSWORD, agents: AGENTS }, crm.sandbox);
    daemon = new Daemon(config, () =>
      within(
        Promise.all(plays.map(({ player }) => once(player, 'subscribed'))),
        'the subscription to the events',
        START_PATIENCE_MS,
      ),
    );
    await daemon.start();
    await Promise.all(plays.map(async (play) => report(await rowOf(play, crm))));
    report(await finalRow(daemon, folder, plays, crm));
  } catch (error) {
    throw new Error(`${messageOf(error)}\n${(daemon?.output ?? '').split('\n').slice(-30).join('\n')}`);
  } finally {
    if (options.save !== null && daemon) await save(options.save, daemon, crm);
    await daemon?.kill().catch(() => undefined);
    for (const play of plays) await play.close();
    await crm.close();
    await rm(folder, { recursive: true, force: true });
  }
  return { rows, calls: plays.reduce((sum, play) => sum + play.seen.length, 0) };
}

async function rowOf(play: Play, crm: Crm): Promise<Row> {
  const began = performance.now();
  const { name, seen } = play;
  let wrong: readonly string[];
  try {
    await play.done;
    await crm.arrived(() => crm.callsFrom(name), seen.length);
    const customers = new Set(seen.map(({ customer }) => customer));
    wrong = [...customers].flatMap((customer) => {
      const entries = crm.callsOf(customer).filter((entry) => crm.callsFrom(name).includes(entry));
      return problems(
        entries,
        seen.filter((call) => call.customer === customer),
        name,
      );
    });
  } catch (error) {
    wrong = [`${messageOf(error)}: ${crm.callsFrom(name).length} arrived`];
  }
  const seconds = (performance.now() - began) / 1_000;
  return { story: `recorded: ${play.title}`, ok: wrong.length === 0, problems: wrong, seconds };
}

/** When the daemon has nothing left to do: nothing was posted twice or beside, and the limit held. */
async function finalRow(daemon: Daemon, folder: string, plays: readonly Play[], crm: Crm): Promise<Row> {
  const began = performance.now();
  const wrong: string[] = [];
  try {
    await nothingLeft(join(folder, 'control.sock'));
    await daemon.stop();
  } catch (error) {
    wrong.push(messageOf(error));
  }
  const expected = plays.reduce((sum, { seen }) => sum + seen.length, 0);
  wrong.push(...wrongTogether(crm.sandbox, expected));
  return {
    story: `recorded: once each, at most ${WORST_WINDOW} requests in 5 s`,
    ok: wrong.length === 0,
    problems: wrong,
    seconds: (performance.now() - began) / 1_000,
  };
}

/** Resolves when the daemon says that no call is open and none is to be posted. */
async function nothingLeft(socket: string): Promise<void> {
  const daemon = await connectControl(socket, VERSION);
  if (!daemon) throw new Error(`the daemon does not listen at ${socket}`);
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const { live, counts } = await daemon.call('status', {});
    const { delivered, skipped, ...others } = counts.states;
    const waiting = Object.entries(others).filter(([, count]) => count > 0);
    if (live.length === 0 && waiting.length === 0) return;
    if (performance.now() > deadline) {
      const left = waiting.map(([state, count]) => `${count} ${state}`).join(', ');
      throw new Error(`${live.length} calls are still open, and of the others: ${left || 'all posted'}`);
    }
    await pause(ASK_MS);
  }
}

async function save(folder: string, daemon: Daemon, crm: Crm): Promise<void> {
  await mkdir(folder, { recursive: true });
  const ledger = crm.sandbox.ledger.entries().map((entry) => `${JSON.stringify(entry)}\n`);
  await writeFile(join(folder, 'ledger.jsonl'), ledger.join(''));
  await writeFile(join(folder, 'daemon.log'), daemon.output);
}
