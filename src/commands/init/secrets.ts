/** The secrets: given by files or typed without an echo, made where the PBX has none yet, kept where they are there. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { unreadable } from '../../../adapters/host/unreadable.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import type { Asker } from './ask.ts';
import type { FoundPbx } from './found.ts';
import type { Target } from './place.ts';
import { type Answers, needsPassword, SECRETS } from './text.ts';

export interface Secrets {
  /** By the ids of their credentials. */
  readonly written: ReadonlyMap<string, string>;
  /** What the PBX has to be told; `null`: it lets logcalld in already. */
  readonly forPbx: string | null;
  /** Names of keys that are not there yet. */
  readonly missing: readonly string[];
}

interface SecretParts {
  readonly invocation: Invocation;
  readonly asker: Asker | null;
  readonly next: () => Promise<string>;
  readonly target: Target;
}

export async function secretsFor(parts: SecretParts, answers: Answers, pbx: FoundPbx | null): Promise<Secrets> {
  const written = new Map<string, string>();
  const login = SECRETS[answers.type];
  const own = await pbxSecret(parts, answers, pbx);
  if (own.text !== null) written.set(login, own.text);
  if (needsPassword(answers.records, parts.target)) written.set(SECRETS.records, randomSecret());
  const missing: string[] = [];
  for (const [id, option, what] of KEYS) {
    const key = await keyOf(parts, id, option, what);
    if (key !== null) written.set(id, key);
    else if (!existsSync(parts.target.secretFile(id))) missing.push(id);
  }
  return { written, forPbx: own.tell ? own.text : null, missing };
}

const KEYS = [
  [SECRETS.accessKey, 'access-key-file', 'access key'],
  [SECRETS.secretKey, 'secret-key-file', 'secret key'],
] as const;

/** As long as AMI and the event socket bear, of signs that no file of theirs takes for its own. */
const randomSecret = (): string => randomBytes(24).toString('base64url');

/** `tell`: the PBX does not know it yet. `text` `null`: the one that is there stays. */
async function pbxSecret(
  { invocation, asker, next, target }: SecretParts,
  { type, username }: Answers,
  pbx: FoundPbx | null,
): Promise<{ readonly text: string | null; readonly tell: boolean }> {
  const file = invocation.value('pbx-secret-file');
  if (file !== null) return { text: await secretFrom('pbx-secret-file', file, next), tell: true };
  const login = pbx?.loginOf(username) ?? null;
  if (login !== null) {
    const question = `${login.file} has a ${type === 'asterisk' ? `user ${username}` : 'password'} already. Take that`;
    if (asker === null || (await asker.yes(question, true))) return { text: login.secret, tell: false };
  }
  const there = existsSync(target.secretFile(SECRETS[type]));
  if (asker === null) return there ? { text: null, tell: false } : { text: randomSecret(), tell: true };
  const preset = there ? 'Enter: as it is' : 'Enter: a new random one';
  const what = type === 'asterisk' ? `Secret of the AMI user ${username}` : 'Password of the event socket';
  const typed = await hiddenLine(asker, `${what}, not shown`, preset);
  if (typed !== '') return { text: typed, tell: true };
  return there ? { text: null, tell: false } : { text: randomSecret(), tell: true };
}

async function keyOf(parts: SecretParts, id: string, option: string, what: string): Promise<string | null> {
  const { invocation, asker, next, target } = parts;
  const file = invocation.value(option);
  if (file !== null) {
    const secret = await secretFrom(option, file, next);
    const path = target.secretFile(id);
    const other = existsSync(path) && readFileSync(path, 'utf8').trim() !== secret;
    if (other && asker === null && !invocation.flag('force'))
      throw new UsageError(`${path} holds another ${what}.`, 'logcalld init --force, which keeps a copy of it');
    return secret;
  }
  if (asker === null) return null;
  const preset = existsSync(target.secretFile(id)) ? 'Enter: as it is' : 'Enter: later';
  return (await hiddenLine(asker, `LeadSquared ${what}, not shown`, preset)) || null;
}

const hiddenLine = async (asker: Asker, question: string, preset: string): Promise<string> =>
  (await asker.hidden(question, preset)).replace(/\p{Cc}/gu, '').trim();

function textOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `--${option} ${unreadable(file, error, 'a file with nothing but the secret')}`,
      'logcalld init --help',
    );
  }
}

/** The text of a file that an option names; `-`: a line of the standard input. */
async function secretFrom(option: string, file: string, next: () => Promise<string>): Promise<string> {
  const text = file === '-' ? await next() : textOf(option, file);
  const secret = text.replace(/[\r\n]+$/, '');
  if (secret.trim() === '' || /\p{Cc}/u.test(secret))
    throw new UsageError(
      `--${option} ${file}: holds no secret, or more than one line.`,
      'a file with nothing but the secret, or - for the standard input',
    );
  return secret;
}
