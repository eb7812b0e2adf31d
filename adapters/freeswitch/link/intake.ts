/**
 * Frames between the socket and their consumer, in the order received. What has been read is always delivered; when too much
 * is waiting, the socket is not read for a while. FreeSWITCH then keeps up to 100,000 events for this client, and TCP some
 * more before those.
 */
import type { Clock } from '../../../src/ports.ts';

export interface IntakeOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Bytes waiting above which nothing more is to be read; it goes on at half of them. */
  readonly bytes: number;
  /** Runs the consumer outside of the socket's own turn; `setImmediate` unless a test holds it. */
  readonly defer: (run: () => void) => void;
  readonly onFull: () => void;
  readonly onRoom: () => void;
}

interface Item {
  readonly bytes: number;
  /** Returns true when nothing more may be delivered in this turn. */
  readonly deliver: () => boolean;
}

/** Longest time the consumer is run in one turn before the socket is read again, ms. */
const sliceMs = 10;
/** The same once a quarter of the room is taken: a tenth of a second without reading does no harm to FreeSWITCH. */
const longSliceMs = 100;

export class Intake {
  readonly #options: IntakeOptions;
  #items: Item[] = [];
  /** Where the next item lies; those before it are delivered. */
  #head = 0;
  #bytes = 0;
  #full = false;
  #draining = false;
  #closed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get full(): boolean {
    return this.#full;
  }

  /** `bytes`: what it costs to keep the item. */
  add(bytes: number, deliver: Item['deliver']): void {
    if (this.#closed) return;
    this.#items.push({ bytes, deliver });
    this.#bytes += bytes;
    if (!this.#full && this.#bytes > this.#options.bytes) {
      this.#full = true;
      this.#options.onFull();
    }
    this.#drainSoon();
  }

  /** Delivers at once what is waiting, and takes nothing more. */
  close(): void {
    this.#drain(null);
    this.#closed = true;
  }

  #drainSoon(): void {
    if (this.#draining || this.#closed || this.#head === this.#items.length) return;
    this.#draining = true;
    this.#options.defer(() => {
      this.#draining = false;
      const { clock, bytes } = this.#options;
      this.#drain(clock.monotonic() + (this.#bytes > bytes / 4 ? longSliceMs : sliceMs));
      this.#drainSoon();
    });
  }

  /** `until`: on the steady clock; `null` for all there is. A delivery may itself close the intake. */
  #drain(until: number | null): void {
    while (!this.#closed) {
      const item = this.#items[this.#head];
      if (item === undefined) break;
      this.#head++;
      this.#bytes -= item.bytes;
      const stop = item.deliver();
      if (until !== null && (stop || this.#options.clock.monotonic() >= until)) break;
    }
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    if (!this.#full || this.#bytes > this.#options.bytes / 2) return;
    this.#full = false;
    this.#options.onRoom();
  }
}
