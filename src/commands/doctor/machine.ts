/** What the machine tells of the service and of itself: asked before anything else, as root alone may read the whole log. */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { UNIT } from '../../../adapters/host/service/unit.ts';
import { type Finding, info, ok } from '../check/finding.ts';
import type { Here } from '../here/here.ts';

export interface Machine {
  /** Properties of the unit; `null`: systemd does not run here, or does not answer. */
  readonly unit: ReadonlyMap<string, string> | null;
  /** `yes` or `no`: by any program that keeps the clock; `null`: not to be told. */
  readonly clockKept: string | null;
  /** How open the unit is by `systemd-analyze security`, a line; `null`: not to be told. */
  readonly exposure: string | null;
}

const PROPERTIES = [
  ...['LoadState', 'ActiveState', 'SubState', 'Result', 'UnitFileState', 'NeedDaemonReload', 'NRestarts'],
  ...['ExecMainStatus', 'WatchdogUSec', 'ActiveEnterTimestamp', 'FragmentPath', 'DropInPaths'],
];

export function lookAtMachine(): Machine {
  const shown = ask('systemctl', ['show', UNIT, ...PROPERTIES.map((name) => `--property=${name}`)]);
  const unit = shown === null ? null : new Map(shown.split('\n').flatMap(pairOf));
  const loaded = unit?.get('LoadState') === 'loaded';
  const security = loaded ? ask('systemd-analyze', ['security', '--no-pager', UNIT]) : null;
  return {
    unit,
    clockKept: ask('timedatectl', ['show', '--property=NTPSynchronized', '--value']),
    exposure: /Overall exposure level.*?: *(\S.*?)\s*$/m.exec(security ?? '')?.[1] ?? null,
  };
}

/** The last lines of the service's log, oldest first; `null`: there is no journal, or this user may not read it. */
export const lastLog = (lines: number): string | null =>
  ask('journalctl', ['--unit', UNIT, '--lines', String(lines), '--no-pager', '--output', 'short-iso']);

/** Version of the system: name (os-release(5)) and kernel. */
export const system = (): string => `${nameOf('/etc/os-release') ?? 'Linux'}, kernel ${release()}`;

function nameOf(file: string): string | null {
  try {
    return /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(readFileSync(file, 'utf8'))?.[2] ?? null;
  } catch {
    return null;
  }
}

function pairOf(line: string): [string, string][] {
  const at = line.indexOf('=');
  return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
}

/** `null`: the program is not there, or fails. */
function ask(program: string, words: readonly string[]): string | null {
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    const options = { encoding: 'utf8', stdio, timeout: 20_000, maxBuffer: 16_000_000 } as const;
    return execFileSync(program, [...words], options).trim();
  } catch {
    return null;
  }
}

export function clockFindings({ clockKept }: Machine): Finding[] {
  const about = 'clock';
  if (clockKept === 'yes') return [ok(about, 'kept by a time service (NTP)')];
  if (clockKept !== 'no')
    return [
      {
        level: 'skip',
        about,
        text: 'systemd does not tell here whether a time service keeps it; see to it that one does',
      },
    ];
  const text = 'no time service keeps it: times of calls go wrong with it, and TLS fails in the end.';
  return [
    {
      level: 'warn',
      about,
      text,
      expected: 'chrony or systemd-timesyncd',
      commands: ['sudo timedatectl set-ntp true'],
    },
  ];
}

/** The installed service itself. */
export function serviceFindings({ unit, exposure }: Machine, here: Here): Finding[] {
  const about = 'service';
  if (unit === null) return [{ level: 'skip', about, text: 'systemd does not run here, or does not answer' }];
  if (unit.get('LoadState') !== 'loaded') {
    if (here.trial) return [info(about, 'none runs with this config: logcalld runs as long as somebody runs it')];
    const text = `no unit ${UNIT} is installed (${unit.get('LoadState')}): logcalld runs as long as somebody runs it.`;
    const commands = ['sudo ./systemd/install.sh', 'sudo systemctl daemon-reload'];
    return [{ level: 'warn', about, text, commands, idle: 'it does not start with the machine' }];
  }
  if (!here.service) {
    const text = `the installed ${UNIT} runs with another config: with this one logcalld runs as long as somebody runs it`;
    return [info(about, text)];
  }
  const findings = [stateFinding(unit), bootFinding(unit), ...reloadFindings(unit), ...watchdogFindings(unit)];
  return exposure === null
    ? findings
    : [...findings, info(about, `exposure by systemd-analyze security: ${exposure} (0 is the best)`)];
}

const START = 'sudo systemctl enable --now logcalld';
/** As the end of a sentence. */
export const NOT_RUNNING = 'it does not run, so no call is logged';

/** What starts it, with this config. */
export function startCommands({ unit }: Machine, { service, start }: Here): string[] {
  if (!service || unit?.get('LoadState') !== 'loaded') return [start];
  // One that runs has another database: its unit tells which.
  return unit.get('ActiveState') === 'active' ? ['systemctl cat logcalld'] : [START];
}

type Properties = ReadonlyMap<string, string>;

function stateFinding(unit: Properties): Finding {
  const about = 'service';
  const state = unit.get('ActiveState') ?? 'unknown';
  const restarts = unit.get('NRestarts') ?? '0';
  if (state === 'active') {
    const since = `active since ${unit.get('ActiveEnterTimestamp')}`;
    return restarts === '0' ? ok(about, since) : info(about, `${since}, restarted ${restarts} times by systemd`);
  }
  if (state === 'inactive')
    return {
      level: 'warn',
      about,
      text: 'does not run: no call is logged.',
      commands: [START],
      idle: NOT_RUNNING,
    };
  const why = `${state} (${unit.get('Result')}, exit status ${unit.get('ExecMainStatus')}, restarted ${restarts} times)`;
  const commands = ['sudo journalctl -u logcalld -n 50', 'sudo systemctl restart logcalld'];
  return { level: 'FAIL', about, text: `${why}: its last lines in the log say why.`, expected: 'active', commands };
}

function bootFinding(unit: Properties): Finding {
  const about = 'service';
  const state = unit.get('UnitFileState');
  if (state === 'enabled') return ok(about, 'starts with the machine');
  const text = `does not start with the machine (${state}).`;
  const stopped = unit.get('ActiveState') === 'inactive';
  const commands = [stopped ? START : 'sudo systemctl enable logcalld'];
  return { level: 'warn', about, text, commands, idle: 'it does not start with the machine' };
}

function reloadFindings(unit: Properties): Finding[] {
  if (unit.get('NeedDaemonReload') !== 'yes') return [];
  const text = 'its files were changed, and systemd still has them as they were.';
  const commands = ['sudo systemctl daemon-reload', 'sudo systemctl restart logcalld'];
  return [{ level: 'warn', about: 'service', text, commands }];
}

/** systemd tells it of a service that runs alone: before, it says "infinity" whatever the unit says. */
function watchdogFindings(unit: Properties): Finding[] {
  if (unit.get('ActiveState') !== 'active') return [];
  const every = unit.get('WatchdogUSec') ?? '0';
  if (every !== '0' && every !== 'infinity')
    return [ok('service', `a daemon that is stuck is restarted (watchdog ${every})`)];
  const text = 'without a watchdog a daemon that is stuck is not restarted.';
  // Not "systemctl revert", which would take all that was added to the unit with it.
  const commands = ['sudo systemctl edit logcalld', 'sudo systemctl restart logcalld'];
  return [{ level: 'warn', about: 'service', text, commands, lines: ['[Service]', 'WatchdogSec=60s'] }];
}
