/**
 * Memory that both threads see, used again and again: frames are written into it once and read there by the database thread. So
 * handing them over costs no copy, and a flood makes no garbage of the bytes of the PBX.
 */

/** Bytes of a slab: what a batch of a flood holds. */
const SLAB = 256 * 1024;
/** Less than this is copied on its way: a slab for it would be more empty than full. */
const WORTH = 128 * 1024;
/** Slabs kept for the next batches. */
const KEPT = 32;

export class Slabs {
  readonly #free: SharedArrayBuffer[] = [];

  /** So many bytes; what was written there before may still stand in them. */
  take(length: number): Uint8Array {
    if (length < WORTH || length > SLAB) return new Uint8Array(length);
    return new Uint8Array(this.#free.pop() ?? new SharedArrayBuffer(SLAB), 0, length);
  }

  /** Nobody reads them any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer instanceof SharedArrayBuffer && this.#free.length < KEPT) this.#free.push(buffer);
  }
}
