/** What was erased is known again by keyed hashes, which name nothing to who reads the database. Runs in the database thread. */
import { createHmac } from 'node:crypto';
import type { Connection } from '../thread/rpc.ts';

const NO_KEY = Buffer.alloc(0);

/** Reads the key of this database anew each time it is called; what it answers is for one use. */
export function hasherOf(db: Connection): () => (text: string) => Buffer {
  const key = db.prepare<[], Buffer>('SELECT key FROM erasure_key').pluck();
  return () => {
    const secret = key.get() ?? NO_KEY;
    return (text) => createHmac('sha256', secret).update(text).digest();
  };
}
