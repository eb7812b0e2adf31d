/**
 * Two connections of one AMI user, of which the second was opened beside the first: what both were sent, once.
 *
 * Asterisk has one queue of events for all connections (`all_events` in main/manager.c), and each is sent what it may read of it, in
 * that order and with the same bytes. So the first ends with what the second begins with, but for events that only one of them may read.
 */

/** What of `later` was not sent to the first connection; `earlier`: all that was, at least from the login of the second on. */
export function notHeard<T>(earlier: readonly string[], later: readonly T[], textOf: (one: T) => string): T[] {
  const texts = later.map(textOf);
  const [inEarlier, inLater] = [new Set(earlier), new Set(texts)];
  // Events that both may read.
  const tail = earlier.filter((text) => inLater.has(text));
  const head = texts.filter((text) => inEarlier.has(text));
  let heard = overlap(tail, head);
  return later.filter((_, at) => {
    if (heard === 0 || !inEarlier.has(texts[at] ?? '')) return true;
    heard -= 1;
    return false;
  });
}

/** How many at the end of `tail` are those at the beginning of `head`: the most that fit (search of Knuth, Morris and Pratt). */
function overlap(tail: readonly string[], head: readonly string[]): number {
  /** For each beginning of `head`: the longest shorter one with which it ends. */
  const borders: number[] = [0];
  const next = (length: number, text: string | undefined): number => {
    let fits = length;
    while (fits > 0 && (fits === head.length || head[fits] !== text)) fits = borders[fits - 1] ?? 0;
    return head[fits] === text ? fits + 1 : 0;
  };
  for (const [at, text] of head.entries()) if (at > 0) borders.push(next(borders[at - 1] ?? 0, text));
  return head.length === 0 ? 0 : tail.reduce((fits, text) => next(fits, text), 0);
}
