/** `logcalld capture`: writes what a PBX sends into a file, exactly as it comes. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createClock } from '../../../adapters/host/clock.ts';
import { onCrash } from '../../../adapters/host/crash.ts';
import { onSignals } from '../../../adapters/host/signals.ts';
import { createSource } from '../../../adapters/index.ts';
import { type Config, type SourceConfig, sourceSecret } from '../../../config/schema.ts';
import { captureHeader, captureLine } from '../../capture/file.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { DEFAULT_CONFIG } from '../../cli/commands.ts';
import { EXIT } from '../../cli/help.ts';
import { events } from '../../events.ts';
import { unitCredentials } from '../check/eyes/service.ts';
import { logOf, secretReader } from '../log.ts';
import { configOf } from '../shell.ts';
import { print } from '../terminal.ts';

export async function capture(invocation: Invocation): Promise<number> {
  const [path = ''] = invocation.arguments;
  // Whoever was killed in the middle of a compressed file would leave one that ends nowhere.
  if (/\.(gz|zst|bz2|xz|zip)$/i.test(path))
    throw new UsageError(
      `${path} would be plain text: name it without, compress it afterwards.`,
      'logcalld capture FILE.jsonl',
    );
  const config = configOf(invocation);
  const log = logOf(config.log);
  const source = oneSource(config, invocation.value('source'));
  const readSecret = secretReader(log, unitCredentials(invocation.value('config') ?? DEFAULT_CONFIG));
  readSecret(sourceSecret(source));
  const clock = createClock();
  const stopWatching = onCrash({ log, clock, exit: () => process.exit(EXIT.software) });
  // Holds numbers and names: for the owner only, and never over another file.
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  await once(file, 'open').catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} cannot be written (${message}): name a new file in a folder that you may write to.`);
  });
  file.write(captureHeader(source.type));
  const startedAt = clock.now();
  let connection = 0;
  let frames = 0;
  let fresh = true;
  const stopped = Promise.withResolvers<void>();
  file.on('error', ({ message }) => {
    stopped.reject(new Error(`${path} cannot be written any more (${message}): make room, then capture again.`));
  });
  const stopListening = onSignals({
    drain: () => stopped.resolve(),
    stopNow: () => process.exit(EXIT.failed),
  });
  const pbx = createSource(source, {
    clock,
    secret: () => readSecret(sourceSecret(source)).reveal(),
    onWarning: (text) => events.warning(log, source.name, text),
    onRaw(raw, receivedAt) {
      if (fresh) connection += 1;
      fresh = false;
      frames += 1;
      file.write(captureLine({ raw, receivedAt, connection }, startedAt));
    },
  });
  pbx.start(
    () => {},
    (status) => {
      if (status.state === 'lost' || status.state === 'refused') fresh = true;
      events.sourceStatus(log, status);
    },
  );
  print(`Writing what ${source.name} sends to ${path}, until Ctrl-C.`);
  await stopped.promise;
  await pbx.stop();
  file.end();
  await once(file, 'close');
  stopListening();
  stopWatching();
  print(`${frames} frames in ${path}. It holds telephone numbers and names as the PBX sends them.`);
  return EXIT.ok;
}

function oneSource(config: Config, name: string | null): SourceConfig {
  const found =
    name === null && config.source.length === 1
      ? config.source[0]
      : config.source.find((source) => source.name === name);
  if (found !== undefined) return found;
  const known = config.source.map((source) => source.name).join(', ');
  throw new UsageError(
    name === null ? 'The config has several sources.' : `The config has no source "${name}".`,
    `--source with one of: ${known}`,
  );
}
