/** Faults of single frames: each costs its frame and nothing else. All are counted; so many are told that the log stays legible. */
export class Faults {
  readonly #tell: (text: string) => void;
  readonly #times = new Map<string, number>();

  /** `tell`: one sentence for the administrator. */
  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** Tells the first of a subject, the tenth, the hundredth and so on. `text`: one sentence, without anything of a call. */
  add(subject: string, text: string): void {
    const times = (this.#times.get(subject) ?? 0) + 1;
    this.#times.set(subject, times);
    if (times === 1) this.#tell(`${text} Further ones are counted.`);
    else if (/^10+$/.test(String(times))) this.#tell(`${text} That makes ${times}.`);
  }

  /** How many there were. */
  get count(): number {
    return [...this.#times.values()].reduce((sum, times) => sum + times, 0);
  }
}
