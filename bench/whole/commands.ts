/** CPU of commands, their whole processes, beside a Node that does nothing; the least of several. */
import { spawnSync } from 'node:child_process';
import { built } from '../support/built.ts';
import { startDaemon } from '../support/daemon.ts';
import { openPbx } from '../support/feeder/pbx.ts';
import { discard, scratch } from '../support/process.ts';
import type { Line, Options } from '../support/report.ts';

const TURNS = 15;
const TURNS_SHORT = 3;

/** CPU of a Node with these words, ms; its children count. */
function cpuMs(words: readonly string[]): number {
  // The shell's own clock of its children is exact to 1 ms; /proc counts in steps of 10.
  const script = 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null 2>&1';
  const { stderr, status } = spawnSync('bash', ['-c', script, 'bench', process.execPath, ...words], {
    encoding: 'utf8',
    // Locales write the seconds with a comma.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C' },
  });
  const seconds = stderr.trim().split(' ').map(Number);
  // 1: `status` has seen something that is not well, such as a CRM that is away.
  if (status === null || status > 1 || seconds.length !== 2) throw new Error(`${words.join(' ')}: ${stderr}`);
  return 1000 * seconds.reduce((sum, one) => sum + one, 0);
}

export async function run({ short, print }: Options): Promise<Line[]> {
  const folder = scratch();
  const pbx = await openPbx('asterisk');
  const daemon = startDaemon({ folder, pbxs: [pbx] });
  try {
    await daemon.connected;
    const commands = [
      ['version', []],
      ['status', ['--config', daemon.config]],
      ['calls', ['--config', daemon.config]],
    ] as const;
    const least = new Map<string, number>();
    const note = (name: string, ms: number): void => {
      least.set(name, Math.min(ms, least.get(name) ?? Number.POSITIVE_INFINITY));
    };
    const turns = short ? TURNS_SHORT : TURNS;
    for (let turn = 0; turn < turns; turn += 1) {
      note('node', cpuMs(['-e', '0']));
      for (const [name, words] of commands) note(name, cpuMs([built(), name, ...words]));
    }
    print(`built form, the least of ${turns}`);
    return commands.map(([name]) => ({
      measure: `CPU of logcalld ${name}, beside node -e 0`,
      unit: 'ms',
      value: least.get(name) ?? null,
      baseline: least.get('node') ?? null,
      bar: { on: 'ratio', most: 3 },
    }));
  } finally {
    await daemon.stop();
    await pbx.close();
    discard(folder);
  }
}
