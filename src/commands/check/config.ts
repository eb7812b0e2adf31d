/** `logcalld check-config`: the config and what it names, then the PBXs and LeadSquared. `logcalld doctor` looks at the rest as well. */
import { refuseStranger } from '../../../adapters/control/access.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { DEFAULT_CONFIG } from '../../cli/commands.ts';
import { EXIT } from '../../cli/help.ts';
import { tell } from '../output.ts';
import { type Check, type Outcome, printFinding, runChecks, type Tell } from './checks.ts';
import { openEyes } from './eyes/service.ts';
import { fileChecks, reachChecks } from './sections.ts';
import { subjectOf, wantedBy } from './subject.ts';

/** Throws `ConfigError` with every problem when the config itself is wrong; what else is wrong is told with the rest. */
export async function checkConfig(invocation: Invocation, terminal: Terminal): Promise<number> {
  if (invocation.flag('offline') && invocation.flag('probe'))
    throw new UsageError('--probe asks the PBX: leave --offline out.', 'logcalld check-config --probe');
  const file = invocation.value('config') ?? DEFAULT_CONFIG;
  const report: Tell = (_, finding) => printFinding(terminal, finding);
  const eyes = openEyes(file);
  if (!eyes.service) refuseStranger(file);
  const subject = subjectOf(file, eyes, wantedBy(invocation));
  const viewed = await runChecks([{ ...VIEW, run: () => subject.eyes.findings }], report);
  const looked = await runChecks(fileChecks(subject), report, viewed);
  if (invocation.flag('offline')) return looked.status;
  if (looked.status === EXIT.config) {
    tell(terminal, 'The PBX and LeadSquared were not tried: correct the above first, then run this again.');
    return EXIT.config;
  }
  const reached: Outcome = await runChecks(
    reachChecks(subject, (text) => tell(terminal, text)),
    report,
    looked,
  );
  return reached.status;
}

/** Whose eyes these are, and how the credentials are kept. */
export const VIEW: Omit<Check, 'run'> = {
  ...{ name: 'user', about: 'user', stage: 'start' },
  otherwise: { commands: ['sudo systemctl edit logcalld'] },
};
