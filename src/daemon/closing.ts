/**
 * What ends in which order: at a stop, and after a start that failed half-way. Each part says how it ends as soon as it is made, so
 * that nothing of a daemon that did not come up goes on posting, or keeps its process from ending.
 */
import { within } from '../link/within.ts';
import type { Clock } from '../ports.ts';

/** Posts under way have this long to be answered, ms. */
export const DRAIN_MS = 10_000;

/** In this order. Each has so long, ms; after that the next one begins all the same, as a disk that takes nothing may never answer. */
const STAGES = {
  /** What is done now and then. */
  upkeep: 2000,
  /** What commands and scrapers ask. */
  requests: 3000,
  /** Posts; what became of them is stored. */
  delivery: DRAIN_MS + 3000,
  /** The reading of the PBX's own records. */
  records: 3000,
  /** The PBXs: a goodbye, and what they said is stored. */
  sources: 3000,
  /** Connections to the CRM. */
  crm: 1000,
  /** It tries once more to store what could not be stored. */
  database: 12_000,
} as const;

export type Stage = keyof typeof STAGES;

/** All of it together takes no longer, ms. */
export const CLOSED_WITHIN_MS = Object.values(STAGES).reduce((sum, ms) => sum + ms, 0);

export interface Closing {
  /** A part is there now, and ends so. */
  add(stage: Stage, close: () => unknown): void;
  /**
   * Ends all parts, whatever becomes of some of them; within a stage the last one that was added begins. Asked again, waits for the same.
   * Rejects when everything has ended, or was given up, with the first error.
   */
  close(): Promise<void>;
}

export function createClosing(clock: Pick<Clock, 'after'>): Closing {
  const parts: { readonly stage: Stage; readonly close: () => unknown }[] = [];
  let closing: Promise<void> | null = null;

  const endAll = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const [stage, ms] of Object.entries(STAGES)) {
      const late = `logcalld could not end its ${stage} within ${ms / 1000} s.`;
      const own = parts.filter((part) => part.stage === stage).reverse();
      const ends = own.map(async ({ close }) => close());
      const done = await Promise.allSettled(ends.map((end) => within(clock, ms, late, end)));
      for (const one of done) if (one.status === 'rejected') errors.push(one.reason);
    }
    if (errors.length > 0) throw errors[0];
  };

  return {
    add(stage, close) {
      parts.push({ stage, close });
    },
    close() {
      closing ??= endAll();
      return closing;
    },
  };
}
