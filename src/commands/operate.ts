/** `logcalld pause`, `resume`, `reload` and `acknowledge`: what an operator does to the running daemon. */
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { reachRunning } from './control.ts';
import { print } from './output.ts';
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
  const { circuit, cause } = await daemon.call('retry', {});
  if (circuit === 'closed') {
    print(terminal, 'LeadSquared takes calls; its users were fetched anew.');
    return EXIT.ok;
  }
  print(terminal, `LeadSquared does not take calls yet (${circuit}): ${cause ?? 'no reason given'}`);
  return EXIT.failed;
}

export async function acknowledge(invocation: Invocation, terminal: Terminal): Promise<number> {
  const daemon = await reachRunning(await placeOf(invocation), 'it is what keeps these notes');
  const { count } = await daemon.call('acknowledge', {});
  print(
    terminal,
    count === 0 ? 'There was nothing to take note of.' : 'Noted: status tells it no more. The log keeps it.',
  );
  return EXIT.ok;
}
