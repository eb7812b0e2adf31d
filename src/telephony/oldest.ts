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
