import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findFreeswitch, freeswitchVersion, startFreeswitch } from './freeswitch.ts';

const folder = await mkdtemp(join(tmpdir(), 'logcalld-test-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const program = join(folder, 'freeswitch');
const script = `#!/bin/sh
[ "$1" = -version ] && { echo 'FreeSWITCH version: 0.0.1-none'; exit 0; }
echo 'Cannot Initialize [no such thing]' >&2
exit 3
`;
await writeFile(program, script, { mode: 0o755 });

t.test('the program is the one that is named, else the one on PATH', async (t) => {
  t.equal(findFreeswitch({ PATH: '/nowhere' }), null);
  t.equal(findFreeswitch({ PATH: `/nowhere:${folder}` }), program);
  t.equal(findFreeswitch({ PATH: folder, LOGCALLD_FREESWITCH: '/opt/fs/bin/freeswitch' }), '/opt/fs/bin/freeswitch');
  t.equal(await freeswitchVersion(program), 'FreeSWITCH version: 0.0.1-none');
  await t.rejects(freeswitchVersion('/opt/none/freeswitch'), /freeswitch: \/opt\/none\/freeswitch -version failed/);
});

t.test('one that does not start is told with what it printed', async (t) => {
  const failed = startFreeswitch(program, '');
  await t.rejects(failed, /did not start: the process ended \(status 3\)/);
  await t.rejects(failed, /Cannot Initialize \[no such thing\]/);
});
