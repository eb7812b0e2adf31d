/** Calls that were stored and are no more, known by the hashes of their ids: what tells of them again must not bring them back. */
import type { Connection } from '../thread/rpc.ts';
import { hasherOf } from './hashing.ts';

export interface GoneCalls {
  /** The call is taken out of the database. `endedAt`: ms since the epoch. */
  note(id: string, endedAt: number): void;
  has(id: string): boolean;
}

/** Part of the transactions that store calls and take them away. */
export function goneCalls(db: Connection): GoneCalls {
  const hasher = hasherOf(db);
  const add = db.prepare<[Buffer, number]>(
    'INSERT INTO gone (call, ended_at) VALUES (?, ?) ON CONFLICT (call) DO NOTHING',
  );
  const any = db.prepare<[], number>('SELECT EXISTS (SELECT 1 FROM gone)').pluck();
  const of = db.prepare<[Buffer], number>('SELECT 1 FROM gone WHERE call = ?').pluck();
  return {
    note: (id, endedAt) => void add.run(hasher()(id), endedAt),
    has: (id) => any.get() === 1 && of.get(hasher()(id)) !== undefined,
  };
}
