/** Collections with an upper limit, from which the oldest goes when another comes. */

/**
 * The keys of a set or map in the order in which they came, each once, for as long as each is deleted when it is told here. One
 * iteration goes on for good: a new one for each key would go over the places of all that were deleted before it, which
 * is up to half of the collection.
 */
export class OldestFirst<K> {
  private readonly collection: { keys(): Iterator<K> };
  private keys: Iterator<K>;

  constructor(collection: { keys(): Iterator<K> }) {
    this.collection = collection;
    this.keys = collection.keys();
  }

  /** The oldest; `undefined` when there is none. */
  next(): K | undefined {
    const next = this.keys.next();
    if (next.done !== true) return next.value;
    this.keys = this.collection.keys();
    const again = this.keys.next();
    return again.done === true ? undefined : again.value;
  }
}

/** The same text in memory of its own. A piece that was cut out of a packet keeps the whole packet for as long as it is kept. */
export function copyOf(text: string): string {
  return ` ${text}`.slice(1);
}

/**
 * What was worked out lately, by the text it was worked out from: at most `limit` texts twice over. One that is asked for again is
 * kept as long as fewer than `limit` others come between.
 */
export class Lately<V extends NonNullable<unknown> | null> {
  private readonly limit: number;
  private readonly find: (text: string) => V;
  private recent = new Map<string, V>();
  private before = new Map<string, V>();

  constructor(limit: number, find: (text: string) => V) {
    this.limit = limit;
    this.find = find;
  }

  /** What was made of the text. */
  get(text: string): V {
    const known = this.recent.get(text);
    if (known !== undefined) return known;
    const own = copyOf(text);
    const old = this.before.get(own);
    const value = old === undefined ? this.find(own) : old;
    if (this.recent.size >= this.limit) {
      this.before = this.recent;
      this.recent = new Map();
    }
    this.recent.set(own, value);
    return value;
  }
}
