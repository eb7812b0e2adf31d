/** Time that passes only where something happens, in steps of any length. */
import { FakeClock, flush } from '../delivery/fakes.ts';

interface Timer {
  readonly at: number;
  readonly seq: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** The clock of the fakes with a heap: a day has some hundred thousand timers. */
export class SimClock extends FakeClock {
  /** The wall clock goes so much faster. */
  drift = 0;
  readonly #heap: Timer[] = [];
  #seq = 0;

  override block(ms: number): void {
    this.mono += ms;
    this.wall += ms * (1 + this.drift);
  }

  override after(ms: number, run: () => void): () => void {
    const timer = { at: this.mono + Math.max(0, ms), seq: this.#seq++, run, cancelled: false };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Each timer runs at its moment, with all its consequences before the next. `each` runs after each. */
  override async advance(ms: number, each: () => void = () => {}): Promise<void> {
    const until = this.mono + ms;
    await flush();
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (next.cancelled) continue;
      this.block(Math.max(0, next.at - this.mono));
      next.run();
      await flush();
      each();
    }
    this.block(Math.max(0, until - this.mono));
    await flush();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    for (let up = (at - 1) >> 1; at > 0 && this.#before(at, up); up = (at - 1) >> 1) {
      this.#swap(at, up);
      at = up;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < heap.length && this.#before(left, least)) least = left;
      if (right < heap.length && this.#before(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return false;
    return a.at < b.at || (a.at === b.at && a.seq < b.seq);
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
