/** The place of the database, as the daemon will find it. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { checkDatabase } from '../../../src/commands/check/database.ts';

t.test('a lock that the daemon cannot take is told before it starts', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-place-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'x.db');
  t.match(checkDatabase(path), { level: 'ok', text: /made at the first start/ });
  writeFileSync(path, '');
  writeFileSync(`${path}.lock`, '');
  t.match(checkDatabase(path), { level: 'ok' });
  rmSync(`${path}.lock`);
  // Root may write all files; not one that leads nowhere.
  symlinkSync('x.db.lock', `${path}.lock`);
  t.match(checkDatabase(path), {
    level: 'FAIL',
    text: /x\.db\.lock, so .* "sudo chown --reference=.*x\.db .*x\.db\.lock"/,
  });
  // The lock is that of the file itself.
  symlinkSync('x.db', join(folder, 'link.db'));
  t.match(checkDatabase(join(folder, 'link.db')), { level: 'FAIL' });
  t.end();
});
