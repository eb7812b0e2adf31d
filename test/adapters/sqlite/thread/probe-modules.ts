/** The modules of the journal with one more that tests use to look into the database thread and to disturb it. */
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import { sessionsModule } from '../../../../adapters/sqlite/sessions/sessions.ts';
import type { Connection } from '../../../../adapters/sqlite/thread/rpc.ts';

function probeModule(db: Connection) {
  const order: number[] = [];
  return {
    pragma: (text: string): unknown => db.pragma(text, { simple: true }),
    /** From now on the file may not grow, and no page in it is free: the next one needed is SQLITE_FULL. */
    forbidGrowth(): void {
      db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
      db.exec('CREATE TABLE IF NOT EXISTS taken (data BLOB)');
      const take = db.prepare('INSERT INTO taken VALUES (zeroblob(?))');
      for (let size = 1 << 20; size >= 64; ) {
        try {
          take.run(size);
        } catch {
          size /= 2;
        }
      }
    },
    allowGrowth: (): unknown => db.pragma('max_page_count = 1000000'),
    note(number: number): void {
      order.push(number);
    },
    noted: (): readonly number[] => order,
    run(sql: string): void {
      db.exec(sql);
    },
    die(): never {
      process.exit(7);
    },
  };
}

export const modules = { journal: journalModule([]), sessions: sessionsModule, probe: probeModule };

export type ProbeModules = typeof modules;
