/** Options of `init` that say nothing where they stand, files that are none, and secrets that mean something to the PBX. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findPbxs } from '../../../src/commands/init/found.ts';
import { eventSocketLines, managerLines } from '../../../src/commands/init/pasted.ts';
import { command } from '../../cli/world.ts';
import { shortFolder } from '../../support/folder.ts';

/** No unit, whatever the machine has. */
process.env.SYSTEMD_UNIT_PATH = '/nowhere';

t.test('options of AMI are none of the event socket', async (t) => {
  const place = join(shortFolder(t), 'place');
  const init = (...words: string[]) =>
    command('init', '--directory', place, '--yes', '--leadsquared-host', 'api.leadsquared.com', ...words);
  for (const words of [['--tls'], ['--username', 'crm']] as const) {
    const { code, error } = await init('--freeswitch', '127.0.0.1', ...words);
    t.equal(code, 2, words[0]);
    t.match(error, new RegExp(`${words[0]} is for AMI`), words[0]);
  }
  t.notOk(existsSync(place), 'nothing is written');
});

t.test('a file of a secret that is none says what it is', async (t) => {
  const folder = shortFolder(t, { keys: { blank: ' \n' } });
  const words = ['init', '--directory', join(folder, 'place'), '--yes', '--asterisk', '127.0.0.1:15038'];
  for (const [file, message] of [
    [join(folder, 'none'), /--access-key-file \S+none: does not exist/],
    [join(folder, 'keys'), /--access-key-file \S+keys: is a folder/],
    [join(folder, 'keys/blank'), /--access-key-file \S+blank: holds no secret/],
  ] as const) {
    const more = ['--leadsquared-host', 'api.leadsquared.com', '--access-key-file', file];
    const { code, error } = await command(...words, ...more);
    t.equal(code, 2, file);
    t.match(error, message);
  }
});

t.test('a secret with a sign that ends it on the PBX is written so that the PBX reads it whole', async (t) => {
  t.match(managerLines('u', 'a;b', '127.0.0.1').join('\n'), 'secret = a\\;b\n');
  t.match(eventSocketLines('a<b>&"c').join('\n'), 'value="a&lt;b&gt;&amp;&quot;c"/>');
  const root = shortFolder(t, { etc: { asterisk: { 'manager.conf': '[u]\nsecret = a\\;b ; ours\n' } } });
  const [found] = await findPbxs({ root, listens: async () => false });
  t.equal(found?.loginOf('u')?.secret, 'a;b', 'and is read so');
});
