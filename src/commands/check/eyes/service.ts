/**
 * With whose eyes a check looks: beside an installed unit, with those of the service. Root reads what systemd would hand to the
 * daemon, then becomes its user; so whether a file can be read, a socket be opened, a database be logged in to is tried, not guessed.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Credentials, SecretError } from '../../../../adapters/host/credentials.ts';
import { type Account, accountOf, become, userName } from '../../../../adapters/host/service/account.ts';
import { type Unit, type UnitCredential, unitFor } from '../../../../adapters/host/service/unit.ts';
import { SetupError } from '../../terminal.ts';
import { type Finding, info } from '../finding.ts';

/** Is this somebody else than the user of the service that is installed? */
export const isBystander = ({ unit, service }: Eyes): boolean => unit !== null && !service;

/** What such a user does to see what the service sees. */
export const BY_ROOT: Pick<Finding, 'commands'> = { commands: ['sudo logcalld doctor'] };

/** A secret that this user may not read: it may be there all the same. */
export class HiddenSecret extends SecretError {}

type Environment = Readonly<Record<string, string | undefined>>;

export interface Eyes {
  /** The installed unit that runs with this config; `null`: there is none. */
  readonly unit: Unit | null;
  /** Its user; `null`: there is none. */
  readonly account: Account | null;
  /** Name of the user that the checks are made as. */
  readonly user: string;
  /** True: as the user of the service. */
  readonly service: boolean;
  readonly credentials: Credentials;
  /** All that the unit hands over and that could be read: secrets, used or not. */
  readonly handed: readonly string[];
  /** How the credentials are kept, and whose eyes these are. */
  readonly findings: readonly Finding[];
}

/** Reads what root alone may read, and then is the service's user, for good, where it can be. `config`: the file that is checked. */
export function openEyes(config: string, env: Environment = process.env): Eyes {
  const me = process.geteuid?.() ?? -1;
  const unit = unitFor(config, env);
  if (unit === null) {
    return {
      unit,
      account: null,
      user: userName(me),
      service: false,
      credentials: env.CREDENTIALS_DIRECTORY,
      handed: [],
      findings: [],
    };
  }
  const account = accountOf(unit.user, unit.groups);
  const handed = handedBy(unit);
  const findings = [...kept(unit, me), ...accountFindings(unit, account)];
  const service = account !== null && (me === 0 || me === account.uid);
  if (me === 0 && account !== null && account.uid !== 0) lookAs(account);
  const user = service ? account.name : userName(me);
  const fromUnit = (id: string): string | null => textOf(handed.get(id));
  return {
    ...{ unit, account, user, service },
    // A folder that root names by hand is one that the service cannot read.
    credentials: me !== 0 && env.CREDENTIALS_DIRECTORY ? env.CREDENTIALS_DIRECTORY : fromUnit,
    handed: [...handed.values()].flatMap((found) => (typeof found === 'string' ? found.trim() : [])),
    findings: [...findings, viewFinding(unit, account, service, user)],
  };
}

function lookAs(account: Account): void {
  become(account);
  const program = fileURLToPath(import.meta.url);
  try {
    accessSync(program, constants.R_OK);
  } catch {
    throw new SetupError(
      `user ${account.name}, as whom the service runs, may not read ${program}: use the installed command, /usr/bin/logcalld.`,
    );
  }
}

/** The credentials that the unit of this config hands to the daemon, for a command that root runs by hand. */
export function unitCredentials(config: string, env: Environment = process.env): Credentials {
  const unit = env.CREDENTIALS_DIRECTORY ? null : unitFor(config, env);
  if (unit === null) return env.CREDENTIALS_DIRECTORY;
  const handed = handedBy(unit);
  return (id) => textOf(handed.get(id));
}

type Handed = string | null | SecretError;

/** Read at once, while this process may; whoever asks for one that could not be read is told why. */
function handedBy(unit: Unit): ReadonlyMap<string, Handed> {
  return new Map([...unit.credentials].map(([id, credential]) => [id, contentOf(id, credential)]));
}

function textOf(found: Handed | undefined): string | null {
  if (found instanceof SecretError) throw found;
  return found ?? null;
}

function contentOf(id: string, { path, encrypted }: UnitCredential): Handed {
  try {
    if (!encrypted) return readFileSync(path, 'utf8');
    statSync(path);
    return execFileSync('systemd-creds', ['decrypt', `--name=${id}`, path, '-'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' && !encrypted) return null;
    if (code === 'EACCES' || code === 'EPERM')
      return new HiddenSecret(`${path} is for root alone: run this with sudo.`);
    if (encrypted)
      return new SecretError(
        `${path} is missing or cannot be decrypted on this machine: make it anew, systemd-creds encrypt --name=${id} FILE ${path}.`,
      );
    return new SecretError(`${path} cannot be read (${code}): it must be a file that holds nothing but the secret.`);
  }
}

const FOR_ROOT = 'a file for root alone: systemd reads it and hands it to the daemon';

/** Only root can look into the folder. */
function kept(unit: Unit, me: number): Finding[] {
  if (me !== 0) return [];
  const files = [...unit.credentials.values()].filter(({ encrypted }) => !encrypted).map(({ path }) => path);
  return [...new Set([...files.map(dirname), ...files])].flatMap((path): Finding[] => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const open = (stat.mode & 0o077) !== 0;
    if (!open && stat.uid === 0) return [];
    const mode = stat.isDirectory() ? '700' : '600';
    const who = stat.uid === 0 ? `mode ${(stat.mode & 0o777).toString(8)}` : `belongs to ${userName(stat.uid)}`;
    const text = `${path}: others than root may read or change it (${who}).`;
    const commands = [`sudo chown root:root ${path} && sudo chmod ${mode} ${path}`];
    return [{ level: 'warn', about: 'secret', text, expected: FOR_ROOT, commands }];
  });
}

function accountFindings(unit: Unit, account: Account | null): Finding[] {
  const about = 'user';
  if (account === null) {
    const text = `there is no user ${unit.user}, as whom ${unit.files[0]} runs the daemon.`;
    const commands = ['sudo systemd-sysusers /usr/lib/sysusers.d/logcalld.conf'];
    return [{ level: 'FAIL', about, text, expected: 'a user of the machine', commands }];
  }
  return account.missing.map((group): Finding => {
    const text = `there is no group ${group}, which the unit adds (SupplementaryGroups): the service would not start.`;
    return { level: 'FAIL', about, text, commands: ['sudo systemctl edit logcalld'] };
  });
}

function viewFinding(unit: Unit, account: Account | null, service: boolean, user: string): Finding {
  if (!service)
    return info(
      'user',
      `looked at as ${user}: what the service itself may read, "sudo logcalld doctor" tells (it runs as ${unit.user}).`,
    );
  const groups = (account?.groups ?? []).map(({ name }) => name).join(', ');
  return { level: 'ok', about: 'user', text: `looked at as ${user}, the user of the service (groups: ${groups})` };
}
