/** A running daemon for the commands: a player as its PBX, the sandbox as its CRM, and the command line as a process. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { readSecret } from '../../adapters/host/credentials.ts';
import type { SandboxOptions } from '../../adapters/leadsquared/sandbox/options.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { loadConfig } from '../../config/load.ts';
import { runCommandLine, type Terminal } from '../../src/cli/cli.ts';
import { controlPath } from '../../src/commands/control.ts';
import { bodies } from '../../src/commands/index.ts';
import { reportError } from '../../src/commands/terminal.ts';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';
import type { Log } from '../../src/ports.ts';
import type { CallRecords } from '../../src/records/port.ts';
import { CANARY, COMPILED, installation, sandboxUsers } from '../support/daemon.ts';
import { guarded } from '../support/guard.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const CLOCK = createClock();

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs one command line as a process; never rejects. */
export const logcalld = (...words: readonly string[]): Promise<Ran> => logcalldIn({}, ...words);

/** The same with more in its environment. */
export function logcalldIn(env: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const node = join(PROJECT, 'node_modules', '.bin', 'node');
    const program = join(PROJECT, 'src', 'logcalld.js');
    const options = { cwd: PROJECT, env: { PATH: process.env.PATH ?? '', ...COMPILED, ...env } };
    const child = execFile(node, [program, ...words], options, (failure, out, error) => {
      const code = failure === null ? 0 : typeof failure.code === 'number' ? failure.code : -1;
      resolve({ code, out, error });
    });
    guarded(child);
  });
}

/** The same in this process, which is much faster. */
export async function command(...words: readonly string[]): Promise<Ran> {
  let out = '';
  let error = '';
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  };
  const code = await runCommandLine(words, bodies, terminal).catch((thrown: unknown) => reportError(thrown, terminal));
  return { code, out, error };
}

/** A capture below `fixtures`, or the name of a recording of Asterisk 22. */
const fileOf = (name: string): string => (name.includes('/') ? name : `recordings/asterisk-22/${name}/events.jsonl.gz`);

/** How a recording is played, and where the PBX keeps records of it. */
export interface Playing {
  readonly speed?: number;
  /** False: ids as recorded, as the records name them; the clock of the PBX is then that of the recording. */
  readonly shiftTimes?: boolean;
  /** True: the recorded client is away as long as it was, as records of that time ask for. */
  readonly breaksLast?: boolean;
  readonly places?: ReadonlyMap<string, readonly CallRecords[]>;
  /** Takes what the daemon logs. */
  readonly log?: Log;
}

export async function world(
  captures: readonly string[],
  options: SandboxOptions = {},
  more = '',
  { speed = 20, shiftTimes = true, breaksLast = false, places, log = { write: () => {} } }: Playing = {},
) {
  const sandbox = await startSandbox({ users: sandboxUsers, windowMs: 1000, ...options });
  const player = new AmiPlayer({
    captures: captures.map((name) => new URL(`../fixtures/${fileOf(name)}`, import.meta.url).pathname),
    order: 'together',
    username: 'test',
    secret: CANARY,
    ...{ speed, shiftTimes, breaksLast, settleMs: 20 },
  });
  const place = await installation({ asterisk: await player.listen() }, sandbox, more);
  const config = { ...loadConfig(place.config), file: place.config };
  let daemon: Daemon | null = null;
  const printed: string[] = [];
  return {
    sandbox,
    player,
    config,
    places,
    directory: place.directory,
    daemon: () => {
      if (daemon === null) throw new Error('The daemon is not started.');
      return daemon;
    },
    async start() {
      daemon = await startDaemon({
        config: loadConfig(place.config),
        clock: CLOCK,
        log,
        readSecret: (ref) => readSecret(ref, undefined).secret,
        onFatal: (reason) => printed.push(reason),
        controlPath: controlPath(config, {}),
        ...(this.places === undefined ? {} : { places: this.places }),
      });
    },
    async stop() {
      await daemon?.stop();
      daemon = null;
    },
    /** One command with the config of this place. Everything printed is kept for `secrets`. */
    async run(...words: readonly string[]): Promise<Ran> {
      const ran = await command(...words, '--config', place.config);
      printed.push(ran.out, ran.error);
      return ran;
    },
    /** The same as a process. */
    async process(...words: readonly string[]): Promise<Ran> {
      const ran = await logcalld(...words, '--config', place.config);
      printed.push(ran.out, ran.error);
      return ran;
    },
    /** Secrets and whole numbers that were printed; there should be none. */
    leaks: (numbers: readonly string[] = ['9845012345', '8041110']) =>
      [CANARY, sandbox.accessKey, sandbox.secretKey, ...numbers].filter((word) =>
        printed.some((text) => text.includes(word)),
      ),
    async end() {
      await daemon?.stop();
      await player.close();
      await sandbox.close();
      await place.remove();
    },
  };
}

/** Asks until the answer is as wanted; the test's own time limit ends it. */
export async function until<T>(ask: () => Promise<T> | T, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    await new Promise<void>((resolve) => CLOCK.after(20, resolve));
  }
}

/** Resolves when the player has played everything and no call is open or on its way any more. */
export async function settled(of: { player: AmiPlayer; daemon: () => Daemon }, calls: number): Promise<void> {
  await of.player.done;
  const { delivery, pipeline } = of.daemon();
  await until(
    () => delivery.snapshot(),
    ({ states }) => {
      const resting = states.delivered + states.parked + states.skipped;
      return pipeline.openChannels() === 0 && resting === calls;
    },
  );
}
