/** `doctor --support FILE`: all that helps to find a fault from afar, in one text, without secrets and whole numbers. */
import { closeSync, fchmodSync, fchownSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { parse, stringify } from 'smol-toml';
import type { StatusReply } from '../../../adapters/control/api.ts';
import { allKeys } from '../../../config/keys.ts';
import { isTable } from '../../../config/problem.ts';
import { FREE_TABLES } from '../../../config/read.ts';
import { configSchema, SECRET_KEYS } from '../../../config/schema.ts';
import { VERSION } from '../../daemon/version.ts';
import { Redactor, Secret, withoutLogins } from '../../secret.ts';
import { maskText } from '../../telephony/mask.ts';
import type { Machine } from './machine.ts';

/** Opened at once, while this process may write where it is wanted. */
export interface Bundle {
  readonly path: string;
  write(text: string): void;
  /** Nothing more will be written. Where this process may no longer take an empty file away, the file says why it is there. */
  discard(why: string): void;
}

/** Never over another file: what a folder already has may be somebody's. Throws an Error of one sentence. */
export function openBundle(path: string, env: NodeJS.ProcessEnv = process.env): Bundle {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written (${code})`;
    throw new Error(`${path} ${why}: name a new file in a folder that you may write to.`);
  }
  fchmodSync(file, 0o600);
  // Who used sudo is to be able to send it.
  const [uid, gid] = [Number(env.SUDO_UID), Number(env.SUDO_GID)];
  if (process.geteuid?.() === 0 && uid > 0 && gid > 0) fchownSync(file, uid, gid);
  let written = false;
  return {
    path,
    write(text) {
      written = true;
      writeSync(file, text);
      closeSync(file);
    },
    discard(why) {
      if (written) return;
      try {
        rmSync(path);
      } catch {
        writeSync(file, `${why}\n`);
      }
      closeSync(file);
    },
  };
}

export interface BundleParts {
  readonly at: number;
  readonly system: string;
  readonly user: string;
  readonly findings: readonly string[];
  readonly machine: Machine;
  /** The config, and the files of the unit. */
  readonly config: string;
  readonly unitFiles: readonly string[];
  readonly status: StatusReply | null;
  /** The last lines of the log. */
  readonly log: string | null;
  readonly secrets: readonly string[];
}

export function bundleText(parts: BundleParts): string {
  const { at, system, user, findings, machine, config, unitFiles, status, log, secrets } = parts;
  const sections: [title: string, text: string][] = [
    [
      'versions',
      `logcalld ${VERSION}, Node ${process.version}, ${system}\n${new Date(at).toISOString()}, looked at as ${user}`,
    ],
    ['findings', findings.join('\n')],
    ['service', [...(machine.unit ?? [])].map(([name, value]) => `${name}=${value}`).join('\n')],
    ['status', status === null ? '' : JSON.stringify(summary(status), timesAsText, 2)],
    [`config ${config}, comments left out`, configText(config)],
    ...unitFiles.map((file): [string, string] => [`unit ${file}`, unitText(file)]),
    ['log, the last lines', log ?? ''],
  ];
  const body = sections.map(([title, text]) => `== ${title} ==\n${text === '' ? '(nothing)' : text}\n`).join('\n');
  return `${HEAD}\n\n${cleaned(body, secrets)}`;
}

const HEAD =
  'Report of "logcalld doctor --support". Secrets are left out, telephone numbers and e-mail addresses are cut.\nLook through it before you send it.';

/** What goes on is counted, not shown: it has names of callers. */
function summary({ live, delivery, ...rest }: StatusReply): unknown {
  return { ...rest, live: live.length, delivery };
}

/** Times in ms would be taken for telephone numbers. */
function timesAsText(_key: string, value: unknown): unknown {
  const isTime = typeof value === 'number' && Number.isInteger(value) && value > 1e12 && value < 1e13;
  return isTime ? new Date(value).toISOString() : value;
}

const KNOWN_KEYS = new Set(allKeys(configSchema).flatMap((path) => path.split(/\.|\(\w[\w-]*\)\.?/)));

/** Written anew from what it says, so that nothing in a comment comes along. */
function configText(file: string): string {
  try {
    return stringify(withoutSecrets(parse(readFileSync(file, 'utf8'))));
  } catch {
    return '(cannot be read, or is no TOML: see the findings)';
  }
}

/** A key that nobody knows may be a misspelt one of a secret. */
function withoutSecrets(value: unknown, key = ''): unknown {
  if (SECRET_KEYS.has(key)) return '[secret]';
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, key));
  if (!isTable(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const known = FREE_TABLES.has(key) || KNOWN_KEYS.has(name);
      return [name, known ? withoutSecrets(inner, name) : '[left out, as the key is unknown]'];
    }),
  );
}

function unitText(file: string): string {
  try {
    // Both may hold secrets themselves.
    return readFileSync(file, 'utf8').replace(
      /^\s*(SetCredential(?:Encrypted)?|Environment)\s*=(?:.*\\\n)*.*$/gm,
      '$1=[left out]',
    );
  } catch {
    return '(cannot be read)';
  }
}

/** `agent@example.com` to `a***@example.com`. */
const ADDRESS = /([\p{L}\p{N}])[\p{L}\p{N}._%+-]*@(?=[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)/gu;
function cleaned(text: string, secrets: readonly string[]): string {
  const redactor = new Redactor(secrets.map((secret) => new Secret(secret)));
  return maskText(withoutLogins(redactor.redact(text)).replace(ADDRESS, '$1***@'));
}
