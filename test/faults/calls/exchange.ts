/** What happens in a PBX: copies of recorded calls that go on side by side, whoever listens. Knows no clock and no socket. */
import type { Copy } from './stamp.ts';
import { textOf } from './stamp.ts';
import type { Expected, Template } from './template.ts';

/** A copy of a recording that was begun. */
export interface Placed {
  readonly template: Template;
  readonly copy: Copy;
  readonly calls: readonly Expected[];
  /** Frames that have been told. */
  readonly told: number;
}

export interface Told {
  readonly placed: Placed;
  readonly index: number;
  readonly raw: Buffer;
}

interface Going extends Placed {
  told: number;
  readonly startAt: number;
}

/** Times are ms of one clock, whichever the owner uses. */
export class Exchange {
  readonly #going = new Set<Going>();
  readonly placed: Placed[] = [];
  #number: number;

  /** `firstNumber`: the copies are numbered from it on. */
  constructor(firstNumber = 1) {
    this.#number = firstNumber;
  }

  /** Begins a copy of the recording at `startAt`; `beganAt`: what the PBX's own clock shows then, ms since the epoch. */
  place(template: Template, at: { startAt: number; beganAt: number; speed: number; customer: string }): Placed {
    const { startAt, ...rest } = at;
    const copy: Copy = { number: this.#number, ...rest };
    this.#number += 1;
    const going: Going = { template, copy, calls: template.calls(copy), told: 0, startAt };
    this.#going.add(going);
    this.placed.push(going);
    return going;
  }

  #due({ template, told, startAt, copy }: Going): number {
    return startAt + (template.times[told] ?? 0) / copy.speed;
  }

  /** When the next frame comes; `null` when nothing goes on. */
  nextAt(): number | null {
    let next: number | null = null;
    for (const going of this.#going) next = Math.min(next ?? Number.POSITIVE_INFINITY, this.#due(going));
    return next;
  }

  /** The frames up to `now`, in order of time. */
  due(now: number): Told[] {
    const found: { at: number; told: Told }[] = [];
    for (const going of this.#going) {
      for (; going.told < going.template.length && this.#due(going) <= now; going.told += 1) {
        const index = going.told;
        const raw = going.template.frame(index, going.copy);
        found.push({ at: this.#due(going), told: { placed: going, index, raw } });
      }
      if (going.told >= going.template.length) this.#going.delete(going);
    }
    return found.sort((a, b) => a.at - b.at).map(({ told }) => told);
  }

  /** Copies that are not over. */
  get going(): number {
    return this.#going.size;
  }

  /** All that goes on ends at once, untold: the PBX was killed. */
  crash(): void {
    this.#going.clear();
  }

  /** The live channels; `ageMs`: since each was made. */
  live(now: number): { readonly text: string; readonly ageMs: number }[] {
    return [...this.#going].flatMap(({ template, told, copy, startAt }) =>
      template.live(told).map(({ madeAt, text }) => ({
        text: textOf(text, copy),
        ageMs: Math.max(0, now - startAt - madeAt / copy.speed),
      })),
    );
  }
}
