/**
 * Plays real calls on real PBXs against the real daemon, and compares the CRM's ledger with what the telephones saw.
 * Where there is no FreeSWITCH, recordings of one are played in its place.
 *
 *   npm run test:pbx [-- --only WORDS] [--pbx asterisk|freeswitch|records] [--save FOLDER] [--allow-skip]
 *
 * `--pbx`: that PBX alone, and neither of the two in place of the other. Exit status: 0 every story passed, 1 a story failed or the PBX could not be set up.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { noBrowser } from '../page/browser.ts';
import { installAsterisk, startAsterisk } from './asterisk/asterisk.ts';
import { CHAN_SIP, type Edition, IAX2, PJSIP } from './asterisk/edition.ts';
import { playRecords } from './databases/play.ts';
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

const { values: options } = parseArgs({
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
  console.error(`--pbx is one of ${PBXS.join(', ')}, not "${options.pbx}".`);
  process.exit(2);
}
const isWanted = (pbx: string): boolean => (options.pbx ?? pbx) === pbx;
const recordings = recorded.filter(({ title }) => title.includes(options.only));

function playOptions(folder: string): PlayOptions {
  const { save } = options;
  return { save: save === undefined ? null : join(save, folder), onRow: (row) => console.log(formatRow(row)) };
}

async function play(version: string, pbx: Pbx, chosen: readonly Story[]): Promise<readonly Row[]> {
  console.log(`${version}: ${chosen.length} stories`);
  return playStories(pbx, chosen, playOptions(pbx.name)).finally(() => pbx.stop());
}

/** One that this machine cannot have is a failed row, or with --allow-skip only said: the others are played all the same. */
async function playAsterisk(edition: Edition, chosen: readonly Story[]): Promise<readonly Row[]> {
  const began = performance.now();
  try {
    const version = await installAsterisk(FOLDER, edition);
    return await play(version, await startAsterisk(FOLDER, edition, version), chosen);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    if (options['allow-skip']) {
      console.log(`SKIPPED: ${messageOf(error)}`);
      return [];
    }
    const seconds = (performance.now() - began) / 1_000;
    const row = { story: `${edition.package} can be installed`, ok: false, problems: [messageOf(error)], seconds };
    console.log(formatRow(row));
    return [row];
  }
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
    console.log(formatRow(row));
    return [row];
  }
}

/** Recordings of FreeSWITCH in place of one; returns the rows and the line that says so. */
async function playInstead(): Promise<{ readonly rows: readonly Row[]; readonly line: string }> {
  const notRun = 'the stories against a live FreeSWITCH were not run';
  if (recordings.length === 0) return { rows: [], line: `freeswitch: not installed here; ${notRun}` };
  console.log(`FreeSWITCH 1.11 as it was recorded: ${recordings.length} recordings at once, in real time`);
  const { rows, calls } = await playRecordings(recordings, playOptions('recorded'));
  return { rows, line: `freeswitch: not installed here; ${calls} recorded calls played instead; ${notRun}` };
}

/** Calls that nobody listens to, read from the PBX's own records; not one of the stories alone. */
async function playPlaces(): Promise<readonly Row[]> {
  console.log('Records of calls in MariaDB, PostgreSQL, SQLite and files');
  const began = performance.now();
  try {
    return await playRecords(FOLDER, (row) => console.log(formatRow(row)));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    if (options['allow-skip']) {
      console.log(`SKIPPED: ${messageOf(error)}`);
      return [];
    }
    const seconds = (performance.now() - began) / 1_000;
    const row = { story: 'databases can be installed', ok: false, problems: [messageOf(error)], seconds };
    console.log(formatRow(row));
    return [row];
  }
}

async function main(): Promise<number> {
  const rows: Row[] = [];
  for (const { edition, stories: chosen } of asterisks) {
    if (chosen.length > 0 && isWanted(edition.name)) rows.push(...(await playAsterisk(edition, chosen)));
  }
  if (isWanted('records') && options.only === '') rows.push(...(await playPlaces()));
  const program = isWanted('freeswitch') ? findFreeswitch(process.env) : null;
  if (program === null && options.pbx === 'freeswitch') {
    throw new Unavailable('freeswitch: not installed here; put it on PATH or name it in LOGCALLD_FREESWITCH');
  }
  if (program !== null) rows.push(...(await playFreeswitch(program)));
  else if (options.pbx === undefined) {
    const { rows: more, line } = await playInstead();
    rows.push(...more);
    console.log(line);
  }
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
