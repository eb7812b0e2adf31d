/** The CRM's users as last fetched, and the extensions seen in calls; runs in the database thread. */
import type { CrmUser } from '../../src/delivery/crm.ts';
import type { UserStore } from '../../src/delivery/store.ts';
import { parsed } from './parsed.ts';
import type { Connection } from './thread/rpc.ts';
import { unsynced } from './thread/unsynced.ts';

type Arg<M extends keyof UserStore> = Parameters<UserStore[M]>[0];

export function userModule(db: Connection) {
  const load = db.prepare<[], { value: string; at: number }>(
    "SELECT value, at FROM delivery_memory WHERE key = 'crm-users'",
  );
  const save = db.prepare<[object]>(
    `INSERT INTO delivery_memory (key, value, at) VALUES ('crm-users', @value, @at)
     ON CONFLICT (key) DO UPDATE SET value = @value, at = @at`,
  );
  const seen = db.prepare<[object]>(
    `INSERT INTO extension_seen (extension, domain, calls, last_at, user_id) VALUES (@extension, @domain, 1, @at, @userId)
     ON CONFLICT (extension, domain) DO UPDATE SET calls = calls + 1, last_at = max(last_at, @at), user_id = @userId`,
  );
  const missing = db.prepare<[], { extension: string; domain: string | null; calls: number; lastAt: number }>(
    `SELECT extension, nullif(domain, '') AS domain, calls, last_at AS lastAt FROM extension_seen
     WHERE user_id IS NULL ORDER BY last_at DESC`,
  );

  return {
    load(_: Arg<'load'>): { readonly users: readonly CrmUser[]; readonly at: number } | null {
      const row = load.get();
      const users = row === undefined ? null : parsed<readonly CrmUser[]>(row.value);
      return row === undefined || users === null ? null : { users, at: row.at };
    },
    save: ({ users, at }: Arg<'save'>): void => void save.run({ value: JSON.stringify(users), at: Math.floor(at) }),
    // A statistic, and a call waits for it.
    seen: unsynced(
      db,
      ({ extension, domain, at, userId }: Arg<'seen'>): void =>
        void seen.run({ extension, domain: domain ?? '', at: Math.floor(at), userId }),
    ),
    missing: (_: Arg<'missing'>) => missing.all(),
  };
}
