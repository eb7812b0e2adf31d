/**
 * Whether the clock of a PBX was set, told from the times that its events have. What is said at one moment is heard later: the clock of
 * the PBX seems to be behind by the delay, for a while and as far as what comes waits somewhere. It never seems to be ahead of what
 * it was, and what comes after something else was never said before it: either is a clock that was set.
 */

/** Less is no step, but the jitter of events that are told by several threads, ms. */
const STEP_MS = 2_000;
/** What comes first on a connection may have been late itself by as much, ms. */
const LATE_MS = 60_000;

/** Each step moves the times of all open calls, so a clock that goes too fast is told as one that is set now and then, ms. */
const APART_MS = 10_000;

export class PbxClock {
  /** How far it is ahead of the clock of arrival, ms, by what was the least late; `null` before anything came. */
  #ahead: number | null = null;
  /** The latest time that it has told. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Until then (ms, clock of arrival) `#ahead` may be too small, for what came first was late. */
  #youngUntil = Number.NEGATIVE_INFINITY;
  #connected = false;
  /** The same as it said when it was asked for its time last on this connection, and nothing told of a step since. */
  #answered: number | null = null;
  /** Steps that are not told yet, ms, and when one was told last. */
  #owed = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** A connection begins. */
  connect(): void {
    this.#connected = false;
    this.#answered = null;
  }

  /** It was asked for its time: as `read`, but no step is concluded from it, which would move the times of calls. */
  answer(at: number, receivedAt: number): void {
    this.#answered = at - receivedAt;
  }

  /** How far the PBX's clock is ahead of the clock of arrival as it goes now, ms; `null`: it has told nothing on this connection. */
  get aheadMs(): number | null {
    const heard = this.#connected ? this.#ahead : null;
    const asked = this.#answered;
    // What is told by the way is exact, but may be from before a step.
    return heard !== null && (asked === null || Math.abs(asked - heard) <= STEP_MS) ? heard : asked;
  }

  /** The clock of arrival was set forward by `by` ms, or back. */
  arrivalSet(by: number): void {
    if (this.#ahead !== null) this.#ahead -= by;
    if (this.#answered !== null) this.#answered -= by;
    this.#youngUntil += by;
    this.#toldAt += by;
  }

  /**
   * Takes note of an event that the PBX told at `at` by its clock, and that came at `receivedAt`; both ms since the epoch. Returns by
   * how many ms the PBX's clock was set forward since the event before, or back; 0 as long as it just goes on.
   */
  read(at: number, receivedAt: number): number {
    this.#owed += this.#step(at, receivedAt);
    if (this.#owed === 0 || receivedAt < this.#toldAt + APART_MS) return 0;
    const by = this.#owed;
    this.#owed = 0;
    this.#toldAt = receivedAt;
    return by;
  }

  #step(at: number, receivedAt: number): number {
    const ahead = at - receivedAt;
    const known = this.#ahead;
    if (known !== null && this.#connected && ahead <= known + STEP_MS && at >= this.#latest - STEP_MS) {
      if (ahead > known) this.#ahead = ahead;
      if (at > this.#latest) this.#latest = at;
      return 0;
    }
    const first = known === null || !this.#connected;
    const by = known === null ? 0 : ahead - known;
    const late = (first || receivedAt < this.#youngUntil) && Math.abs(by) <= LATE_MS;
    if (first) this.#youngUntil = receivedAt + LATE_MS;
    this.#connected = true;
    this.#ahead = ahead;
    this.#latest = at;
    // As late as this nothing is: the clock was set since it was asked for.
    if (this.#answered !== null && !(late && Math.abs(ahead - this.#answered) <= LATE_MS)) this.#answered = null;
    return late ? 0 : by;
  }
}
