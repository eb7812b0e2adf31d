/**
 * Runs the test files, a few at a time, each in a process of its own: `npm test`, or `npm test -- call sqlite` for those
 * whose path has one of the words; `npm test -- --slow`: those that it leaves out, and with many more runs those that try what has
 * no end (`support/runs.ts`). Exit status 1 when a file failed or none was found. Whatever a file prints, the logs of daemons that it shows included, must not hold the password that the tests give to PBXs.
 *
 * node-tap's own runner compiles TypeScript with a plugin of its own, and Node's spends as long on reading the thousands of
 * results as the tests on making them; a file's exit status says the same.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { CANARY } from './support/daemon.ts';
import { guarded } from './support/guard.ts';

const ROOT = join(import.meta.dirname, '..');
const FILE_LIMIT_MS = 180_000;
/** `npm test -- --slow`: those that need root, or take many seconds, which `npm test` leaves out; `.ci/run` runs both. */
const SLOW_ONES = [
  /adapters\/.*(upkeep\/|thread\/(hold|kill|database)|link\/differential|asterisk\/hearing\.|journal\/port)/,
  /records\/(score|database|files|json-cdr|nonsense|long-file|csv|fusionpbx|weave)|inspect-cdr|records-alone/,
  /call\/(ladder|growth|cdr\/backfill|known\/caller-unheard)|clock-properties|delivery\/(isolation|model|outcomes|remedies|sandbox|worker)|permits\/(processes|restarts|slow-disk|lives)/,
  /cli\/(commands|salvage|loaded|hostile|pages|loss|lists|explain|newer|wrong-call)|commands\/(crash|check\/missing)|metrics\/daemon|check\/eyes|init\/dialogue|doctor\/doctor|page\/(kept|live|look|strangers)/,
  /daemon\/(records|upgrade|backups)|e2e\/(disk-full|restored|one-daemon|users)/,
  /sim\/|metrics\/alerts|systemd\/(install|takeover)|test\/release/,
];
const isSlow = (file: string): boolean => SLOW_ONES.some((pattern) => pattern.test(file));
/** Its file says that it does more in `--slow`. */
const hasMany = (file: string): boolean => readFileSync(join(ROOT, file), 'utf8').includes("support/runs.ts'");
/** Slow ones first, the slowest before all, so that none is left over at the end. */
const SLOW = [
  /delivery\/(sandbox|isolation|worker)|cli\/commands|daemon\/(records|upgrade)|upkeep\/damage/,
  /e2e|permits|outcomes|recordings|inspect-cdr|model|hold|loss|properties/,
];

interface Result {
  readonly file: string;
  readonly ok: boolean;
  readonly output: string;
  readonly seconds: number;
  readonly assertions: number;
}

function run(file: string): Promise<Result> {
  const began = performance.now();
  const child = spawn(process.execPath, [file], {
    cwd: ROOT,
    // A group of its own: what it started and left behind ends with it.
    detached: true,
    // Compiled code is kept between files and runs. A file's time is limited here: on a busy machine node-tap's 30 s are too short.
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'node'),
      TAP_TIMEOUT: String(FILE_LIMIT_MS / 1000),
      ...(slow ? { LOGCALLD_TEST_RUNS: 'many' } : {}),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: FILE_LIMIT_MS,
  });
  guarded(child);
  child.once('exit', () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It left nothing.
    }
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => {
    child.on('close', (status, signal) => {
      const passed = Number(
        /^# \{ total: \d+, pass: (\d+)/m.exec(output)?.[1] ?? /^# pass (\d+)/m.exec(output)?.[1] ?? 0,
      );
      const planned = /^1\.\.\d+/m.test(output);
      const leaked = output.includes(CANARY);
      const ok = status === 0 && planned && !leaked;
      const why = `${signal === null ? '' : `\nended by ${signal}`}${leaked ? '\na password was printed' : ''}`;
      resolve({ file, ok, output: output + why, seconds: (performance.now() - began) / 1000, assertions: passed });
    });
  });
}

/** Its place in the order: how slow it is. */
function rank(file: string): number {
  const found = SLOW.findIndex((pattern) => pattern.test(file));
  return found === -1 ? SLOW.length : found;
}

const slow = process.argv.includes('--slow');
const words = process.argv.slice(2).filter((word) => word !== '--slow');
const isWanted = (file: string): boolean => {
  if (words.length > 0) return words.some((word) => file.includes(word));
  return isSlow(file) === slow || (slow && hasMany(file));
};
const files = globSync('test/**/*.test.ts', { cwd: ROOT })
  .filter(isWanted)
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
const began = performance.now();
const results: Result[] = [];
const queue = [...files];

async function worker(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const result = await run(file);
    results.push(result);
    const name = relative('test', file).padEnd(52);
    console.log(`${result.ok ? 'ok    ' : 'FAILED'}  ${name} ${result.seconds.toFixed(1).padStart(5)} s`);
    if (!result.ok) console.log(result.output);
  }
}

await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
const failed = results.filter((result) => !result.ok);
const assertions = results.reduce((sum, result) => sum + result.assertions, 0);
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`\n${results.length} files, ${assertions} assertions, ${seconds} s`);
for (const { file } of failed) console.log(`FAILED  ${file}`);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
if (failed.length > 0 || results.length === 0) process.exitCode = 1;
