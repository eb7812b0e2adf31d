/** The folder of the daily backups is looked at before the first night. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkBackups } from '../../../src/commands/check/database.ts';
import { tempFolder } from '../../adapters/sqlite/support.ts';

const settings = { enabled: true, at: 210, keep: 2 };

t.test('a folder that is none is told with its remedy', async (t) => {
  const folder = tempFolder(t);
  t.same(checkBackups({ ...settings, folder: null }), []);
  t.same(checkBackups({ ...settings, folder: join(folder, 'none'), enabled: false }), []);
  t.match(checkBackups({ ...settings, folder }), [{ level: 'ok', about: 'daily backup' }]);
  t.match(checkBackups({ ...settings, folder: join(folder, 'none') }), [
    { level: 'FAIL', text: /none does not exist: make it for the user of logcalld .*\[storage\.backup\] folder/ },
  ]);
  writeFileSync(join(folder, 'file'), '');
  t.match(checkBackups({ ...settings, folder: join(folder, 'file') }), [{ level: 'FAIL', text: /is not a folder/ }]);
});
