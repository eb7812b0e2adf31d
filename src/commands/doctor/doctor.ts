/**
 * `logcalld doctor`: everything that an installation needs, in the order in which it meets trouble. `check-config` looks at a part of
 * it, the config and what it names.
 */

import { refuseStranger } from '../../../adapters/control/access.ts';
import type { StatusReply } from '../../../adapters/control/api.ts';
import { createClock } from '../../../adapters/host/clock.ts';
import { ConfigError } from '../../../config/problem.ts';
import { databaseOf } from '../../../config/read.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { DEFAULT_CONFIG } from '../../cli/commands.ts';
import { type Check, type Outcome, printFinding, runChecks, type Tell } from '../check/checks.ts';
import { VIEW } from '../check/config.ts';
import { type Eyes, isBystander, openEyes } from '../check/eyes/service.ts';
import { edit, type Finding, type Remedy } from '../check/finding.ts';
import { fileChecks, reachChecks } from '../check/sections.ts';
import { problemFindings, type Subject, subjectOf, type Wanted, wantedBy } from '../check/subject.ts';
import { fittedLines, hereOf, placeOfCommand } from '../here/here.ts';
import { count, masked, print, tell as remark } from '../output.ts';
import {
  clockFindings,
  lastLog,
  lookAtMachine,
  type Machine,
  serviceFindings,
  startCommands,
  system,
} from './machine.ts';
import { numberFindings } from './numbers.ts';
import { askDaemon, daemonFindings } from './running.ts';
import { storageFindings } from './storage.ts';
import { type Bundle, bundleText, openBundle } from './support.ts';

/** Name of a check. */
const DAEMON = 'daemon';
/** Of the log, in a bundle. */
const LINES = 500;

interface Told {
  readonly check: string;
  readonly finding: Finding;
}

export async function doctor(invocation: Invocation, terminal: Terminal): Promise<number> {
  const wanted = invocation.value('support');
  // Root may do this, the user of the service may not.
  const bundle = wanted === null ? null : openBundle(wanted);
  try {
    return await looked(invocation, terminal, bundle);
  } catch (error) {
    bundle?.discard(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

async function looked(invocation: Invocation, terminal: Terminal, bundle: Bundle | null): Promise<number> {
  const file = invocation.value('config') ?? DEFAULT_CONFIG;
  // As root, too.
  const machine = lookAtMachine();
  const log = bundle === null ? null : lastLog(LINES);
  const eyes = openEyes(file);
  if (!eyes.service) refuseStranger(file);
  const told: Told[] = [];
  const here = placeOfCommand(invocation);
  const json = invocation.flag('json');
  const tell: Tell = (check, finding) => {
    // What the calls so far tell, a running daemon tells as well.
    if (check === DAEMON && told.some((one) => one.finding.text === finding.text)) return;
    told.push({ check, finding });
    if (json) print(terminal, JSON.stringify(jsonOf(check, fittedLines(finding, here))));
    else printFinding(terminal, finding);
  };
  const config = configOf(file, eyes, wantedBy(invocation));
  const daemon: { status: StatusReply | null } = { status: null };
  const outcome = await runChecks(
    checksFor({ file, eyes, config, machine, daemon, say: (text) => remark(terminal, text) }),
    tell,
  );
  bundle?.write(
    bundleText({
      at: createClock().now(),
      system: system(),
      user: eyes.user,
      findings: told.map(({ check, finding }) => JSON.stringify(jsonOf(check, finding))),
      machine,
      config: file,
      unitFiles: eyes.unit?.files ?? [],
      status: daemon.status,
      log,
      secrets: [...eyes.handed, ...secretsOf(config)],
    }),
  );
  if (!json) verdict(told, outcome, !isBystander(eyes), terminal);
  if (!json && bundle !== null)
    print(
      terminal,
      `${bundle.path} is written, without secrets and whole numbers. Look through it before you send it.`,
    );
  return outcome.status;
}

const secretsOf = (config: Subject | ConfigError): string[] =>
  config instanceof ConfigError ? [] : config.secrets.found.map((secret) => secret.reveal());

function configOf(file: string, eyes: Eyes, wanted: Wanted): Subject | ConfigError {
  try {
    return subjectOf(file, eyes, wanted);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

interface Parts {
  readonly file: string;
  readonly eyes: Eyes;
  readonly config: Subject | ConfigError;
  readonly machine: Machine;
  /** What the running daemon says, once it was asked. */
  readonly daemon: { status: StatusReply | null };
  /** Says what is waited for. */
  readonly say: (text: string) => void;
}

function checksFor({ file, eyes, config, machine, daemon, say }: Parts): Check[] {
  const wrong = config instanceof ConfigError;
  const here = hereOf(file);
  const look: Remedy = { commands: [here.service ? 'sudo journalctl -u logcalld -n 50' : here.command('status')] };
  const files = wrong ? [refused(config, file), ...withoutConfig(look).slice(0, FILES)] : fileChecks(config);
  const reached = wrong ? withoutConfig(look).slice(FILES) : [...reachChecks(config, say), numbers(config)];
  return [
    { ...VIEW, run: () => eyes.findings },
    ...files,
    ...(wrong ? [] : [storage(config)]),
    {
      name: 'clock',
      about: 'clock',
      stage: 'work',
      otherwise: { commands: ['timedatectl'] },
      run: () => clockFindings(machine),
    },
    ...reached,
    { name: 'service', about: 'service', stage: 'work', otherwise: look, run: () => serviceFindings(machine, here) },
    {
      ...{ name: DAEMON, about: 'daemon', stage: 'work', otherwise: look },
      async run() {
        const path = wrong ? databaseOf(file, { env: process.env }) : config.config.storage.path;
        if (path === null) return [];
        daemon.status = await askDaemon({ file, storage: { path } });
        const users = wrong ? null : config.config.leadsquared.user.file;
        const read = [file, ...(users === null ? [] : [users])];
        // Who is not the service's user must not run it as himself.
        const starting = isBystander(eyes) ? ['sudo logcalld doctor'] : startCommands(machine, here);
        return daemonFindings(daemon.status, read, starting, here.restart);
      },
    },
  ];
}

/** Where the daemon tells more. */

const refused = (error: ConfigError, file: string): Check => ({
  ...{ name: 'config', about: 'config', stage: 'start', otherwise: edit(file) },
  run: () => problemFindings('config', error),
});

const storage = ({ config, file }: Subject): Check => ({
  ...{ name: 'storage', about: 'disk', stage: 'work', needs: ['database'], otherwise: edit(file) },
  run: () => storageFindings(config.storage, createClock().now(), hereOf(file)),
});

const numbers = ({ config, file }: Subject): Check => ({
  ...{ name: 'numbers', about: 'numbers', stage: 'work', otherwise: edit(file) },
  run: () => numberFindings(config),
});

/** What cannot be looked at as long as the config is refused. */
const withoutConfig = (otherwise: Remedy): readonly Check[] =>
  (
    [
      ['users-file', 'users file'],
      ['secrets', 'secret'],
      ['database', 'database'],
      ['storage', 'disk'],
      ['pbx', 'PBX'],
      ['hearing', 'hearing'],
      ['records', 'records'],
      ['leadsquared', 'LeadSquared'],
      ['numbers', 'numbers'],
    ] as const
  ).map(([name, about]) => ({ name, about, stage: 'work', needs: ['config'], otherwise, run: () => [] }));
/** The first of them are about files. */
const FILES = 4;

/** As documented in the help of the command. */
function jsonOf(
  check: string,
  { level, about, text, expected, commands = [], lines = [], elsewhere }: Finding,
): unknown {
  return masked({
    level,
    check,
    about,
    found: text,
    expected: expected ?? null,
    commands,
    lines,
    elsewhere: elsewhere ?? null,
  });
}

/** What all comes to, in one sentence. `whole`: these eyes saw all that there is to see. */
export function verdict(
  told: readonly Told[],
  { failed }: Pick<Outcome, 'failed'>,
  whole: boolean,
  terminal: Terminal,
): void {
  const many = (level: Finding['level']) => told.filter(({ finding }) => finding.level === level).length;
  const [fails, warns, skips] = [many('FAIL'), many('warn'), many('skip')];
  print(terminal, '');
  if (failed.size === 0 && whole && warns === 0 && skips === 0) {
    const unproven = told.flatMap(({ finding }) => (finding.unproven === true ? [finding.about] : []));
    const seen =
      unproven.length === 0 ? 'All is well.' : `All that was seen is well. Not proven: ${unproven.join(', ')}.`;
    print(terminal, seen);
    return;
  }
  const skipped = skips === 0 ? '' : `, ${count(skips, 'check')} skipped`;
  const well = whole ? 'Nothing keeps it from working.' : 'Nothing that was looked at keeps it from working.';
  const idle = told.map(({ finding }) => finding).filter((finding) => finding.idle !== undefined);
  const but =
    idle.length === 0 ? well : `${well.slice(0, -1)}, but ${unique(idle.map((one) => one.idle)).join(', and ')}.`;
  const begin = fails > 0 ? 'Begin with the first FAIL, then run this again.' : but;
  print(terminal, `${fails} FAIL, ${warns} warn${skipped}. ${begin}`);
  if (fails > 0) return;
  for (const command of unique(idle.flatMap(({ commands = [] }) => commands)))
    print(terminal, `          type: ${command}`);
}

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];
