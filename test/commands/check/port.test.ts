/** The port for metrics, looked at before a restart meets it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { portFindings } from '../../../src/commands/check/eyes/port.ts';
import { until, world } from '../../cli/world.ts';
import { freePort } from '../../support/daemon.ts';

t.setTimeout(60_000);

t.test('free, taken, or had by the daemon itself', async (t) => {
  const own = await freePort();
  const it = await world(['internal_answered'], {}, `[metrics]\nlisten = '127.0.0.1:${own}'\n`);
  const other = createServer((_request, response) => response.end('process_start_time_seconds 1\n')).listen(
    0,
    '127.0.0.1',
  );
  t.teardown(async () => {
    other.close();
    await it.end();
  });
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const look = (at: number | null) =>
    portFindings({ listen: at === null ? null : { host: '127.0.0.1', port: at } }, it.config);
  t.same(await look(null), []);
  t.match(await look(own), [{ level: 'ok', text: `127.0.0.1:${own} is free` }]);
  const taken = { level: 'warn', text: /cannot be served at .*EADDRINUSE.*set \[metrics\] listen to another port/ };
  t.match(await look(port), [{ ...taken, commands: [`sudo ss -ltnp 'sport = :${port}'`] }]);

  await it.start();
  // To look for it before would take it from the daemon.
  await until(
    () =>
      fetch(`http://127.0.0.1:${own}/livez`).then(
        ({ ok }) => ok,
        () => false,
      ),
    (ok) => ok,
  );
  t.match(await look(port), [taken], 'what the daemon has not is somebody else');
  t.match((await it.run('check-config', '--offline')).out, /^ok +metrics +served by the running logcalld at 127/m);
});
