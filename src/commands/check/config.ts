/** `logcalld check-config`: the config and what it names, then the PBXs and LeadSquared. `logcalld doctor` looks at the rest as well. */
import { loadConfig } from '../../../config/load.ts';
import { loadUsers } from '../../../config/users.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { DEFAULT_CONFIG } from '../../cli/commands.ts';
import { EXIT } from '../../cli/help.ts';
import { tell } from '../output.ts';
import { type Outcome, printFinding, runChecks, type Tell } from './checks.ts';
import { readSecrets } from './eyes/secrets.ts';
import { openEyes } from './eyes/service.ts';
import { fileChecks, reachChecks, type Subject } from './sections.ts';

/** Throws `ConfigError` with every problem when the config or the users file is wrong. */
export async function checkConfig(invocation: Invocation, terminal: Terminal): Promise<number> {
  const file = invocation.value('config') ?? DEFAULT_CONFIG;
  const report: Tell = (_, finding) => printFinding(terminal, finding);
  const eyes = openEyes(file);
  const config = loadConfig(file, { env: process.env });
  const users = config.leadsquared.user.file;
  const names = config.source.map(({ name }) => name);
  const rows = users === null ? [] : loadUsers(users, names);
  const subject: Subject = {
    file,
    config,
    rows,
    eyes,
    secrets: readSecrets(config, eyes),
    whole: invocation.flag('all'),
  };
  const viewed = await runChecks([{ ...VIEW, run: () => eyes.findings }], report);
  const looked = await runChecks(fileChecks(subject), report, viewed);
  if (invocation.flag('offline')) return looked.status;
  if (looked.status === EXIT.config) {
    tell(terminal, 'The PBX and LeadSquared were not tried: correct the above first, then run this again.');
    return EXIT.config;
  }
  const reached: Outcome = await runChecks(reachChecks(subject), report, looked);
  return reached.status;
}

/** Whose eyes these are, and how the credentials are kept. */
export const VIEW = { name: 'user', about: 'user', stage: 'start' } as const;
