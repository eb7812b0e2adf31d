/** Leads found and not found; runs in the database thread. */
import type { Lead } from '../../src/delivery/crm.ts';
import type { LeadCache } from '../../src/delivery/store.ts';
import type { Connection } from './thread/rpc.ts';

type Arg<M extends keyof LeadCache> = Parameters<LeadCache[M]>[0];

export function leadCacheModule(db: Connection) {
  const get = db.prepare<[string], { lead: string | null; at: number }>(
    'SELECT lead, at FROM lead_cache WHERE number = ?',
  );
  const put = db.prepare<[object]>(
    `INSERT INTO lead_cache (number, lead, at) VALUES (@number, @lead, @at)
     ON CONFLICT (number) DO UPDATE SET lead = @lead, at = @at`,
  );
  // A few at a time keeps the table small without ever holding up a call.
  const old = db.prepare<[number]>(
    'DELETE FROM lead_cache WHERE number IN (SELECT number FROM lead_cache WHERE at < ? LIMIT 10)',
  );
  const remove = db.prepare<[string]>('DELETE FROM lead_cache WHERE number = ?');
  const format = db.prepare<[], string>("SELECT value FROM delivery_memory WHERE key = 'lead-format'").pluck();
  const setFormat = db.prepare<[string]>(
    `INSERT INTO delivery_memory (key, value, at) VALUES ('lead-format', ?, 0)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value`,
  );

  return {
    get({ number }: Arg<'get'>): { readonly lead: Lead | null; readonly at: number } | null {
      const row = get.get(number);
      if (row === undefined) return null;
      return { lead: row.lead === null ? null : (JSON.parse(row.lead) as Lead), at: row.at };
    },
    put: db.transaction(({ number, lead, at, forgetBefore }: Arg<'put'>): void => {
      put.run({ number, lead: lead === null ? null : JSON.stringify(lead), at: Math.floor(at) });
      old.run(forgetBefore);
    }).immediate,
    forget: ({ number }: Arg<'forget'>): void => void remove.run(number),
    format: (_: Arg<'format'>): string | null => format.get() ?? null,
    rememberFormat: (args: Arg<'rememberFormat'>): void => void setFormat.run(args.format),
  };
}
