/**
 * When the login is done anew, while something is missing that the rights or filters of the user hold back: those are of the login. That
 * they are others Asterisk tells by `Reload` after `module reload manager` and `core reload`, and not after `manager reload` (seen on 16
 * and 22), nor to who may not read `system`. So it is also tried: soon at first, while somebody may be at work on it, then ever more
 * rarely, as each login is a line in the log of the PBX.
 */

/** How often with the first pause, before each pause is twice the last one. */
const SOON = 20;
/** The longest pause, ms. */
const LONGEST_MS = 300_000;

export class Renewals {
  readonly #monotonic: () => number;
  #firstMs: number | null = null;
  #done = 0;
  #at = 0;

  /** `monotonic`: ms on a clock that does not step. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Something is missing, for which the first pause is `firstMs`; `null`: nothing is. */
  need(firstMs: number | null): void {
    if (firstMs === this.#firstMs) return;
    [this.#firstMs, this.#done] = [firstMs, 0];
    this.#plan();
  }

  /** Logged in just now. */
  rest(): void {
    this.#plan();
  }

  /** The PBX has read its configuration anew. */
  hurry(): void {
    [this.#done, this.#at] = [0, 0];
  }

  /** True when it is time; the next time is planned then. */
  due(): boolean {
    if (this.#firstMs === null || this.#monotonic() < this.#at) return false;
    this.#done += 1;
    this.#plan();
    return true;
  }

  #plan(): void {
    const first = this.#firstMs ?? 0;
    const doublings = Math.max(0, this.#done - SOON);
    this.#at = this.#monotonic() + Math.max(first, Math.min(LONGEST_MS, first * 2 ** Math.min(doublings, 30)));
  }
}
