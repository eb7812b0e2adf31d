/** `logcalld pause`, `resume`, `reload` and `acknowledge`: what an operator does to the running daemon. */
import type { Replies } from '../../adapters/control/api.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { isUp } from '../delivery/health/standing.ts';
import { reachRunning } from './control.ts';
import { count, print, STANDINGS, told } from './output.ts';
import { placeOf } from './place.ts';

export async function pause(invocation: Invocation, terminal: Terminal): Promise<number> {
  const daemon = await reachRunning(await placeOf(invocation), 'so nothing is posted anyway');
  await daemon.call('pause', {});
  print(terminal, 'Posting to LeadSquared is paused until "logcalld resume" or a restart; calls are kept.');
  return EXIT.ok;
}

export async function resume(invocation: Invocation, terminal: Terminal): Promise<number> {
  const daemon = await reachRunning(await placeOf(invocation), 'so there is nothing to resume');
  await daemon.call('resume', {});
  print(terminal, 'Posting to LeadSquared goes on.');
  return EXIT.ok;
}

export async function reload(invocation: Invocation, terminal: Terminal): Promise<number> {
  const daemon = await reachRunning(await placeOf(invocation), 'so there is nothing to reload');
  const { standing, cause, users } = await daemon.call('retry', {});
  if (isUp(standing)) {
    const stale = 'but its users could not be fetched anew: those known before are used. "logcalld status" says why.';
    print(terminal, `LeadSquared takes calls${users ? '; its users were fetched anew.' : `, ${stale}`}`);
    return users ? EXIT.ok : EXIT.failed;
  }
  print(terminal, `LeadSquared does not take calls yet (${STANDINGS[standing]}): ${told(cause)}`);
  return EXIT.failed;
}

export async function acknowledge(invocation: Invocation, terminal: Terminal): Promise<number> {
  const daemon = await reachRunning(await placeOf(invocation), 'it is what keeps these notes');
  for (const line of noted(await daemon.call('acknowledge', {}))) print(terminal, line);
  return EXIT.ok;
}

function noted({ notices, parked }: Replies['acknowledge']): readonly string[] {
  if (notices === 0 && parked.length === 0) return ['There was nothing to take note of.'];
  const calls = parked.reduce((sum, { fresh }) => sum + fresh, 0);
  const each = parked.map(({ code, fresh }) => `${fresh} ${code}`).join(', ');
  return [
    ...(notices === 0
      ? []
      : [
          `Noted: what happened to the database (${count(notices, 'note')}). status tells it no more; the log keeps it.`,
        ]),
    ...(calls === 0
      ? []
      : [
          `Noted: ${count(calls, 'parked call')} (${each}). status counts only later ones as a fault.`,
          `They stay parked, and are not in LeadSquared: "logcalld replay --state parked" sends them again.`,
        ]),
  ];
}
