/** Where an installation, or a trial, has its files: written with the right owners and modes, nothing lost of what was there. */
import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Account, accountOf } from '../../../adapters/host/service/account.ts';
import { readUnit, type Unit } from '../../../adapters/host/service/unit.ts';
import { type Here, hereOf } from '../here/here.ts';
import { CONFIG, CREDENTIALS, type Layout } from './text.ts';

export interface Target extends Layout {
  readonly directory: string;
  readonly config: string;
  readonly here: Here;
  /** Of the service; `null`: a trial, of who runs the command. */
  readonly account: Account | null;
  /** Where a secret lies, by the id of its credential. */
  secretFile(id: string): string;
}

/** Throws an Error of one sentence when this user may not write there. */
export function targetOf(directory: string, env: Readonly<Record<string, string | undefined>> = process.env): Target {
  const folder = resolve(directory);
  const config = join(folder, CONFIG);
  const unit = readUnit(env);
  const installed = unit !== null && unit.config === config;
  if (installed && process.geteuid?.() !== 0)
    throw new Error(
      `${config} belongs to the service: sudo logcalld init. For a trial name a folder of your own with --directory.`,
    );
  const secretFile = (id: string): string =>
    (installed ? credentialOf(unit, id) : null) ?? join(folder, CREDENTIALS, id);
  return {
    directory: folder,
    config,
    here: hereOf(config, env),
    installed,
    account: installed ? accountOf(unit.user) : null,
    secretFile,
  };
}

const credentialOf = (unit: Unit, id: string): string | null => unit.credentials.get(id)?.path ?? null;

/** Is there a config that somebody wrote? The example, as the installer puts it there, is none. */
export function isConfigured({ config, directory }: Target): boolean {
  if (!existsSync(config)) return false;
  const example = join(directory, 'logcalld.example.toml');
  return !(existsSync(example) && readFileSync(example).equals(readFileSync(config)));
}

export interface WrittenFile {
  readonly path: string;
  readonly text: string;
  /** For the eyes of root, or of who runs a trial, alone. */
  readonly secret: boolean;
}

/** In this order, each whole or not at all. Answers a line for each. `stamp`: names the copies of what is replaced. */
export function writeFiles(files: readonly WrittenFile[], target: Target, stamp: string): string[] {
  mkdirSync(target.directory, { recursive: true });
  return files.flatMap((file) => {
    if (file.secret) makeForOne(dirname(file.path));
    return writeFile(file, target, stamp);
  });
}

function makeForOne(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
}

function writeFile({ path, text, secret }: WrittenFile, target: Target, stamp: string): string[] {
  const { account } = target;
  const mode = secret ? 0o600 : 0o640;
  const before = existsSync(path) ? readFileSync(path, 'utf8') : null;
  const worth = before !== null && before !== text && (path !== target.config || isConfigured(target));
  const kept = worth ? keep(path, stamp) : null;
  const fresh = `${path}.new`;
  // What was left there, or put there by another, is neither written into nor followed.
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { flag: 'wx', mode: 0o600, flush: true });
  if (account !== null) chownSync(fresh, 0, secret ? 0 : account.gid);
  chmodSync(fresh, mode);
  renameSync(fresh, path);
  const copy = kept === null ? '' : `, the one before is ${kept}`;
  return [`${path}  (mode ${mode.toString(8)}${copy})`];
}

function keep(path: string, stamp: string): string {
  const copy = `${path}.before-${stamp}`;
  const { mode, uid, gid } = statSync(path);
  copyFileSync(path, copy, constants.COPYFILE_EXCL);
  chmodSync(copy, mode & 0o777);
  if (process.geteuid?.() === 0) chownSync(copy, uid, gid);
  return copy;
}
