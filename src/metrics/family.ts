/**
 * Metrics as data: what there is, and what it reads at one moment. How that is written for a scraper is an adapter's.
 * Names and units follow https://prometheus.io/docs/practices/naming/: base units, `_total` for what only grows.
 */

export type Labels = Readonly<Record<string, string>>;

/** All series of one name. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** One series of a counter or gauge. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** One series of a histogram. `counts[n]`: observations up to `bounds[n]` and above the bound before; the last: above all bounds. */
export interface Distribution {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

export type Series = readonly Sample[] | readonly Distribution[];

/** A scrape: the series of each family that could be read. */
export type Reading = ReadonlyMap<Family, Series>;
