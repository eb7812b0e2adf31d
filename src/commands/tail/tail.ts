/** `logcalld tail`: calls as they arrive. */
import { ControlError } from '../../../adapters/control/refusal.ts';
import type { TailLine } from '../../../adapters/control/stream.ts';
import { onSignals } from '../../../adapters/host/signals.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { endOf } from '../calls/selection.ts';
import { reach, reachRunning } from '../control.ts';
import { print, privacy, tell } from '../output.ts';
import { refuseUnknownSource } from '../records/sources.ts';
import { configOf } from '../shell.ts';
import { type Shown, tailLines, writer } from './lines.ts';

/** A daemon that went away is looked for so often, ms. */
const AGAIN_MS = 500;

export async function tail(invocation: Invocation, terminal: Terminal): Promise<number> {
  const config = configOf(invocation);
  await refuseUnknownSource(invocation);
  const secrecy = privacy(invocation.flag('numbers'));
  const number = invocation.value('number');
  const wanted = { number: number === null ? null : endOf(number), agent: invocation.value('agent') };
  const asObject = (shown: Shown): readonly string[] => [JSON.stringify(secrecy.value(shown))];
  const write = invocation.flag('json') ? asObject : writer(secrecy, config.source.length > 1);
  const source = invocation.value('source');
  const query = { raw: invocation.flag('raw'), ...(source === null ? {} : { source }) };

  const ending = new AbortController();
  const end = (): void => ending.abort();
  const stopListening = onSignals({ drain: end, stopNow: end });
  const { signal } = ending;
  try {
    let daemon = await reachRunning(config, 'only it hears calls as they arrive');
    for (;;) {
      const lines = tailLines(config, wanted, secrecy, write);
      await daemon.follow(
        'tail',
        query,
        (text) => {
          // Written by a daemon of the same version.
          for (const line of lines(JSON.parse(text) as TailLine)) print(terminal, line);
          if (terminal.gone === true) end();
        },
        signal,
      );
      if (signal.aborted) return EXIT.ok;
      tell(terminal, 'logcalld ended; waiting for it to come back (Ctrl-C ends this) ...');
      const back = await comesBack(() => reach(config), signal);
      if (back === null) return EXIT.ok;
      tell(terminal, 'logcalld is back. What it took in meanwhile is in "logcalld calls".');
      daemon = back;
    }
  } finally {
    stopListening();
  }
}

/** `null`: the command was ended first. */
async function comesBack<T>(look: () => Promise<T | null>, signal: AbortSignal): Promise<T | null> {
  while (!signal.aborted) {
    await pause(signal);
    if (signal.aborted) break;
    try {
      const found = await look();
      if (found !== null) return found;
    } catch (error) {
      // It is still starting.
      if (!(error instanceof ControlError && error.status === 503)) throw error;
    }
  }
  return null;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, AGAIN_MS);
    signal.addEventListener('abort', done);
  });
}
