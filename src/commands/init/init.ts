/** `logcalld init`: asks for PBX, LeadSquared and users, writes config and secrets, and says what is left to do. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../../config/problem.ts';
import { loadUsers } from '../../../config/users.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { print } from '../output.ts';
import { type Asker, createAsker } from './ask.ts';
import { findPbxs } from './found.ts';
import { sayNext } from './next.ts';
import { isConfigured, type Target, targetOf, type WrittenFile, writeFiles } from './place.ts';
import { gather } from './questions.ts';
import { secretsFor } from './secrets.ts';
import { configText, USERS } from './text.ts';

const FOLDER = '/etc/logcalld';

export async function init(invocation: Invocation, terminal: Terminal): Promise<number> {
  const target = targetOf(invocation.value('directory') ?? FOLDER);
  const unattended = invocation.flag('yes');
  // With --yes the standard input is left alone, unless a secret comes from there.
  const opened: Asker[] = [];
  const keyboard = (): Asker => {
    if (opened.length === 0) opened.push(createAsker());
    return opened[0] ?? createAsker();
  };
  const say = (line: string): void => print(terminal, line);
  try {
    const asker = unattended ? null : keyboard();
    if (asker !== null)
      say(
        `This writes ${target.config} and the secrets. Enter takes what stands in brackets; Ctrl-C leaves all as it is.`,
      );
    if (!(await mayReplace(target, invocation, asker))) {
      say('Nothing was changed.');
      return EXIT.failed;
    }
    const { answers, pbx } = await gather({ invocation, asker, say, layout: target }, await findPbxs());
    const secrets = await secretsFor({ invocation, asker, next: () => keyboard().next(), target }, answers, pbx);
    const users = await usersFor({ invocation, asker, say, target }, answers.name);
    const files: WrittenFile[] = [
      ...[...secrets.written].map(([id, text]) => ({ path: target.secretFile(id), text: `${text}\n`, secret: true })),
      ...(users === null ? [] : [{ path: join(target.directory, USERS), text: users, secret: false }]),
      { path: target.config, text: configText(answers, target), secret: false },
    ];
    if (asker !== null && !(await asker.yes(`Write ${files.map(({ path }) => path).join(', ')}`, true))) {
      say('Nothing was changed.');
      return EXIT.failed;
    }
    say('');
    for (const line of writeFiles(files, target, stampNow())) say(`Written: ${line}`);
    await sayNext(say, answers, pbx, secrets, target);
    return EXIT.ok;
  } finally {
    for (const one of opened) one.close();
  }
}

const stampNow = (): string => new Date().toISOString().replace(/[-:.]/g, '');

async function mayReplace(target: Target, invocation: Invocation, asker: Asker | null): Promise<boolean> {
  if (!isConfigured(target) || invocation.flag('force')) return true;
  if (asker === null)
    throw new UsageError(`${target.config} is there already.`, 'logcalld init --force, which keeps a copy of it');
  return asker.yes(`${target.config} is there already. Replace it? A copy is kept`, false);
}

const NO_USERS = [
  '# Who is who: which LeadSquared user takes the calls of which extension. See users.example.csv.',
  '# A line for each, e.g. 1001,asha@example.com,,Asha Rao (source: the name of a PBX, or empty for all of them).',
  'extension,user,source,name',
  '',
].join('\n');

interface UserParts {
  readonly invocation: Invocation;
  readonly asker: Asker | null;
  readonly say: (line: string) => void;
  readonly target: Target;
}

/** The text of a users file that is good; `null`: the one that is there stays. */
async function usersFor({ invocation, asker, say, target }: UserParts, source: string): Promise<string | null> {
  const own = join(target.directory, USERS);
  const there = existsSync(own);
  const given = invocation.value('users');
  if (given !== null) {
    loadUsers(given, [source]);
    return resolve(given) === own ? null : readFileSync(given, 'utf8');
  }
  for (;;) {
    const preset = there ? own : 'a new one, to be filled';
    const answer =
      asker === null ? preset : await asker.line('Users file: CSV with the columns extension,user', preset);
    if (answer === preset || resolve(answer) === own) return there ? null : NO_USERS;
    if (!existsSync(answer)) {
      say(`  There is no file ${answer}.`);
      continue;
    }
    try {
      loadUsers(answer, [source]);
      return readFileSync(answer, 'utf8');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      say(error.message);
    }
  }
}
