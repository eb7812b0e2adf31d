/** Counters and histograms as plain numbers: counting costs an addition, and whoever asks reads them. */
import type { Distribution, Labels, Sample } from './family.ts';

/** Counters by the values of some labels. */
export interface Counts<L extends string> {
  add(labels: Readonly<Record<L, string>>): void;
  samples(): readonly Sample[];
}

/** `known`: values of each label that are there from the beginning, at 0, so that a rate sees the first one, too. */
export function createCounts<L extends string>(known: Readonly<Record<L, readonly string[]>>): Counts<L> {
  const names = Object.keys(known) as L[];
  const counts = new Map<string, { readonly labels: Labels; value: number }>();
  const keyOf = (labels: Readonly<Record<L, string>>): string => names.map((name) => labels[name]).join('\n');
  const series = (labels: Readonly<Record<L, string>>) => {
    const key = keyOf(labels);
    const found = counts.get(key);
    if (found !== undefined) return found;
    const made = { labels: { ...labels }, value: 0 };
    counts.set(key, made);
    return made;
  };
  for (const labels of combinations(known, names)) series(labels);
  return {
    add(labels) {
      series(labels).value += 1;
    },
    samples: () => [...counts.values()].map(({ labels, value }) => ({ labels, value })),
  };
}

function combinations<L extends string>(
  known: Readonly<Record<L, readonly string[]>>,
  names: readonly L[],
): Readonly<Record<L, string>>[] {
  return names.reduce<Record<string, string>[]>(
    (all, name) => all.flatMap((one) => known[name].map((value) => ({ ...one, [name]: value }))),
    [{}],
  ) as Readonly<Record<L, string>>[];
}

/** A histogram; without labels, or one for each value of one label. */
export interface Histogram {
  /** `value` in base units; `which`: the value of its label. */
  observe(value: number, which?: string): void;
  distributions(): readonly Distribution[];
}

/** `bounds` ascending. `label`: its name and the values that are there from the beginning. */
export function createHistogram(
  bounds: readonly number[],
  label: { readonly name: string; readonly values: readonly string[] } | null = null,
): Histogram {
  const all = new Map<string, { readonly counts: number[]; sum: number }>();
  const series = (which: string) => {
    const found = all.get(which);
    if (found !== undefined) return found;
    const made = { counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
    all.set(which, made);
    return made;
  };
  for (const which of label?.values ?? ['']) series(which);
  return {
    observe(value, which = '') {
      const one = series(which);
      const at = bounds.findIndex((bound) => value <= bound);
      const bucket = at < 0 ? bounds.length : at;
      one.counts[bucket] = (one.counts[bucket] ?? 0) + 1;
      one.sum += value;
    },
    distributions: () =>
      [...all].map(([which, { counts, sum }]) => ({
        labels: label === null ? {} : { [label.name]: which },
        bounds,
        counts: [...counts],
        sum,
      })),
  };
}
