/** What is due when: the item with the least key is found at once, and adding, moving and removing one costs log n. */

interface Entry<T> {
  readonly item: T;
  key: number;
  /** Where it stands in the heap. */
  place: number;
}

/** A binary heap in which each item stands once. */
export class Queue<T> {
  private readonly heap: Entry<T>[] = [];
  private readonly entries = new Map<T, Entry<T>>();

  /** The least key, infinity when the queue is empty. */
  get least(): number {
    return this.heap[0]?.key ?? Number.POSITIVE_INFINITY;
  }

  /** The key of an item, `undefined` when it is not in the queue. */
  keyOf(item: T): number | undefined {
    return this.entries.get(item)?.key;
  }

  /** Adds an item, or gives it another key. */
  set(item: T, key: number): void {
    const known = this.entries.get(item);
    if (known?.key === key) return;
    const entry = known ?? { item, key, place: this.heap.length };
    if (known === undefined) {
      this.entries.set(item, entry);
      this.heap.push(entry);
    }
    entry.key = key;
    this.settle(entry);
  }

  delete(item: T): void {
    const entry = this.entries.get(item);
    if (entry === undefined) return;
    this.entries.delete(item);
    const last = this.heap.pop();
    if (last === undefined || last === entry) return;
    this.put(last, entry.place);
    this.settle(last);
  }

  /** Removes the item with the least key and returns it; `undefined` when there is none. */
  take(): T | undefined {
    const item = this.heap[0]?.item;
    if (item !== undefined) this.delete(item);
    return item;
  }

  private put(entry: Entry<T>, place: number): void {
    entry.place = place;
    this.heap[place] = entry;
  }

  /** Moves an entry up or down to where it belongs. */
  private settle(entry: Entry<T>): void {
    while (entry.place > 0) {
      const above = this.heap[(entry.place - 1) >> 1];
      if (above === undefined || above.key <= entry.key) break;
      this.exchange(above, entry);
    }
    for (;;) {
      const below = this.lesserBelow(entry.place);
      if (below === undefined || below.key >= entry.key) return;
      this.exchange(entry, below);
    }
  }

  private lesserBelow(place: number): Entry<T> | undefined {
    const left = this.heap[2 * place + 1];
    const right = this.heap[2 * place + 2];
    return right === undefined || (left !== undefined && left.key <= right.key) ? left : right;
  }

  /** `above` stands directly above `below`: they change places. */
  private exchange(above: Entry<T>, below: Entry<T>): void {
    const { place } = above;
    this.put(above, below.place);
    this.put(below, place);
  }
}
