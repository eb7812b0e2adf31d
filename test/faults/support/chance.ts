/** Chance that a number decides: the same seed gives the same run. */

export interface Chance {
  /** `chanceOf` makes the same chance of it, from its beginning. */
  readonly seed: number;
  /** Uniform in [0, 1). */
  readonly next: () => number;
  /** A whole number in [from, to]. */
  whole(from: number, to: number): number;
  /** True with this probability. */
  is(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Chance of its own for a part, which does not change what the others draw. */
  part(name: string): Chance;
}

function hashOf(seed: number, name: string): number {
  let hash = seed >>> 0 || 1;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}

/** mulberry32 (github.com/bryc/code, "PRNGs"): 32 bits of state are enough to draw faults with. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    seed,
    next,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    is: (probability) => next() < probability,
    pick: (list) => {
      const found = list[Math.floor(next() * list.length)];
      if (found === undefined) throw new Error('there is nothing to choose from');
      return found;
    },
    part: (name) => chanceOf(hashOf(seed, name)),
  };
}
