/** I/O errors that the kernel tells of, put in its mouth by strace: what was acknowledged is there, and each batch once. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { decode } from '../../../../adapters/sqlite/journal/frames.ts';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { openDatabase } from '../../../../adapters/sqlite/thread/database.ts';
import { tempFolder } from '../support.ts';

t.setTimeout(120_000);

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url));
const COUNT = 25;
const NAMES = Array.from({ length: COUNT }, (_, n) => `c${n}`);

const strace = (): boolean => spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

type Case = readonly [name: string, suffix: string, inject: string, besideReader?: true];

const CASES: readonly Case[] = [
  ['a sync of the log, now and then', '-wal', 'fsync:error=EIO:when=4+6'],
  ['several syncs of the log in a row', '-wal', 'fsync:error=EIO:when=9..12'],
  ['a write into the log, now and then', '-wal', 'pwrite64:error=EIO:when=40+131'],
  ['a sync of the log, while a backup reads an older moment', '-wal', 'fsync:error=EIO:when=4+6', true],
  ['a write into the log, while a backup reads an older moment', '-wal', 'pwrite64:error=EIO:when=40+131', true],
  ['a sync of the main file, at the end', '', 'fsync:error=EIO:when=1'],
];

for (const [name, suffix, inject, besideReader = false] of CASES) {
  t.test(name, async (t) => {
    if (!strace()) return t.pass('no strace here');
    const path = join(tempFolder(t), 'x.db');
    // The files are there before, so that they are known by their names.
    const first = await openDatabase(path);
    await first.remote.journal.alive();
    const words = ['-f', '-qq', '-o', '/dev/null', '-P', `${path}${suffix}`, '-e', `inject=${inject}`];
    await first.close();
    const writer = [process.execPath, WRITER, path, String(COUNT)];
    const reader = besideReader ? new BetterSqlite3(path, { readonly: true }) : null;
    reader?.exec('BEGIN; SELECT count(*) FROM session');
    reader?.prepare('SELECT count(*) FROM session').get();
    const options = { encoding: 'utf8', timeout: 60_000 } as const;
    const { stdout, stderr, status } = spawnSync('strace', [...words, ...writer], options);
    reader?.close();
    t.equal(/^trouble SQLITE_IOERR/m.test(stdout), suffix === '-wal', 'commits meet it when it is the log');
    t.same([status, stderr], [0, '']);
    const lines = stdout.split('\n');
    t.same(
      NAMES.filter((one) => !lines.includes(one)),
      [],
      'all was stored in the end',
    );
    // First: where a reader kept the log from being emptied, it must be the one that is expected.
    const again = await openDatabase(path);
    t.same([await again.remote.upkeep.notices({ since: 0 }), again.remarks], [[], []]);
    await again.close();
    const db = openConnection(path);
    t.equal(db.pragma('integrity_check', { simple: true }), 'ok');
    const { bytes } = journalModule([])(db).frames({ source: 'pbx', from: 0 });
    const frames = [...decode(bytes)].map((frame) => frame.bytes.toString());
    t.same(
      frames,
      NAMES.flatMap((one) => [one, one]),
      'each once and in order',
    );
    t.equal(db.prepare('SELECT count(*) FROM delivery').pluck().get(), COUNT);
    db.close();
    return t.end();
  });
}
