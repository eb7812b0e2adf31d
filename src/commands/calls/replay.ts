/** `logcalld replay`: posts stored calls again. */
import type { ReplayAnswer } from '../../../adapters/control/api.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { reachRunning } from '../control.ts';
import { count, length, type Privacy, print, privacy, tell } from '../output.ts';
import { configOf } from '../shell.ts';
import { selectionOf } from './selection.ts';
import { bodyLines } from './show.ts';

export async function replay(invocation: Invocation, terminal: Terminal): Promise<number> {
  const ids = invocation.arguments;
  const selection = selectionOf(invocation, Date.now());
  if (ids.length === 0 && Object.keys(selection).length === 0)
    throw new UsageError('Nothing is selected.', 'logcalld replay --state parked --dry-run');
  const dryRun = invocation.flag('dry-run');
  const force = invocation.flag('force');
  const daemon = await reachRunning(configOf(invocation), 'it is what posts the calls');
  const answer = await daemon.call('replay', {
    ...selection,
    ...(ids.length === 0 ? {} : { ids: [...ids] }),
    force,
    dryRun,
  });
  const secrecy = privacy(invocation.flag('numbers'));
  if (invocation.flag('json')) print(terminal, JSON.stringify(secrecy.value({ dryRun, force, ...answer })));
  else for (const line of report(answer, dryRun, secrecy)) print(terminal, line);
  if (answer.count > 0) return EXIT.ok;
  tell(terminal, hint(answer));
  return EXIT.failed;
}

function report(answer: ReplayAnswer, dryRun: boolean, secrecy: Privacy): readonly string[] {
  const { delivered, skipped, samples, checkedFirst, leftAlone, limit } = answer;
  const total = answer.count;
  const be = dryRun ? 'would be' : 'will be';
  const time = `at ${limit.requests} requests in ${length(limit.windowMs)} about ${length(answer.seconds * 1000)}`;
  return [
    ...(total === 0 ? [] : [`${count(total, 'call')} ${be} posted: ${time}, lookups not counted.`]),
    ...(delivered === 0 ? [] : [`${count(delivered, 'delivered call')} ${be} posted a second time.`]),
    ...(skipped === 0
      ? []
      : [`${skipped} of them ${skipped === 1 ? 'was' : 'were'} skipped by a filter or policy, which judges again.`]),
    ...(checkedFirst === 0
      ? []
      : [`${checkedFirst} of them ${be} looked for in LeadSquared first: an earlier post may have arrived.`]),
    ...Object.entries(leftAlone).map(([reason, number]) => `${count(number, 'call')} left alone: ${reason}.`),
    ...(dryRun ? samples.flatMap((one) => sample(one, secrecy)) : []),
    ...(dryRun && samples.length < total ? ['', `The first ${samples.length} of ${total} are shown.`] : []),
    ...(dryRun && total > 0 ? ['', 'Nothing was posted: this was a dry run.'] : []),
    ...(!dryRun && total > 0 ? ['"logcalld calls" shows what becomes of them.'] : []),
  ];
}

function sample({ sessionId, state, body }: ReplayAnswer['samples'][number], secrecy: Privacy): readonly string[] {
  return ['', `${sessionId}  (${state})`, ...bodyLines(body, secrecy).map((line) => `  ${line}`)];
}

function hint({ leftAlone }: ReplayAnswer): string {
  return Object.keys(leftAlone).length === 0
    ? 'logcalld: No call was selected. Try: logcalld calls list'
    : 'logcalld: No call is posted again: those selected are delivered or on their way.';
}
