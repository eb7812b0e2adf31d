/**
 * Memory that both threads see, used again and again: frames are written into it once and read there by the database thread. So
 * handing them over costs no copy, and a flood makes no garbage of the bytes of the PBX.
 */

/** Bytes of a slab: what a batch holds as a rule. Greater ones get memory of their own. */
const SLAB = 256 * 1024;
/** Slabs kept for the next batches. */
const KEPT = 32;

export class Slabs {
  readonly #free: SharedArrayBuffer[] = [];

  /** So many bytes, with whatever was written there before. */
  take(length: number): Uint8Array {
    const slab = length > SLAB ? new SharedArrayBuffer(length) : (this.#free.pop() ?? new SharedArrayBuffer(SLAB));
    return new Uint8Array(slab, 0, length);
  }

  /** Nobody reads them any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer instanceof SharedArrayBuffer && buffer.byteLength === SLAB && this.#free.length < KEPT)
      this.#free.push(buffer);
  }
}
