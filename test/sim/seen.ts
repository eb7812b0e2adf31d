/** What happened in a simulated time, counted by kind: what never happens proves nothing. */

/** All that a run of some days must have seen. */
export const KINDS = [
  ...[
    'kill',
    'reboot',
    'crash before a request of the store',
    'crash after a request of the store',
    'start that failed',
  ],
  ...['link lost', 'PBX killed', 'program stopped'],
  ...[
    'clock set by seconds',
    'clock set by an hour',
    'clock set by 30 days',
    'clock drifts',
    'clock of a PBX set by 2 h',
  ],
  ...['disk full', 'EIO for a while', 'EIO now and then', 'slow commit', 'commit of over a second'],
  ...['CRM lost', 'CRM dropped', 'CRM crash', 'CRM rejected', 'CRM rate-limited', 'CRM denied', 'CRM unavailable'],
  ...['CRM unreachable', 'CRM slow', 'parked call sent again'],
] as const;

export type Kind = (typeof KINDS)[number];

export type Seen = Readonly<Partial<Record<Kind, number>>>;

/** Counts. */
export class Counter {
  readonly #counts = new Map<Kind, number>();

  add(kind: Kind, times = 1): void {
    if (times > 0) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + times);
  }

  /** In the order of `KINDS`. */
  get seen(): Seen {
    return Object.fromEntries(
      KINDS.flatMap((kind) => (this.#counts.has(kind) ? [[kind, this.#counts.get(kind)]] : [])),
    );
  }
}

/** The sum of several, a line for some of them each, and last those that never happened. */
export function told(all: readonly Seen[]): string[] {
  const sums = KINDS.map((kind) => ({ kind, count: all.reduce((sum, seen) => sum + (seen[kind] ?? 0), 0) }));
  const lines: string[] = [];
  for (const { kind, count } of sums.filter((one) => one.count > 0)) {
    const last = lines.at(-1);
    const next = `${count} ${kind}`;
    if (last === undefined || last.length + next.length > 118) lines.push(next);
    else lines[lines.length - 1] = `${last}, ${next}`;
  }
  const never = sums.filter((one) => one.count === 0).map(({ kind }) => kind);
  return never.length === 0 ? lines : [...lines, `never: ${never.join(', ')}`];
}
