/** `logcalld calls show`. */
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { ask } from '../control.ts';
import { print, privacy, timesOf } from '../output.ts';
import { configOf } from '../shell.ts';
import { showCall } from './show.ts';

export async function callsShow(invocation: Invocation, terminal: Terminal): Promise<number> {
  const [id = ''] = invocation.arguments;
  const details = await ask(invocation, terminal, 'call', { id });
  const secrecy = privacy(invocation.flag('numbers'));
  const times = timesOf(invocation.flag('utc'));
  const view = { secrecy, times, width: terminal.size?.columns ?? Number.POSITIVE_INFINITY };
  if (invocation.flag('json')) print(terminal, JSON.stringify(secrecy.value(details)));
  // The channels are named by the config; what the daemon knows is there without it.
  else for (const line of showCall(configOf(invocation), details, view, invocation.flag('body'))) print(terminal, line);
  return EXIT.ok;
}
