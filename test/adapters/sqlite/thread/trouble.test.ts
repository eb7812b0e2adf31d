/** What an operator is told of the trouble of a disk, and what is done about it. */
import { join } from 'node:path';
import t from 'tap';
import { explained, openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { openWith } from '../../../../adapters/sqlite/thread/database.ts';
import { StorageError } from '../../../../adapters/sqlite/thread/errors.ts';
import { migrate } from '../../../../adapters/sqlite/thread/migrate.ts';
import { keepRoom } from '../../../../adapters/sqlite/thread/room.ts';
import { tempFolder } from '../support.ts';
import type { ProbeModules } from './probe-modules.ts';

const REMEDIES: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /no room is left on the file system of \/d; free some space/,
    ['SQLITE_FULL', 'ENOSPC', 'EDQUOT', 'SQLITE_IOERR_SHMSIZE'],
  ],
  [
    /of \/d, refuses to read or write; look at it \(dmesg\)/,
    ['SQLITE_IOERR', 'SQLITE_IOERR_FSYNC', 'SQLITE_IOERR_CORRUPTFS', 'EIO'],
  ],
  [/has no locks/, ['SQLITE_IOERR_LOCK', 'SQLITE_IOERR_RDLOCK', 'SQLITE_IOERR_SHMLOCK']],
  [/the file is damaged/, ['SQLITE_CORRUPT', 'SQLITE_CORRUPT_INDEX']],
];

t.test('a disk that refuses is never told as a damaged file', (t) => {
  for (const [remedy, codes] of REMEDIES)
    for (const code of codes)
      t.match(explained('/d/x.db', Object.assign(new Error('odd'), { code })).message, remedy, code);
  t.end();
});

t.test('trouble of a request is told with its remedy, too', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = await openWith<ProbeModules>(path, new URL('./probe-modules.ts', import.meta.url));
  await db.remote.probe.forbidGrowth();
  const filling = db.remote.probe.run('INSERT INTO taken VALUES (zeroblob(1000000))');
  await t.rejects(filling, {
    code: 'SQLITE_FULL',
    message: /no room is left on the file system of .*; free some space/,
  });
  await t.rejects(db.remote.probe.run('SELEKT'), { message: /^near "SELEKT"/ });
  await db.close();
});

t.test('what is no lack of room is not taken for one, and leaves none of the room taken', (t) => {
  const path = join(tempFolder(t), 'x.db');
  const db = openConnection(path);
  migrate(db);
  db.exec(`CREATE TEMP TRIGGER odd BEFORE INSERT ON delivery_memory WHEN NEW.key = 'room:131072'
    BEGIN SELECT RAISE(ABORT, 'the disk refuses'); END`);
  const room = keepRoom(path, db);
  t.throws(() => room.served(), { message: 'the disk refuses' });
  t.equal(db.prepare("SELECT count(*) FROM delivery_memory WHERE key LIKE 'room:%'").pluck().get(), 0);
  t.doesNotThrow(() => room.admit('journal', 'commit'), 'nothing is told of a full disk');
  db.exec('DROP TRIGGER odd');
  room.full();
  t.doesNotThrow(() => room.admit('journal', 'commit'), 'there is room');
  db.exec("INSERT INTO delivery_memory VALUES ('x', 'y', 0)");
  db.close();
  t.ok(new StorageError('EIO', 'x').trouble === 'io', 'it is tried again');
  t.end();
});
