/** A start by root, by hand, must not shut out the user of the service afterwards. */
import { chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { backUp } from '../../../../adapters/sqlite/upkeep/backup.ts';
import { tempFolder } from '../support.ts';

t.setTimeout(120_000);

/** In a folder of the service. */
function place(t: Parameters<typeof tempFolder>[0]): string {
  const folder = tempFolder(t);
  chownSync(folder, 65_534, 65_533);
  return join(folder, 'logcalld.db');
}

/** Files that the service may not use. */
const roots = (path: string): string[] =>
  readdirSync(dirname(path)).filter((name) => statSync(join(dirname(path), name)).uid !== 65_534);

async function opened(t: Pick<Test, 'same'>, path: string): Promise<void> {
  const db = await openDatabase(path);
  t.same(roots(path), []);
  await db.close();
  t.same(roots(path), []);
}

t.test('a new database, and one whose backup takes its place, or for which there is none', async (t) => {
  if (process.getuid?.() !== 0) return t.pass('not root');
  const path = place(t);
  await opened(t, path);
  writeFileSync(path, '');
  await opened(t, path);
  backUp(path, `${path}.monday`, { at: 1_000, replace: false });
  writeFileSync(path, '');
  await opened(t, path);
});

t.test('the copy before a change of the schema', async (t) => {
  if (process.getuid?.() !== 0) return t.pass('not root');
  const path = place(t);
  const old = new URL('../../../fixtures/databases/schema-8.db.gz', import.meta.url);
  writeFileSync(path, gunzipSync(readFileSync(old)));
  chownSync(path, 65_534, 65_533);
  await opened(t, path);
});
