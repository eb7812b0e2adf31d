/**
 * Reads a socket slowly while more has been heard than can be stored. Asterisk drops a client that takes nothing for the
 * `writetimeout` of manager.conf (100 ms unless set), FreeSWITCH one whose queue of 100,000 events is full: so a piece is read
 * every few ms, however far behind the disk is.
 */
interface Timer {
  after(ms: number, run: () => void): () => void;
}

interface Readable {
  pause(): unknown;
  resume(): unknown;
}

/** Pause between two pieces, ms; a piece is what one read of the socket gives, 64 KB at most. */
const PAUSE_MS = 20;

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

  /** A piece has been read from the socket. `mayRead`: false while it is not to be read for another reason. */
  read(socket: Readable, mayRead: () => boolean = () => true): void {
    if (!this.#held || this.#resume !== null) return;
    socket.pause();
    this.#resume = () => mayRead() && socket.resume();
    this.#cancel = this.#clock.after(PAUSE_MS, () => this.#go());
  }

  #go(): void {
    const resume = this.#resume;
    this.#resume = null;
    this.#cancel();
    resume?.();
  }
}
