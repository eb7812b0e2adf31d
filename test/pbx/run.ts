/**
 * Plays real calls on real PBXs against the real daemon, and compares the CRM's ledger with what the telephones saw.
 * Where there is no FreeSWITCH, recordings of one are played in its place.
 *
 *   npm run test:pbx [-- --only WORDS] [--pbx asterisk|freeswitch|records] [--save FOLDER] [--allow-skip]
 *
 * `--pbx`: that PBX alone, and neither of the two in place of the other. Exit status: 0 every story passed, 1 a story failed or the PBX could not be set up.
 */
import { join } from 'node:path';
import { noBrowser } from '../page/browser.ts';
import { refuse, wordsOf } from '../support/words.ts';
import { installAsterisk, startAsterisk } from './asterisk/asterisk.ts';
import { CHAN_SIP, type Edition, IAX2, PJSIP } from './asterisk/edition.ts';
import { playRecords } from './databases/play.ts';
import { installDatabases } from './databases/server.ts';
import { findFreeswitch, freeswitchVersion, startFreeswitch } from './freeswitch/freeswitch.ts';
import { type PlayOptions, playStories } from './harness.ts';
import { type Pbx, Unavailable } from './pbx.ts';
import { playRecordings } from './recorded/play.ts';
import { recorded } from './recorded/scenarios.ts';
import { formatRow, messageOf, type Row } from './report.ts';
import { everything, everythingAndCrashes, everythingOnOld, throughTheTrunk } from './stories/all.ts';
import type { Story } from './story.ts';

/** Where PBXs are installed: kept between runs, outside the repository. */
const FOLDER = process.env.LOGCALLD_PBX_ROOT ?? '/var/tmp/logcalld-pbx';

const { values: options } = wordsOf({
  options: {
    only: { type: 'string', default: '' },
    pbx: { type: 'string' },
    save: { type: 'string' },
    'allow-skip': { type: 'boolean', default: false },
  },
});

const wanted = ({ name }: Story): boolean => name.includes(options.only);
const stories = everything.filter(wanted);
const onAsterisk = everythingAndCrashes.filter(wanted);
const asterisks: readonly { readonly edition: Edition; readonly stories: readonly Story[] }[] = [
  { edition: PJSIP, stories: onAsterisk },
  { edition: CHAN_SIP, stories: everythingOnOld.filter(wanted) },
  { edition: IAX2, stories: throughTheTrunk.filter(wanted) },
];

const PBXS = [...asterisks.map(({ edition }) => edition.name), 'freeswitch', 'records'];
if (options.pbx !== undefined && !PBXS.includes(options.pbx)) {
  refuse(`--pbx is one of ${PBXS.join(', ')}, not "${options.pbx}".`);
}
const isWanted = (pbx: string): boolean => (options.pbx ?? pbx) === pbx;

/** So many PBXs are played at the same time: calls mostly wait. More of them would want more than two cores. */
const AT_ONCE = 2;
const recordings = recorded.filter(({ title }) => title.includes(options.only));

type Part = () => Promise<readonly Row[]>;

/** Said above the last line. */
const lastLines: string[] = [];

/** Said again at the end: where a long output is cut, its end is kept. */
const failed: string[] = [];

function tell(pbx: string, row: Row): void {
  const said = `${pbx.padEnd(10)} ${formatRow(row)}`;
  if (!row.ok) failed.push(said);
  console.log(said);
}

function playOptions(folder: string): PlayOptions {
  const { save } = options;
  return { save: save === undefined ? null : join(save, folder), onRow: (row) => tell(folder, row) };
}

async function play(version: string, pbx: Pbx, chosen: readonly Story[]): Promise<readonly Row[]> {
  console.log(`${version}: ${chosen.length} stories`);
  return playStories(pbx, chosen, playOptions(pbx.name)).finally(() => pbx.stop());
}

/** One that this machine cannot have is a failed row, or with --allow-skip only said: the others are played all the same. */
async function unlessUnavailable(
  pbx: string,
  installed: string,
  rows: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const began = performance.now();
  try {
    return await rows();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    if (options['allow-skip']) {
      console.log(`SKIPPED: ${messageOf(error)}`);
      return [];
    }
    const seconds = (performance.now() - began) / 1_000;
    const row = { story: `${installed} can be installed`, ok: false, problems: [messageOf(error)], seconds };
    tell(pbx, row);
    return [row];
  }
}

/** Installs it, and answers what plays it: nothing is installed while others are installed, or played. */
async function prepared(edition: Edition, chosen: readonly Story[]): Promise<Part> {
  let version = '';
  const missing = await unlessUnavailable(edition.name, edition.package, async () => {
    version = await installAsterisk(FOLDER, edition);
    return [];
  });
  if (version === '') return async () => missing;
  return async () => play(version, await startAsterisk(FOLDER, edition, version), chosen);
}

/** The same stories on the FreeSWITCH of this machine. One that does not start is a failed row: it is there to be used. */
async function playFreeswitch(program: string): Promise<readonly Row[]> {
  const began = performance.now();
  try {
    const version = await freeswitchVersion(program);
    return await play(version, await startFreeswitch(program, version), stories);
  } catch (error) {
    const problems = messageOf(error).split('\n');
    const row = { story: 'freeswitch starts', ok: false, problems, seconds: (performance.now() - began) / 1_000 };
    tell('freeswitch', row);
    return [row];
  }
}

/** Recordings of FreeSWITCH in place of one. */
async function playInstead(): Promise<readonly Row[]> {
  const notRun = 'the stories against a live FreeSWITCH were not run';
  if (recordings.length === 0) {
    lastLines.push(`freeswitch: not installed here; ${notRun}`);
    return [];
  }
  console.log(`FreeSWITCH 1.11 as it was recorded: ${recordings.length} recordings at once, in real time`);
  const { rows, calls } = await playRecordings(recordings, playOptions('recorded'));
  lastLines.push(`freeswitch: not installed here; ${calls} recorded calls played instead; ${notRun}`);
  return rows;
}

/** As `prepared`. */
async function preparedPlaces(): Promise<Part> {
  let installed = false;
  const missing = await unlessUnavailable('records', 'databases', async () => {
    await installDatabases();
    installed = true;
    return [];
  });
  return installed ? playPlaces : async () => missing;
}

/** Calls that nobody listens to, read from the PBX's own records; not one of the stories alone. */
async function playPlaces(): Promise<readonly Row[]> {
  console.log('Records of calls in MariaDB, PostgreSQL, SQLite and files');
  return unlessUnavailable('records', 'databases', () => playRecords(FOLDER, (row) => tell('records', row)));
}

/** What is played: the longest first. */
async function parts(): Promise<readonly Part[]> {
  const all: Part[] = [];
  if (isWanted('records') && options.only === '') all.push(await preparedPlaces());
  for (const { edition, stories: chosen } of asterisks) {
    if (chosen.length > 0 && isWanted(edition.name)) all.push(await prepared(edition, chosen));
  }
  const program = isWanted('freeswitch') ? findFreeswitch(process.env) : null;
  if (program === null && options.pbx === 'freeswitch') {
    throw new Unavailable('freeswitch: not installed here; put it on PATH or name it in LOGCALLD_FREESWITCH');
  }
  if (program !== null) all.push(() => playFreeswitch(program));
  else if (options.pbx === undefined) all.push(playInstead);
  return all;
}

async function main(): Promise<number> {
  const rows: Row[] = [];
  const waiting = (await parts()).values();
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (const part of waiting) rows.push(...(await part()));
  });
  await Promise.all(lanes);
  if (noBrowser !== null) console.log(`the page was not looked at: ${noBrowser}`);
  for (const line of lastLines) console.log(line);
  for (const row of failed) console.log(row);
  const passed = rows.filter((row) => row.ok).length;
  console.log(`${passed} passed, ${rows.length - passed} failed`);
  return passed === rows.length && onAsterisk.length + recordings.length > 0 ? 0 : 1;
}

// What was started is ended by the exit handlers of those who started it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  process.exitCode = await main();
} catch (error) {
  console.log(messageOf(error));
  process.exitCode = 1;
}
// Whatever a story may have left open must not keep a finished run alive.
process.exit();
