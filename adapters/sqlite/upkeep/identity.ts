/** What a database says of itself, beside its calls: small values in `delivery_memory`. */
import type { Connection } from '../thread/rpc.ts';

/** Keys of `delivery_memory`. */
const KEY = {
  /** Which database it is, and when it was last opened for writing. */
  database: 'database',
  /** The file is a copy that was made at a moment; taken away when it is put to use. */
  copy: 'database-copy',
  /** Calls that began before may have been posted by a database that is lost. */
  doubt: 'database-doubt',
  /** What an operator should know. */
  notices: 'database-notices',
} as const;

export interface Copied {
  /** When, ms since the epoch. */
  readonly at: number;
}

export interface Doubt {
  /** ms since the epoch. */
  readonly until: number;
  /** A post is looked for no sooner than so long after it, ms. */
  readonly waitMs: number;
}

/** Something that happened to the database. */
export interface Notice {
  readonly kind: 'damaged' | 'lost' | 'older' | 'restored' | 'log';
  /** ms since the epoch. */
  readonly at: number;
  /** A sentence or two, with the remedy. */
  readonly text: string;
}

interface Values {
  readonly database: { readonly id: string };
  readonly copy: Copied;
  readonly doubt: Doubt;
  readonly notices: readonly Notice[];
}

/** A post is looked for in the CRM no sooner than so long after it, until `open` of the outbox sets what the config says, ms. */
export const DOUBT_WAIT_MS = 60_000;

const has = (value: object, key: string, type: 'number' | 'string'): boolean =>
  typeof (value as Readonly<Record<string, unknown>>)[key] === type;
const isNotice = (one: unknown): boolean =>
  typeof one === 'object' && one !== null && has(one, 'at', 'number') && has(one, 'text', 'string');

/** Whether a value that was read is what it is to be. */
const IS: { readonly [K in keyof Values]: (value: object) => boolean } = {
  database: (value) => has(value, 'id', 'string'),
  copy: (value) => has(value, 'at', 'number'),
  doubt: (value) => has(value, 'until', 'number') && has(value, 'waitMs', 'number'),
  notices: (value) => Array.isArray(value) && value.every(isNotice),
};

/**
 * In place of one that cannot be read, which was written `at` (ms since the epoch): what makes sure that no call is posted twice. A
 * database that does not know which it is may be any, so its calls are looked for in the CRM first.
 */
const UNREADABLE: { readonly [K in keyof Values]: (at: number) => Values[K] | null } = {
  database: () => null,
  copy: (at) => ({ at }),
  doubt: (at) => ({ until: at, waitMs: DOUBT_WAIT_MS }),
  notices: () => null,
};

interface Row {
  readonly value: unknown;
  readonly at: number;
}
type Reader = ReturnType<typeof prepareReader>;
const readers = new WeakMap<Connection, Reader>();

const prepareReader = (db: Connection) =>
  db.prepare<[string], Row>('SELECT value, at FROM delivery_memory WHERE key = ?');

/** Asked for each call that is stored. */
function readerOf(db: Connection): Reader {
  const known = readers.get(db) ?? prepareReader(db);
  readers.set(db, known);
  return known;
}

/** `null`: it is not there. Throws where there is no such table. */
export function remembered<K extends keyof Values>(db: Connection, key: K): Values[K] | null {
  const row = readerOf(db).get(KEY[key]);
  if (row === undefined) return null;
  const value = parsed(row.value);
  return value !== null && IS[key](value) ? (value as Values[K]) : UNREADABLE[key](row.at);
}

function parsed(text: unknown): object | null {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : null;
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** `null` takes it away. `at`: ms since the epoch. */
export function remember<K extends keyof Values>(db: Connection, key: K, value: Values[K] | null, at: number): void {
  if (value === null) db.prepare('DELETE FROM delivery_memory WHERE key = ?').run(KEY[key]);
  else
    db.prepare(
      `INSERT INTO delivery_memory (key, value, at) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at`,
    ).run(KEY[key], JSON.stringify(value), Math.floor(at));
}

/**
 * Grows with each call that is stored and each request of the CRM, and is never less: the numbers that SQLite gives to rows of these
 * tables, whose last ones it keeps when the rows go.
 */
export function counterOf(db: Connection): () => number {
  const read = db
    .prepare<[], number | null>("SELECT sum(seq) FROM sqlite_sequence WHERE name IN ('delivery', 'permit')")
    .pluck();
  return () => read.get() ?? 0;
}

/** When something was last stored, about: ms since the epoch; `null`: nothing is stored. */
export function lastStoredAt(db: Connection): number | null {
  return (
    db
      .prepare<[], number | null>(
        `SELECT max(at) FROM (SELECT max(last_at) AS at FROM hot_segment
         UNION ALL SELECT last_at FROM (SELECT last_at FROM segment ORDER BY id DESC LIMIT 1)
         UNION ALL SELECT updated_at FROM (SELECT updated_at FROM delivery ORDER BY id DESC LIMIT 1))`,
      )
      .pluck()
      .get() ?? null
  );
}
