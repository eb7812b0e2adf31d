/**
 * The unit by which systemd runs logcalld, as far as it decides what the daemon may see: read from its files (systemd.unit(5)), so
 * that it is known also where systemd does not run, as in an installer.
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A `LoadCredential=` line. */
export interface UnitCredential {
  /** Where systemd takes it from. */
  readonly path: string;
  /** By `LoadCredentialEncrypted=`. */
  readonly encrypted: boolean;
}

export interface Unit {
  /** The file of the unit, and those of `systemctl edit`. */
  readonly files: readonly string[];
  /** The config that it starts the daemon with; `null`: it names none. */
  readonly config: string | null;
  readonly user: string;
  readonly groups: readonly string[];
  readonly credentials: ReadonlyMap<string, UnitCredential>;
  /** Folders that it does not show the daemon, each with the setting that says so. */
  readonly hidden: ReadonlyMap<string, string>;
  /** With `ProtectSystem=strict`, the folders that the daemon may write into; `null`: all that it has the rights for. */
  readonly writable: readonly string[] | null;
  /** Of `ReadWritePaths=`, those without a hyphen: where one is not there, systemd does not start the service. */
  readonly needed: readonly string[];
}

export const UNIT = 'logcalld.service';

/** Where systemd looks, the first that has a file counts. `SYSTEMD_UNIT_PATH` stands for all of them, as for systemd's own programs. */
const PLACES = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
];

/** `null` where none is installed, or it was masked. */
export function readUnit(env: Readonly<Record<string, string | undefined>>): Unit | null {
  const places = env.SYSTEMD_UNIT_PATH?.split(':').filter((place) => place !== '') ?? PLACES;
  const main = places.map((place) => join(place, UNIT)).find((file) => textOf(file) !== null);
  if (main === undefined) return null;
  const dropIns = new Map<string, string>();
  for (const folder of places.map((place) => join(place, `${UNIT}.d`))) {
    for (const name of namesIn(folder)) if (!dropIns.has(name)) dropIns.set(name, join(folder, name));
  }
  const files = [main, ...[...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)];
  const settings = settingsOf(files.map((file) => textOf(file) ?? ''));
  return settings.size === 0 ? null : { files, ...unitOf(settings) };
}

/** The installed unit, where it runs with this config; another one is somebody's trial, which the service knows nothing of. */
export function unitFor(config: string, env: Readonly<Record<string, string | undefined>>): Unit | null {
  const unit = readUnit(env);
  return unit?.config != null && real(unit.config) === real(config) ? unit : null;
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

type Settings = ReadonlyMap<string, readonly string[]>;

/** Of `[Service]`. A key without a value takes back what was said before. */
function settingsOf(texts: readonly string[]): Settings {
  const settings = new Map<string, string[]>();
  for (const text of texts) {
    let section = '';
    for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
      const header = /^\s*\[(.*)\]\s*$/.exec(line);
      if (header !== null) section = header[1] ?? '';
      const pair = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line);
      if (pair === null || section !== 'Service') continue;
      const [, key = '', value = ''] = pair;
      settings.set(key, value === '' ? [] : [...(settings.get(key) ?? []), value]);
    }
  }
  return settings;
}

function unitOf(settings: Settings): Omit<Unit, 'files'> {
  const all = (key: string): readonly string[] => settings.get(key) ?? [];
  const last = (key: string): string | null => all(key).at(-1) ?? null;
  const words = (key: string): string[] => all(key).flatMap((line) => line.split(/\s+/));
  const start = last('ExecStart') ?? '';
  return {
    config: /(?:--config|-c)[ =](\S+)/.exec(start)?.[1] ?? null,
    user: last('User') ?? 'root',
    groups: [...new Set([...(last('Group') === null ? [] : [last('Group') ?? '']), ...words('SupplementaryGroups')])],
    credentials: new Map([
      ...all('LoadCredential').flatMap((line) => credentialOf(line, false)),
      ...all('LoadCredentialEncrypted').flatMap((line) => credentialOf(line, true)),
    ]),
    hidden: hiddenBy(last('ProtectHome'), last('PrivateTmp'), words('InaccessiblePaths')),
    needed: words('ReadWritePaths').filter((path) => !/^\+?-/.test(path)),
    writable: last('ProtectSystem') === 'strict' ? writableBy(words) : null,
  };
}

function credentialOf(line: string, encrypted: boolean): [string, UnitCredential][] {
  const [id = '', path] = line.split(':');
  return path === undefined ? [] : [[id, { path, encrypted }]];
}

const YES = new Set(['yes', 'true', 'on', '1']);

function hiddenBy(home: string | null, tmp: string | null, paths: readonly string[]): ReadonlyMap<string, string> {
  const homes = home !== null && (YES.has(home) || home === 'tmpfs') ? ['/home', '/root', '/run/user'] : [];
  const temporary = tmp !== null && (YES.has(tmp) || tmp === 'disconnected') ? ['/tmp', '/var/tmp'] : [];
  return new Map([
    ...homes.map((path) => [path, `ProtectHome=${home}`] as const),
    ...temporary.map((path) => [path, `PrivateTmp=${tmp}`] as const),
    ...paths.map((path) => [path.replace(/^[-+]+/, ''), `InaccessiblePaths=${path}`] as const),
  ]);
}

function writableBy(words: (key: string) => readonly string[]): readonly string[] {
  const below = (root: string, key: string) => words(key).map((name) => join(root, name));
  return [
    ...below('/var/lib', 'StateDirectory'),
    ...below('/run', 'RuntimeDirectory'),
    ...below('/var/cache', 'CacheDirectory'),
    ...below('/var/log', 'LogsDirectory'),
    ...words('ReadWritePaths').map((path) => path.replace(/^[-+]+/, '')),
  ];
}

/** `null`: there is none, or it may not be read. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.conf'));
  } catch {
    return [];
  }
}
