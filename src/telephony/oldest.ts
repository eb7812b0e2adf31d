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

/**
 * What was worked out lately, by the text it was worked out from: at most `limit` texts twice over. One that is asked for again is
 * kept as long as fewer than `limit` others come between.
 */
export class Lately<V extends NonNullable<unknown> | null> {
  private readonly limit: number;
  private recent = new Map<string, V>();
  private before = new Map<string, V>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** What is remembered of the text, else what `find` makes of it, which is remembered then. */
  get(text: string, find: (text: string) => V): V {
    const known = this.recent.get(text);
    if (known !== undefined) return known;
    // The text may be a piece of a packet, all of which would be kept with it.
    const own = ` ${text}`.slice(1);
    const old = this.before.get(own);
    const value = old === undefined ? find(own) : old;
    if (this.recent.size >= this.limit) {
      this.before = this.recent;
      this.recent = new Map();
    }
    this.recent.set(own, value);
    return value;
  }
}
