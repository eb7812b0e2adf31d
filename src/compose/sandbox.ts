/** `logcalld sandbox`: the stand-in for LeadSquared on its own. */
import { onSignals } from '../../adapters/host/signals.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox.ts';
import { type Invocation, UsageError } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { print } from './shell.ts';

export async function sandbox(invocation: Invocation): Promise<number> {
  const port = portOf(invocation.value('port'));
  const ledgerFile = invocation.value('ledger');
  const server = await startSandbox({ port, ...(ledgerFile === null ? {} : { ledgerFile }) });
  const stopped = Promise.withResolvers<void>();
  const stopListening = onSignals({
    drain: () => stopped.resolve(),
    stopNow: () => process.exit(EXIT.failed),
    reload: () => {},
  });
  print(`LeadSquared sandbox on ${server.url}, for tests only: it accepts any call log and calls nobody.`);
  print(`  access key  ${server.accessKey}`);
  print(`  secret key  ${server.secretKey}`);
  print(
    `  accepted    GET ${server.url}/sandbox/ledger    figures  GET ${server.url}/sandbox/stats    faults  POST ${server.url}/sandbox/faults`,
  );
  await stopped.promise;
  const calls = server.ledger.calls().length;
  print(`${calls} call logs accepted, at most ${server.worstWindow()} requests in any 5 s.`);
  await server.close();
  stopListening();
  return EXIT.ok;
}

function portOf(text: string | null): number {
  if (text === null) return 0;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`--port ${text} is no TCP port.`, '--port 8480');
}
