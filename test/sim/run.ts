/**
 * `npm run sim -- [--seeds N] [--seed S] [--hours H] [--calls N] [--parallel N]`: simulated days of the real core and delivery between two
 * PBXs and a CRM, with faults of all of them. Seeds S, S + 1, ...; one that fails replays exactly. See README.md.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { templates } from '../faults/kills.ts';
import { wholeNumber, wordsOf } from '../support/words.ts';
import { told } from './seen.ts';
import { USUAL } from './weather.ts';
import { type SimResult, simulate } from './world.ts';

const { values } = wordsOf({
  options: {
    seeds: { type: 'string', default: '10' },
    seed: { type: 'string' },
    hours: { type: 'string', default: '24' },
    calls: { type: 'string', default: String(USUAL.callsPerHour) },
    parallel: { type: 'string', default: String(availableParallelism()) },
  },
});

const first = wholeNumber('seed', values.seed ?? String(1 + Math.floor(Math.random() * 1e9)), 1);
const seeds = wholeNumber('seeds', values.seeds, 1);
const climate = {
  ...USUAL,
  hours: wholeNumber('hours', values.hours, 1),
  callsPerHour: wholeNumber('calls', values.calls, 1),
};

/** In a process of its own: seeds that it is sent, one after the other. */
function work(): void {
  const all = templates();
  process.on('message', (seed: number) => {
    simulate(seed, climate, all).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        console.error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(null);
}

/** One process after the other takes the next seed. */
async function spread(onResult: (result: SimResult) => void): Promise<void> {
  let next = first;
  const worker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(import.meta.filename, process.argv.slice(2), { env: { ...process.env, LOGCALLD_SIM: '1' } });
      child.on('message', (result: SimResult | null) => {
        if (result !== null) onResult(result);
        if (next < first + seeds) child.send(next++);
        else child.disconnect();
      });
      child.once('exit', (status) => {
        if (status === 0) resolve();
        else reject(new Error(`a process of the simulation ended with ${status}`));
      });
    });
  await Promise.all(Array.from({ length: Math.min(seeds, wholeNumber('parallel', values.parallel, 1)) }, worker));
}

async function main(): Promise<number> {
  const began = performance.now();
  const results: SimResult[] = [];
  await spread((result) => {
    results.push(result);
    if (result.violations.length === 0) return;
    console.log(`FAILED  seed ${result.seed}, trace ${result.trace.slice(0, 16)}`);
    for (const what of result.violations.slice(0, 10)) console.log(`    ${what}`);
  });
  const minutes = (performance.now() - began) / 60_000;
  const sum = (of: (result: SimResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const bad = results.filter(({ violations }) => violations.length > 0);
  console.log(
    `${results.length} seeds from ${first} of ${climate.hours} h: ${sum(({ lives }) => lives)} lives, ${sum(({ calls }) => calls)} calls, ` +
      `${sum(({ known }) => known)} stored, ${sum(({ whole: told }) => told)} heard wholly, ${sum(({ requests }) => requests)} requests, ` +
      `${sum(({ steps }) => steps)} steps; ${(results.length / minutes).toFixed(1)} seeds a minute`,
  );
  for (const line of told(results.map(({ seen }) => seen))) console.log(`    ${line}`);
  console.log(bad.length === 0 ? 'no promise was broken' : `${bad.length} seeds broke a promise`);
  for (const { seed } of bad)
    console.log(
      `again: npm run sim -- --seeds 1 --seed ${seed} --hours ${climate.hours} --calls ${climate.callsPerHour}`,
    );
  return bad.length === 0 ? 0 : 1;
}

if (process.env.LOGCALLD_SIM === undefined) process.exitCode = await main();
else work();
