/** What is known of one kind of request to the CRM. */
export interface Circuit {
  open: boolean;
  /** Since when nothing worked, once it was open; monotonic ms. */
  failingSince: number | null;
  /** It was refused, not unanswered. */
  refused: boolean;
  /** What the CRM said when it failed last. */
  why: string | null;
  /** Subjects that failed since the last one that worked. */
  failed: Set<string>;
  trialAt: number;
  trials: number;
  /** No row is left that could be tried. */
  empty: boolean;
  /** Something failed since it was closed. */
  again: boolean;
}

export const freshCircuit = (): Circuit => ({
  open: false,
  failingSince: null,
  refused: false,
  why: null,
  failed: new Set(),
  trialAt: 0,
  trials: 0,
  empty: false,
  again: false,
});
