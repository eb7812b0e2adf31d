import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { decode, type KeptFrame } from '../../../../adapters/sqlite/journal/frames.ts';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import { openConnection } from '../../../../adapters/sqlite/thread/connection.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';
import { guarded } from '../../../support/guard.ts';
import { tempFolder } from '../support.ts';

const COMMITTER = fileURLToPath(new URL('./committer.ts', import.meta.url));

/** Lets a process commit until so many batches were acknowledged, kills it, and answers every acknowledged name. */
async function commitAndKill(path: string, round: number, kills: number): Promise<readonly string[]> {
  const args = [COMMITTER, path, String(round)];
  const child = guarded(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
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

/** All frames of the source in the file. */
function framesIn(db: Connection): readonly KeptFrame[] {
  const own = journalModule([])(db);
  const found: KeptFrame[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const page = own.frames({ source: 'pbx', from });
    found.push(...decode(page.bytes));
    from = page.next;
  }
  return found;
}

t.test('every acknowledged batch survives kill -9, and no batch is half there', async (t) => {
  const path = join(tempFolder(t), 'x.db');
  const acknowledged: string[] = [];
  for (const [round, kills] of [40, 150, 333].entries()) {
    acknowledged.push(...(await commitAndKill(path, round, kills)));
    const db = openConnection(path);
    const found = new Map<string, number>();
    for (const { bytes } of framesIn(db)) found.set(bytes.toString(), (found.get(bytes.toString()) ?? 0) + 1);
    const names = [...found.keys()].sort();
    t.same(
      acknowledged.filter((name) => !found.has(name)),
      [],
      `all of ${acknowledged.length} are kept`,
    );
    t.same(
      [...found].filter(([, times]) => times !== 3),
      [],
    );
    t.same(db.prepare('SELECT call_session_id FROM session ORDER BY 1').pluck().all(), names);
    t.same(db.prepare('SELECT channel FROM open_channel ORDER BY 1').pluck().all(), names);
    t.same(db.prepare('SELECT session_id FROM delivery ORDER BY 1').pluck().all(), names);
    t.equal(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
  }
  t.ok(acknowledged.length >= 523);
});
