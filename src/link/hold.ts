/**
 * Reads a socket a little slower while more has been heard than can be stored. How slowly, the PBX decides: Asterisk drops a client
 * when its own send buffer has not moved for the `writetimeout` of manager.conf (100 ms unless set), and a receiver whose buffer was
 * full reopens its window in large steps only. Measured against Asterisk 16 and 22 that say 15 to 20 MB/s: 64 KB every 2 or 4 ms was
 * kept each time, every 5 ms not always, every 10 or 20 ms never.
 */

interface Timer {
  after(ms: number, run: () => void): () => void;
}

interface Readable {
  pause(): unknown;
  resume(): unknown;
}

/** Pause between two pieces, ms; a piece is what one read of the socket gives, 64 KB at most. */
const PAUSE_MS = 2;

export class Hold {
  readonly #clock: Timer;
  #held = false;
  #resume: (() => void) | null = null;
  #cancel: () => void = () => {};

  constructor(clock: Timer) {
    this.#clock = clock;
  }

  set(held: boolean): void {
    this.#held = held;
    if (!held) this.#go();
  }

  /** A piece has been read from the socket. */
  read(socket: Readable): void {
    if (!this.#held || this.#resume !== null) return;
    socket.pause();
    this.#resume = () => socket.resume();
    this.#cancel = this.#clock.after(PAUSE_MS, () => this.#go());
  }

  #go(): void {
    const resume = this.#resume;
    this.#resume = null;
    this.#cancel();
    resume?.();
  }
}
