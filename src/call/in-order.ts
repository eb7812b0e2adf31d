/**
 * The items in order of a time of theirs, as it was among those of the same time; the very list where it is in order, as it mostly
 * is: to sort costs several copies of it.
 */
export function inOrder<T>(items: readonly T[], timeOf: (item: T) => number): readonly T[] {
  let last = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    const time = timeOf(item);
    if (time < last) return items.toSorted((a, b) => timeOf(a) - timeOf(b));
    last = time;
  }
  return items;
}
