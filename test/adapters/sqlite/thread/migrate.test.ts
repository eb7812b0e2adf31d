import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { callsModule } from '../../../../adapters/sqlite/sessions/calls.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { loadMigrations, migrate, schemaVersion } from '../../../../adapters/sqlite/thread/migrate.ts';
import { userModule } from '../../../../adapters/sqlite/users.ts';
import { SNAPSHOT, snapshot, versions } from '../../../fixtures/databases/schema.ts';
import { tempFolder } from '../support.ts';

const STEPS = [
  { version: 1, name: '0001-a.sql', sql: 'CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);' },
  { version: 2, name: '0002-b.sql', sql: 'ALTER TABLE a ADD COLUMN y TEXT; UPDATE a SET y = x + 1;' },
  { version: 3, name: '0003-c.sql', sql: 'CREATE TABLE c (z TEXT) STRICT;' },
];

t.test('every version reaches the last one, running only what is missing', async (t) => {
  for (const start of [0, 1, 2, 3]) {
    const db = openConnection(':memory:');
    migrate(db, STEPS.slice(0, start));
    t.equal(schemaVersion(db), start);
    t.same(
      migrate(db, STEPS),
      STEPS.slice(start).map(({ name }) => name),
    );
    t.equal(schemaVersion(db), 3);
    t.same(db.prepare('SELECT x, y FROM a').all(), [{ x: 1, y: '2' }]);
    db.close();
  }
});

t.test('a migration that fails leaves the version before it, whole', async (t) => {
  const db = openConnection(':memory:');
  const broken = [
    ...STEPS.slice(0, 1),
    { version: 2, name: '0002-x.sql', sql: 'DROP TABLE a; SELECT * FROM nowhere;' },
  ];
  t.throws(() => migrate(db, broken), { code: 'SCHEMA_MIGRATION', message: /0002-x\.sql.*no such table.*version 1/ });
  t.equal(schemaVersion(db), 1);
  t.same(db.prepare('SELECT x FROM a').all(), [{ x: 1 }]);
  migrate(db, STEPS);
  t.equal(schemaVersion(db), 3);
});

t.test('a database newer than the program is refused and left alone', async (t) => {
  const path = join(tempFolder(t), 'logcalld.db');
  await (await openDatabase(path)).close();
  const db = openConnection(path);
  const known = schemaVersion(db);
  db.pragma('user_version = 99');
  db.close();
  await t.rejects(openDatabase(path), {
    code: 'SCHEMA_NEWER',
    message: `The database ${path} has schema version 99, but this logcalld knows versions up to ${known}: `,
  });
  const again = openConnection(path);
  t.equal(schemaVersion(again), 99);
  again.close();
});

t.test('extensions seen before tenants were told apart stay known', async (t) => {
  const db = openConnection(':memory:');
  migrate(db, loadMigrations().slice(0, 2));
  db.prepare("INSERT INTO extension_seen VALUES ('1001', 3, 50, NULL), ('1002', 4, 60, 'u')").run();
  migrate(db);
  t.same(userModule(db).missing({}), [{ extension: '1001', domain: null, calls: 3, lastAt: 50 }]);
  t.match(callsModule(db).extensions(), [{ extension: '1002', calls: 4, lastAt: 60 }, { extension: '1001' }]);
  db.close();
});

t.test('the files of the program are numbered without gaps', async (t) => {
  const own = loadMigrations();
  t.equal(own[0]?.name, '0001-journal.sql');
  t.same(
    own.map(({ version }) => version),
    own.map((_, index) => index + 1),
  );

  const folder = join(tempFolder(t), 'migrations');
  const url = pathToFileURL(`${folder}/`);
  t.throws(() => loadMigrations(url), { code: 'SCHEMA_MIGRATIONS', message: /cannot be read: install/ });
  mkdirSync(folder);
  t.same(loadMigrations(url), []);
  writeFileSync(join(folder, '0001-a.sql'), 'SELECT 1');
  writeFileSync(join(folder, 'README.md'), 'not a migration');
  t.match(loadMigrations(url), [{ version: 1, name: '0001-a.sql', sql: 'SELECT 1' }]);
  writeFileSync(join(folder, '0003-c.sql'), 'SELECT 3');
  t.throws(() => loadMigrations(url), { message: /Migration 2 is missing.*0003-c\.sql/ });
  writeFileSync(join(folder, '0002-b.sql'), 'SELECT 2');
  writeFileSync(join(folder, '0002-double.sql'), 'SELECT 2');
  t.throws(() => loadMigrations(url), { message: /0002-double\.sql/ });
});

t.test(
  'the schema is the one that was written down, and of each one that was in use there is a database',
  async (t) => {
    t.equal(
      readFileSync(SNAPSHOT, 'utf8'),
      snapshot(),
      'if the change is meant, run: node test/fixtures/databases/schema.ts',
    );
    // Version 1 was never used without version 2. What a release has is added by make.ts, which `npm run release` asks for.
    for (const version of [2, 3, 4, 5, 6, 7, 8]) t.ok(versions.includes(version), `schema ${version}`);
  },
);
