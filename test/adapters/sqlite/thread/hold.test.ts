import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { heldBy, holdDatabase } from '../../../../adapters/sqlite/thread/hold.ts';
import { type Holder, holderText } from '../../../../adapters/sqlite/thread/holder.ts';
import { networkOf, refuseNetwork } from '../../../../adapters/sqlite/thread/network.ts';
import { tempFolder } from '../support.ts';

const HOLDER: Holder = { pid: 412, since: 0, host: 'pbx1', version: '1.2.3', socket: '/run/x/control.sock' };

t.test('whoever writes a database is named to the next, and gives it back whole', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  t.same(heldBy(path), { held: false }, 'before there is a file');
  const first = await openDatabase(path, { holder: HOLDER });
  t.same(heldBy(path), { held: true, holder: HOLDER });
  const refused = openDatabase(path, { holder: { ...HOLDER, pid: 413 } });
  await t.rejects(refused, {
    code: 'DATABASE_HELD',
    trouble: 'unusable',
    message:
      /x\.db is in use by logcalld 1\.2\.3, pid 412 on pbx1, since .* \(control socket \/run\/x\/control\.sock\): end it/,
  });
  t.same(heldBy(path), { held: true, holder: HOLDER }, 'the refused one changed nothing');
  await first.remote.journal.alive();
  t.equal(statSync(`${path}.lock`).size, 0, 'nothing is written into the lock');
  await first.close();
  t.same(heldBy(path), { held: false });
  t.notOk(existsSync(`${path}.holder`));
  await (await openDatabase(path)).close();
});

t.test('all names of a file are one database', async (t) => {
  const folder = tempFolder(t);
  const real = join(folder, 'real');
  mkdirSync(real);
  const inFolder = join(folder, 'folder');
  symlinkSync('real', inFolder);
  const link = join(folder, 'link.db');
  symlinkSync('folder/x.db', link);
  // The target of the link is not there yet.
  const release = holdDatabase(link, HOLDER);
  const others = [join(real, 'x.db'), join(inFolder, 'x.db'), join(folder, 'real/../folder/./x.db'), link];
  for (const other of others) {
    t.ok(heldBy(other).held, other);
    t.throws(() => holdDatabase(other, null), { code: 'DATABASE_HELD' }, other);
  }
  release();
  for (const other of others) t.notOk(heldBy(other).held);
});

t.test('what a killed program left is not believed, and what cannot be read is not invented', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  writeFileSync(path, '');
  writeFileSync(`${path}.lock`, '');
  writeFileSync(`${path}.holder`, JSON.stringify(HOLDER));
  t.same(heldBy(path), { held: false });
  const release = holdDatabase(path, null);
  t.same(heldBy(path), { held: true, holder: null }, 'the new holder did not say who it is');
  writeFileSync(`${path}.holder`, '{"pid":');
  t.same(heldBy(path), { held: true, holder: null });
  t.throws(() => holdDatabase(path, null), { message: /in use by another logcalld: end it, or set another/ });
  release();
});

t.test('a database that cannot be opened is given back', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  writeFileSync(path, 'this is no database, it only looks like a file of some length\n'.repeat(20));
  await t.rejects(openDatabase(path, { holder: HOLDER }), { code: 'SQLITE_NOTADB' });
  t.same(heldBy(path), { held: false });
  t.match(readFileSync(path, 'utf8'), /^this is no database/);
});

t.test('where there can be no lock, one sentence says so', async (t) => {
  const folder = tempFolder(t);
  const path = join(folder, 'x.db');
  mkdirSync(`${path}.lock`);
  t.throws(() => holdDatabase(path, null), { message: /Cannot use the database .*x\.db\.lock: / });
  t.throws(() => holdDatabase(folder, null), { code: 'EISDIR', message: /is a directory/ });
  t.notOk(existsSync(`${folder}.lock`), 'and nothing is left beside what is no database');
});

t.test('a lock that another user left is not taken for one', async (t) => {
  const folder = tempFolder(t);
  const path = join(folder, 'x.db');
  writeFileSync(path, '', { mode: 0o666 });
  writeFileSync(`${path}.lock`, '', { mode: 0o444 });
  const message = `Cannot use the database ${path}.lock: .* may not write ${path}.lock`;
  if (process.getuid?.() !== 0) {
    t.throws(() => holdDatabase(path, null), { code: 'EACCES', message: new RegExp(message) });
    return;
  }
  // Permissions do not bind root, so a process that is nobody tries.
  chmodSync(folder, 0o777);
  chmodSync(path, 0o666);
  const module = new URL('../../../../adapters/sqlite/thread/hold.ts', import.meta.url).href;
  const code = `const { holdDatabase } = await import('${module}'); process.setgid(65534); process.setuid(65534);
    try { holdDatabase('${path}', null); console.log('taken'); } catch ({ message }) { console.log(message); }`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  t.match(stdout, new RegExp(`^${message}`));
});

t.test('what root starts once leaves nothing that shuts out the user of the database', async (t) => {
  if (process.getuid?.() !== 0) return t.pass('only root can do that');
  const path = join(tempFolder(t), 'x.db');
  writeFileSync(path, '');
  chownSync(path, 65_534, 65_534);
  holdDatabase(path, HOLDER)();
  const { uid, gid } = statSync(`${path}.lock`);
  return t.same([uid, gid], [65_534, 65_534]);
});

t.test('network file systems are refused by name, all others are not', async (t) => {
  const on = (type: number) => networkOf('/x', () => type);
  t.same([0x6969, 0xfe534d42, 0xff534d42 | 0, 0x517b].map(on), ['NFS', 'SMB', 'SMB', 'SMB']);
  t.same([0xef53, 0x01021994, 0x58465342, 0x9123683e, 0x794c7630, 0x65735546].map(on), Array(6).fill(null));
  t.equal(
    networkOf('/nowhere', () => {
      throw new Error('ENOENT');
    }),
    null,
  );
  t.throws(() => refuseNetwork('/mnt/a.db', () => 0x6969), {
    trouble: 'unusable',
    message: /^Cannot use the database \/mnt\/a\.db: it is on a network file system \(NFS\), .* local disk\.$/,
  });
});

t.test('the holder in words', async (t) => {
  t.equal(holderText(null), 'another logcalld');
  t.match(
    holderText({ ...HOLDER, socket: null }),
    /^logcalld 1\.2\.3, pid 412 on pbx1, since 19\d\d-\d\d-\d\d [\d:]{8}$/,
  );
});
