/** Longest time any single thing in a story may take, ms. A safety net, not a synchronisation. */
const PATIENCE_MS = 20_000;

/** Rejects with a sentence naming `what` when the promise is not settled within `ms`. */
export async function within<T>(promise: Promise<T>, what: string, ms: number = PATIENCE_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} did not happen within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Something that happens once, with the wall-clock time (ms since the epoch, UTC) at which it did. */
export class Moment {
  readonly #what: string;
  readonly #settled = Promise.withResolvers<number>();
  #at: number | null = null;

  constructor(what: string) {
    this.#what = what;
    this.#settled.promise.catch(() => undefined);
  }

  /** `null` until it happened. */
  get at(): number | null {
    return this.#at;
  }

  /** The first time counts. */
  happen(): void {
    if (this.#at !== null) return;
    this.#at = Date.now();
    this.#settled.resolve(this.#at);
  }

  /** It will never happen any more. */
  fail(reason: string): void {
    this.#settled.reject(new Error(`${this.#what}: ${reason}`));
  }

  wait(): Promise<number> {
    return within(this.#settled.promise, this.#what);
  }
}

/** Talk time is part of what is measured, so it really passes. */
export function talkFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
