/** Statements whose text depends on what is asked, each prepared once. */
import type { Connection } from './rpc.ts';

/** The texts must be few: values are bound, never written into them. */
export function prepared<Row>(db: Connection): (sql: string) => ReturnType<typeof db.prepare<unknown[], Row>> {
  const known = new Map<string, ReturnType<typeof db.prepare<unknown[], Row>>>();
  return (sql) => {
    const statement = known.get(sql) ?? db.prepare<unknown[], Row>(sql);
    known.set(sql, statement);
    return statement;
  };
}
