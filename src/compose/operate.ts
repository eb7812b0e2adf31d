/** `logcalld pause`, `resume` and `reload`: what an operator does to the running daemon. */
import type { Invocation } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { reachRunning } from './control.ts';
import { configOf, print } from './shell.ts';

export async function pause(invocation: Invocation): Promise<number> {
  const daemon = await reachRunning(configOf(invocation), 'so nothing is posted anyway');
  await daemon.call('pause', {});
  print('Posting to LeadSquared is paused until "logcalld resume" or a restart; calls are kept.');
  return EXIT.ok;
}

export async function resume(invocation: Invocation): Promise<number> {
  const daemon = await reachRunning(configOf(invocation), 'so there is nothing to resume');
  await daemon.call('resume', {});
  print('Posting to LeadSquared goes on.');
  return EXIT.ok;
}

export async function reload(invocation: Invocation): Promise<number> {
  const daemon = await reachRunning(configOf(invocation), 'so there is nothing to reload');
  const { circuit, cause } = await daemon.call('retry', {});
  if (circuit === 'closed') {
    print('LeadSquared takes calls; its users were fetched anew.');
    return EXIT.ok;
  }
  print(`LeadSquared does not take calls yet (${circuit}): ${cause ?? 'no reason given'}`);
  return EXIT.failed;
}
