/** What check-config says of what stands in the database file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openConnection } from '../../../adapters/sqlite/thread/connection.ts';
import { migrate } from '../../../adapters/sqlite/thread/migrate.ts';
import { checkSchema as checked } from '../../../src/commands/check/schema.ts';
import { tempFolder } from '../../adapters/sqlite/support.ts';

/** What keeps the daemon from starting; each time the other stage has nothing to say. */
const checkSchema = (path: string) => checked(path, 'start');

t.test('a database of a later version is refused before the daemon is, and an older one is not', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  t.same(checkSchema(path), [], 'no file yet');
  const db = openConnection(path);
  t.same(checkSchema(path), [], 'an empty file');
  migrate(db);
  t.same(checkSchema(path), []);
  db.pragma('user_version = 3');
  t.same(checkSchema(path), [], 'it is brought up to date at the start');
  db.pragma('user_version = 99');
  t.match(checkSchema(path), [
    {
      level: 'FAIL',
      text: /has schema version 99, but this logcalld knows versions up to/,
    },
  ]);
  db.close();
});

t.test('what is no database, or of another program, is told', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  writeFileSync(path, 'this is not a database, this is not a database');
  t.match(checkSchema(path), [{ level: 'FAIL', text: /not a database/ }]);
  const BetterSqlite3 = (await import('better-sqlite3')).default;
  const foreign = join(tempFolder(t), 'foreign.db');
  new BetterSqlite3(foreign).exec('CREATE TABLE a (b)').close();
  t.match(checkSchema(foreign), [{ level: 'FAIL', text: /is not a database of logcalld/ }]);
});

t.test('damage keeps no daemon from starting: the next start puts it aside', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = openConnection(path);
  migrate(db);
  db.close();
  const bytes = readFileSync(path);
  // The page of the schema, behind the header of the file.
  bytes.fill(0xff, 100, 4096);
  writeFileSync(path, bytes);
  t.same(checkSchema(path), []);
  t.match(checked(path, 'work'), [{ level: 'FAIL', text: /is damaged \(.*\): the next start puts it aside/ }]);
});
