/** The limiter's memory; runs in the database thread. */
import type { SlotMemory, SlotStore, Tuning } from '../../src/delivery/store.ts';
import type { Connection } from './thread/rpc.ts';

type Arg<M extends keyof SlotStore> = Parameters<SlotStore[M]>[0];

export function limiterModule(db: Connection) {
  const state = db.prepare<[], { boot: string; day: string; used_today: number }>('SELECT * FROM limiter WHERE id = 1');
  const slots = db.prepare<[string], number>('SELECT until FROM slot WHERE boot = ?').pluck();
  const tuning = db.prepare<[], string>("SELECT value FROM delivery_memory WHERE key = 'limiter-tuning'").pluck();
  const remember = db.prepare<[object]>(
    `INSERT INTO limiter (id, boot, day, used_today) VALUES (1, @bootId, @day, @usedToday)
     ON CONFLICT (id) DO UPDATE SET boot = @bootId, day = @day, used_today = @usedToday`,
  );
  const forget = db.prepare<[object]>('DELETE FROM slot WHERE boot <> @bootId OR until < @forgetBefore');
  const add = db.prepare<[object]>('INSERT INTO slot (boot, until) VALUES (@bootId, @until)');

  return {
    load(_: Arg<'load'>): SlotMemory | null {
      const row = state.get();
      if (row === undefined) return null;
      const learned = tuning.get();
      return {
        bootId: row.boot,
        slots: slots.all(row.boot),
        day: row.day,
        usedToday: row.used_today,
        tuning: learned === undefined ? null : (JSON.parse(learned) as Tuning),
      };
    },

    reserve: db.transaction(
      ({ bootId, until, count, day, usedToday, forgetBefore }: Arg<'reserve'>): readonly number[] => {
        remember.run({ bootId, day, usedToday });
        forget.run({ bootId, forgetBefore });
        return Array.from({ length: count }, () => Number(add.run({ bootId, until }).lastInsertRowid));
      },
    ).immediate,

    tune({ tuning: learned }: Arg<'tune'>): void {
      if (learned === null) db.prepare("DELETE FROM delivery_memory WHERE key = 'limiter-tuning'").run();
      else {
        db.prepare(
          `INSERT INTO delivery_memory (key, value, at) VALUES ('limiter-tuning', @value, 0)
           ON CONFLICT (key) DO UPDATE SET value = @value`,
        ).run({ value: JSON.stringify(learned) });
      }
    },
  };
}
