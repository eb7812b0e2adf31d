/**
 * Random kills of one database in a process of its own: a site that is judged at its end must not stop the stand-ins of the others, whose
 * windows of requests would not be what their daemons sent. Run by `inProcess`, and as that process.
 */
import { fork } from 'node:child_process';
import { BUILT_VARIABLE, built } from '../../bench/support/built.ts';
import { owned } from '../../bench/support/process.ts';
import { toldOf } from '../support/stalls.ts';
import { type KillsOptions, kills } from './kills.ts';
import { chanceOf } from './support/chance.ts';
import { STALLS } from './support/oracle.ts';
import { paceOf } from './support/pace.ts';
import type { Outcome } from './support/table.ts';

/** What the process is to do. */
interface Task {
  readonly name: string;
  readonly lives: number;
  readonly callsPerLife: number;
  readonly seed: number;
}

type Told = { readonly tick: true } | { readonly outcome: Outcome };

/** `kills`, in a process of its own. Rejects when that process ends without an outcome. */
export function inProcess(name: string, { lives, callsPerLife, chance, pace }: KillsOptions): Promise<Outcome> {
  const child = owned(
    fork(import.meta.filename, [], {
      env: { ...process.env, [BUILT_VARIABLE]: built() },
      // A group of its own, so that Ctrl-C reaches the run alone, which tells the sites to come to their ends.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );
  const task: Task = { name, lives, callsPerLife, seed: chance.seed };
  child.send(task);
  return new Promise((resolve, reject) => {
    let asked = false;
    child.on('message', (told: Told) => {
      if ('outcome' in told) resolve(told.outcome);
      else pace.tick();
      if (!pace.over || asked) return;
      asked = true;
      child.send('end');
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the process of ${name} ended with ${code ?? signal}`)));
  });
}

async function work({ name, seed, ...task }: Task): Promise<void> {
  const own = paceOf(null, () => {});
  process.on('message', (word) => word === 'end' && own.end());
  const tell = (told: Told): void => void process.send?.(told);
  const pace = {
    get over() {
      return own.over;
    },
    tick: () => tell({ tick: true }),
    end: () => own.end(),
  };
  const outcome = await kills(name, { ...task, chance: chanceOf(seed), pace });
  const stalls = toldOf(STALLS);
  if (stalls !== null) console.error(`${name}: ${stalls}: requests in windows beside that are not counted.`);
  process.send?.({ outcome }, () => process.exit());
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  process.once('disconnect', () => process.exit(1));
  process.once('message', (task: Task) => void work(task));
}
