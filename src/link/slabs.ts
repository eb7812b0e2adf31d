/**
 * Memory that is used again and again, and that all threads see: frames are written into it once and read there by whoever works
 * on them. So a flood makes no garbage of the bytes of the PBX, and handing them to the database thread costs no copy.
 */

/** Bytes of a slab: several batches of a flood. */
const SLAB = 256 * 1024;
/** Slabs kept for what comes next: about what may wait while sources are held back. */
const KEPT = 40;

interface Slab {
  readonly buffer: SharedArrayBuffer;
  /** Bytes given out since nobody had any of it. */
  used: number;
  /** Pieces that somebody still has. */
  pieces: number;
}

export class Slabs {
  /** Those of which somebody has a piece, and the one that is being given out. */
  readonly #inUse = new Map<ArrayBufferLike, Slab>();
  readonly #free: Slab[] = [];
  #current: Slab | null = null;
  readonly #least: number;

  /** `least`: pieces of fewer bytes have their own memory. */
  constructor(least = 0) {
    this.#least = least;
  }

  /** So many bytes; what was written there before may still stand in them. */
  take(length: number): Uint8Array {
    if (length < this.#least || length === 0 || length > SLAB) return new Uint8Array(length);
    const slab = this.#withRoom(length);
    const piece = new Uint8Array(slab.buffer, slab.used, length);
    slab.used += length;
    slab.pieces += 1;
    return piece;
  }

  /** Nobody reads them any more. */
  giveBack({ buffer }: Uint8Array): void {
    const slab = this.#inUse.get(buffer);
    if (slab === undefined) return;
    slab.pieces -= 1;
    if (slab.pieces > 0) return;
    slab.used = 0;
    if (slab === this.#current) return;
    this.#inUse.delete(buffer);
    if (this.#free.length < KEPT) this.#free.push(slab);
  }

  /** The same bytes for as long as somebody wants them: a piece of a slab is copied and given back, any other stays as it is. */
  own(piece: Uint8Array): Uint8Array {
    if (!this.#inUse.has(piece.buffer)) return piece;
    const copy = new Uint8Array(piece);
    this.giveBack(piece);
    return copy;
  }

  #withRoom(length: number): Slab {
    if (this.#current !== null && this.#current.used + length <= SLAB) return this.#current;
    const slab = this.#free.pop() ?? { buffer: new SharedArrayBuffer(SLAB), used: 0, pieces: 0 };
    this.#inUse.set(slab.buffer, slab);
    this.#current = slab;
    return slab;
  }
}
