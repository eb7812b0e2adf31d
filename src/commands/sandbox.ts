/** `logcalld sandbox`: the stand-in for LeadSquared on its own. */
import { onSignals } from '../../adapters/host/signals.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { type Invocation, UsageError } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { print } from './terminal.ts';

/** Those of `config/users.example.csv`, and the administrator whose keys these are. */
const USERS = [
  ['00000000-0000-4000-8000-000000000001', 'admin@example.com', 'Administrator'],
  ['00000000-0000-4000-8000-000000000002', 'asha@example.com', 'Asha Rao'],
  ['00000000-0000-4000-8000-000000000003', 'vikram@example.com', 'Vikram Shetty'],
  ['6b1f0c9e-2f0b-11ef-9a5e-0242ac120002', 'fatima@example.com', 'Fatima Khan'],
].map(([id = '', email = '', firstName = '']) => ({ id, email, firstName, active: true }));

export async function sandbox(invocation: Invocation): Promise<number> {
  const port = portOf(invocation.value('port'));
  const ledgerFile = invocation.value('ledger');
  const server = await startSandbox({ port, users: USERS, ...(ledgerFile === null ? {} : { ledgerFile }) });
  const stopped = Promise.withResolvers<void>();
  const stopListening = onSignals({
    drain: () => stopped.resolve(),
    stopNow: () => process.exit(EXIT.failed),
  });
  print(`LeadSquared sandbox on ${server.url}, for tests only: it accepts any call log and calls nobody.`);
  print(`  access key  ${server.accessKey}`);
  print(`  secret key  ${server.secretKey}`);
  print(`  users       ${USERS.map(({ email }) => email).join(', ')}`);
  print(`  accepted    GET ${server.url}/sandbox/ledger`);
  print(`  figures     GET ${server.url}/sandbox/stats`);
  print(`  faults      POST ${server.url}/sandbox/faults`);
  print('Ctrl-C ends it.');
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
