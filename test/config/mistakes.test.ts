/** What people write into the config by mistake: told with the place and the remedy, and never read as something else. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { ConfigError, type Problem } from '../../config/problem.ts';
import { type Config, sourceSecret } from '../../config/schema.ts';
import { shortFolder } from '../support/folder.ts';

const PBX = "[[source]]\ntype = 'asterisk'\nname = 'pbx1'\nusername = 'logcalld'\n";
const CRM = "[leadsquared]\nhost = 'api-in21.leadsquared.com'\n";
const FILE = '/etc/logcalld/logcalld.toml';

/** A good config with more below the source and below all. */
const config = (below: string, ofSource = ''): Config => parseConfig(`${PBX}${ofSource}${CRM}${below}`, FILE);

function problemsOf(load: () => unknown): readonly Problem[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

t.test('a field of the body whose name ends like that of a file keeps its text', async (t) => {
  const { extra } = config("[leadsquared.body.extra]\nmx_recording_file = '{file}'\npath = 'x {path}'\n").leadsquared
    .body;
  t.same(extra, { mx_recording_file: '{file}', path: 'x {path}' });
});

t.test('blanks around a file name are no part of it', async (t) => {
  const { source, storage } = config("[storage]\npath = ' calls.db '\n", "secret_file = ' /etc/x '\n");
  t.same(
    source.map(sourceSecret).map(({ file }) => file),
    ['/etc/x'],
  );
  t.equal(storage.path, '/etc/logcalld/calls.db');
});

t.test(
  'a folder in place of the config is told with the file that is meant, and is given no other rights',
  async (t) => {
    const folder = shortFolder(t, { trial: { 'logcalld.toml': '' } });
    for (const [path, remedy] of [
      [join(folder, 'trial'), `Name the file in it, e.g. --config ${join(folder, 'trial/logcalld.toml')}.`],
      [join(folder, 'trial/logcalld.toml/x'), 'Make it with "logcalld init", or name another file with --config.'],
    ] as const) {
      const [problem] = problemsOf(() => loadConfig(path));
      t.same([problem?.remedy, problem?.commands], [remedy, undefined], path);
    }
  },
);

t.test('a file in UTF-16, as Windows saves it, is called that', async (t) => {
  const folder = shortFolder(t, { 'x.toml': '' });
  for (const text of [`\ufeff${PBX}${CRM}`, `${PBX}${CRM}`]) {
    writeFileSync(join(folder, 'x.toml'), text, 'utf16le');
    t.throws(() => loadConfig(join(folder, 'x.toml')), {
      message: /found UTF-16, .*expected UTF-8\. Save it as UTF-8/,
    });
  }
});
