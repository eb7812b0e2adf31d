/**
 * Whether a PBX has calls of which nothing is heard: what it answers when it is asked how many it has is held against the events that
 * come.
 *
 *   | since the last look          | and                                        | then                                     |
 *   |------------------------------|--------------------------------------------|------------------------------------------|
 *   | an event of a call was heard |                                            | not deaf; the next look begins anew      |
 *   | none was                     | the calls are as many as before            | nothing                                  |
 *   | none was                     | they are others, for less than the patience | nothing yet: answers overtake events     |
 *   | none was                     | they are others, for longer                | deaf                                     |
 *
 * It stays deaf, over connections, until an event of a call is heard.
 */

/** What a PBX tells of its calls when it is asked. */
export interface Look {
  /** Calls, or channels, that live. */
  readonly live: number;
  /** Calls, or channels, since it was started; `null` when it does not count them. */
  readonly total: number | null;
}

export class Deafness {
  readonly #patienceMs: number;
  #before: Look | null = null;
  /** When it was first seen that the calls are others, ms on the clock of `look`. */
  #otherSince: number | null = null;
  #heard = false;
  #deaf = false;

  /** `patienceMs`: for so long an event may be on its way after the PBX has counted its call. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  get deaf(): boolean {
    return this.#deaf;
  }

  /** The calls are others than before, and an event may still be on its way. */
  get suspects(): boolean {
    return this.#otherSince !== null;
  }

  /** A new connection, with rights of its own. */
  begin(): void {
    this.#before = null;
    this.#otherSince = null;
    this.#heard = false;
  }

  /** An event of a call has come. */
  hear(): void {
    this.begin();
    this.#heard = true;
    this.#deaf = false;
  }

  /** It was seen in another way that the calls are others than before. Times: as of `look`. */
  miss(now: number): void {
    this.#otherSince ??= now;
  }

  /** `now`: ms on a clock that does not step. */
  look(look: Look, now: number): void {
    const before = this.#before;
    if (before === null) this.#before = look;
    else if (this.#otherSince === null) {
      if (this.#isOther(before, look)) this.#otherSince = now;
      else this.#before = look;
    }
    if (this.settle(now)) this.#before = look;
  }

  /** True when it is deaf since now: the calls are others for longer than the patience. */
  settle(now: number): boolean {
    if (this.#otherSince === null || now - this.#otherSince < this.#patienceMs) return false;
    this.#deaf = true;
    this.#otherSince = null;
    return true;
  }

  /**
   * Of those that live, some have no events of their own, but none before the first call: once something was heard on this connection,
   * only the count of all tells.
   */
  #isOther(before: Look, { live, total }: Look): boolean {
    return (total ?? 0) > (before.total ?? Number.POSITIVE_INFINITY) || (!this.#heard && live !== before.live);
  }
}
