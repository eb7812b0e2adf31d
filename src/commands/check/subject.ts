/** The config that is looked at, with what it names. */
import { loadConfig } from '../../../config/load.ts';
import { ConfigError, type Problem } from '../../../config/problem.ts';
import type { Config } from '../../../config/schema.ts';
import { loadUsers, type UserMapping } from '../../../config/users.ts';
import type { Invocation } from '../../cli/command.ts';
import { readSecrets, type Secrets } from './eyes/secrets.ts';
import type { Eyes } from './eyes/service.ts';
import type { Finding } from './finding.ts';

export interface Subject {
  readonly file: string;
  readonly config: Config;
  /** Of the users file; none where it is wrong. */
  readonly rows: readonly UserMapping[];
  /** What is wrong with it. */
  readonly usersProblem: ConfigError | null;
  readonly eyes: Eyes;
  readonly secrets: Secrets;
  /** Long lists are wanted, too. */
  readonly whole: boolean;
  /** A channel may be placed that rings nobody. */
  readonly probe: boolean;
}

export type Wanted = Pick<Subject, 'whole' | 'probe'>;

/** What the options of the command ask for. */
export const wantedBy = (invocation: Invocation): Wanted => ({
  whole: invocation.flag('all'),
  probe: invocation.flag('probe'),
});

/** Throws `ConfigError` with every problem when the config itself is wrong. */
export function subjectOf(file: string, eyes: Eyes, wanted: Wanted): Subject {
  const config = loadConfig(file, { env: process.env });
  return { file, config, ...usersOf(config), eyes, secrets: readSecrets(config, eyes), ...wanted };
}

function usersOf({ source, leadsquared: { user } }: Config): Pick<Subject, 'rows' | 'usersProblem'> {
  if (user.file === null) return { rows: [], usersProblem: null };
  try {
    const names = source.map(({ name }) => name);
    return { rows: loadUsers(user.file, names), usersProblem: null };
  } catch (error) {
    if (error instanceof ConfigError) return { rows: [], usersProblem: error };
    throw error;
  }
}

/** Each problem as a finding. */
export function problemFindings(about: string, { problems }: ConfigError): Finding[] {
  return problems.map(({ expected, commands, ...problem }) => {
    const typed = commands === undefined ? {} : { commands };
    return { level: 'FAIL', about, text: problemText(problem), expected, ...typed };
  });
}

function problemText({ file, line, key, found, remedy }: Omit<Problem, 'expected'>): string {
  const place = line === null ? file : `${file}:${line}`;
  return `${place}:${key === '' ? '' : ` ${key}:`} found ${found}. ${remedy}`;
}
