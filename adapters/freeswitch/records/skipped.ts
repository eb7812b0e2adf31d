/** What could not be used is counted by its reason; of each, the first is named. */
import type { SkippedRecords } from '../../../src/records/port.ts';

/** Counts what was left out since it was told last. */
export class SkipTally {
  #reasons = new Map<string, { count: number; readonly why: string }>();

  /** `reason`: what is the same for all of the kind; `why`: the sentence of this one. */
  note(reason: string, why: string): void {
    const known = this.#reasons.get(reason);
    if (known === undefined) this.#reasons.set(reason, { count: 1, why });
    else known.count += 1;
  }

  /** What was counted, which begins anew. */
  take(): readonly SkippedRecords[] {
    const told = [...this.#reasons.values()];
    this.#reasons = new Map();
    return told;
  }
}
