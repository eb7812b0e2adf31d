import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import { tempFolder } from '../support.ts';

const COMMITTER = fileURLToPath(new URL('./committer.ts', import.meta.url));

/** Lets a process commit until so many batches were acknowledged, kills it, and answers every acknowledged name. */
async function commitAndKill(path: string, round: number, kills: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [COMMITTER, path, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === kills) child.kill('SIGKILL');
  }
  const [, signal] = await closed;
  t.equal(signal, 'SIGKILL');
  return acknowledged;
}

t.test('every acknowledged batch survives kill -9, and no batch is half there', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const acknowledged: string[] = [];
  for (const [round, kills] of [40, 150, 333].entries()) {
    acknowledged.push(...(await commitAndKill(path, round, kills)));
    const db = openConnection(path);
    const found = db.prepare<[], { channel: string; events: number }>(
      'SELECT channel, count(*) AS events FROM event GROUP BY channel ORDER BY channel',
    );
    const names = found.all().map(({ channel }) => channel);
    const kept = new Set(names);
    t.same(
      acknowledged.filter((name) => !kept.has(name)),
      [],
      `all of ${acknowledged.length} are kept`,
    );
    t.same(
      found.all().filter(({ events }) => events !== 3),
      [],
    );
    t.same(db.prepare('SELECT call_session_id FROM session ORDER BY 1').pluck().all(), names);
    t.same(db.prepare('SELECT channel FROM open_channel ORDER BY 1').pluck().all(), names);
    t.same(db.prepare('SELECT session_id FROM delivery ORDER BY 1').pluck().all(), names);
    t.equal(db.prepare('SELECT bytes FROM raw_total').pluck().get(), names.length * 900);
    t.equal(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
  }
  t.ok(acknowledged.length >= 523);
});
