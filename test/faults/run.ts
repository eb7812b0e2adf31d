/**
 * `npm run test:faults [-- PART...] [--seed N] [--lives N] [--calls N] [--points N] [--cuts N] [--parallel N]
 * [--minutes N] [--long]`: faults of
 * the machine, the network and the CRM under a real daemon, and whether a call is lost or doubled by them. Needs root. See README.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from '../../bench/support/built.ts';
import { toldOf } from '../support/stalls.ts';
import { refuse, wholeNumber, wordsOf } from '../support/words.ts';
import { PARTS, type Part, type RunOptions } from './parts.ts';
import { chanceOf } from './support/chance.ts';
import { STALLS } from './support/oracle.ts';
import { paceOf } from './support/pace.ts';
import { complaints, failed, type Outcome, tableOf } from './support/table.ts';

const { values, positionals } = wordsOf({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    lives: { type: 'string' },
    calls: { type: 'string' },
    points: { type: 'string' },
    cuts: { type: 'string' },
    parallel: { type: 'string' },
    minutes: { type: 'string' },
    long: { type: 'boolean', default: false },
  },
});

const { long } = values;
type Numbered = Exclude<keyof typeof values, 'long'>;
const whole = (name: Numbered, otherwise: number): number => {
  const text = values[name];
  return text === undefined ? otherwise : wholeNumber(name, text);
};
const seed = whole('seed', Math.floor(Math.random() * 1e9));
const pace = paceOf(values.minutes === undefined ? null : whole('minutes', 0), (faults) =>
  console.error(`${new Date().toISOString()}  ${faults} kills and power cuts so far`),
);
// The second one ends it at once.
process.once('SIGINT', () => {
  console.error('No more random faults; what was done so far is checked.');
  pace.end();
});
const options: RunOptions = {
  chance: chanceOf(seed),
  lives: whole('lives', long ? 5000 : 300),
  callsPerLife: whole('calls', long ? 60 : 25),
  points: whole('points', long ? Number.MAX_SAFE_INTEGER : 10),
  cuts: whole('cuts', long ? 2000 : 12),
  parallel: whole('parallel', 4),
  pace,
  long,
};

if (process.getuid?.() !== 0) {
  console.error(
    'npm run test:faults has to be run as root: it mounts file systems, traces processes and stops clocks.',
  );
  process.exit(1);
}

/** Compiled once for all lives: most of a start is reading the program. */
const cache = mkdtempSync(join(tmpdir(), 'logcalld-cache-'));
process.once('exit', () => rmSync(cache, { recursive: true, force: true }));
process.env.LOGCALLD_COMPILE_CACHE = cache;
built();

const parts = PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (parts.length === 0) {
  refuse(`No such part. There are: ${PARTS.map(({ name }) => name).join(', ')}.`);
}

console.log(`seed ${seed}: the same faults again by npm run test:faults -- --seed ${seed}\n`);
const done: Outcome[] = [];

async function runPart(part: Part, parallel: number): Promise<void> {
  for (const outcome of await part.run({ ...options, parallel })) {
    done.push(outcome);
    console.log(`${failed(outcome) ? 'FAILED' : 'ok    '}  ${outcome.name}`);
    if (failed(outcome)) console.log(complaints(outcome));
  }
}

for (const part of parts) if (part.waits !== true) await runPart(part, options.parallel);
const waiting = parts.filter(({ waits }) => waits === true);
await Promise.all(waiting.map((part) => runPart(part, waiting.length > 1 ? 1 : options.parallel)));

const bad = done.filter(failed);
const sum = (of: (outcome: Outcome) => number): number => done.reduce((total, outcome) => total + of(outcome), 0);

const stalls = toldOf(STALLS);
if (stalls !== null) console.log(`\n${stalls}: requests in windows beside that are not counted.`);
console.log(`\nseed ${seed}`);
console.log(`\n${tableOf(done)}\n`);
console.log(
  `${sum(({ lives }) => lives)} lives, ${sum(({ calls }) => calls)} calls, ${sum(({ lost }) => lost.length)} lost, ` +
    `${sum(({ doubled }) => doubled.length)} doubled; ${bad.length} of ${done.length} failed`,
);
process.exit(bad.length > 0 ? 1 : 0);
