/** The permits of all processes on this database, and what the limiter learned; runs in the database thread. */
import { countOf, type PermitMemory, type PermitStore, type Reserved, type Tuning } from '../../src/permits/port.ts';
import { parsed } from './parsed.ts';
import type { Connection } from './thread/rpc.ts';

type Arg<M extends keyof PermitStore> = Parameters<PermitStore[M]>[0];

export function permitsModule(db: Connection) {
  const state = db.prepare<[], { boot: string; day: string; used_today: number }>('SELECT * FROM limiter WHERE id = 1');
  const all = db.prepare<[string], number>('SELECT until FROM permit WHERE boot = ?').pluck();
  const tuning = db.prepare<[], string>("SELECT value FROM delivery_memory WHERE key = 'limiter-tuning'").pluck();
  const remember = db.prepare<[object]>(
    `INSERT INTO limiter (id, boot, day, used_today) VALUES (1, @bootId, @day, @usedToday)
     ON CONFLICT (id) DO UPDATE SET boot = @bootId, day = @day, used_today = @usedToday`,
  );
  // Twice the window: one that is strict still asks for it.
  const forget = db.prepare<[object]>('DELETE FROM permit WHERE boot <> @bootId OR until < @forgetBefore');
  const others = db
    .prepare<[object], number>(
      'SELECT until FROM permit WHERE boot = @bootId AND owner <> @owner AND until > @countedFrom',
    )
    .pluck();
  const add = db.prepare<[object]>('INSERT INTO permit (boot, owner, until) VALUES (@bootId, @owner, @until)');
  const forgetShort = db.prepare<[object]>('DELETE FROM permit_short WHERE boot <> @bootId OR at <= @countedFrom');
  // Processes that want more than they were given lately.
  const rivals = db.prepare<[object], number>('SELECT count(*) FROM permit_short WHERE owner <> @owner').pluck();
  const short = db.prepare<[object]>(
    `INSERT INTO permit_short (owner, boot, at) VALUES (@owner, @bootId, @now)
     ON CONFLICT (owner) DO UPDATE SET boot = @bootId, at = @now`,
  );

  /** Requests of the day so far. */
  function usedOf(today: string): { day: string; used: number } {
    const row = state.get();
    return countOf(row === undefined ? { day: '', used: 0 } : { day: row.day, used: row.used_today }, today);
  }

  return {
    load({ bootId }: Arg<'load'>): PermitMemory {
      const row = state.get();
      const learned = tuning.get();
      return {
        permits: row?.boot === bootId ? all.all(bootId) : null,
        day: row?.day ?? '',
        usedToday: row?.used_today ?? 0,
        tuning: learned === undefined ? null : parsed<Tuning>(learned),
      };
    },

    reserve: db.transaction((args: Arg<'reserve'>): Reserved => {
      const { bootId, owner, now, from, until, spanMs, requests, perDay } = args;
      const countedFrom = now - spanMs;
      forget.run({ bootId, forgetBefore: now - 2 * spanMs });
      forgetShort.run({ bootId, countedFrom });
      const foreign = others.all({ bootId, owner, countedFrom });
      const { day, used } = usedOf(args.day);
      const before = Math.max(0, used - args.unused);
      const taken = foreign.filter((last) => last > from - spanMs).length;
      const share = Math.ceil(requests / (1 + (rivals.get({ owner }) ?? 0)));
      const free = Math.max(0, Math.min(requests - taken, share) - args.held);
      if (free < args.count) short.run({ bootId, owner, now });
      const left = perDay === null ? free : Math.max(0, perDay - before);
      const count = Math.min(args.count, free, left);
      const ids = Array.from({ length: count }, () => Number(add.run({ bootId, owner, until }).lastInsertRowid));
      const usedToday = before + count;
      remember.run({ bootId, day, usedToday });
      return { ids, others: foreign, usedToday };
    }).immediate,

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
