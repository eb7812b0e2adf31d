/**
 * How many of the last calls of one PBX lack a number, by cause: when that is more than chance and habit explain.
 *
 * Looked at are the last 50 calls in and the last 50 out, each for themselves, since a PBX that mostly calls out would hide what is
 * wrong with the calls that come in. Half a hundred tells a share of a tenth from one of a hundredth; a week bridges weekends
 * and holidays, and what is older was another set-up.
 *
 * Where numbers are read right, hardly one in a hundred is not (service codes, slips): six of 50 would then happen once in
 * 90,000 times, so **more than a tenth, and at least five**. Callers who hide their number are another matter: a few in a hundred
 * everywhere, up to a tenth in some countries, more at help lines. There **more than half, and at least five**, looked at for
 * each trunk as well, since one line without caller ID among several is drowned in the others. Where one in twenty hides, five of
 * nine happen once in 30,000 times, 26 of 50 never.
 *
 * What has been raised stands until the share is half of what raised it, so that it does not come and go.
 */
import type { NumberSeen, NumberTrouble } from './number-trouble.ts';

/** Calls each way that count. */
const WINDOW_CALLS = 50;

/** Age up to which they count, ms. */
export const WINDOW_MS = 7 * 24 * 3_600_000;

interface Bounds {
  readonly atLeast: number;
  /** More than this share of the calls. */
  readonly share: number;
}

const READ_WRONG: Bounds = { atLeast: 5, share: 0.1 };
const HIDDEN: Bounds = { atLeast: 5, share: 0.5 };

const half = ({ atLeast, share }: Bounds): Bounds => ({ atLeast: atLeast / 2, share: share / 2 });

/** A cause that stands out. */
export interface Standing {
  readonly trouble: NumberTrouble;
  /** The calls that have it, oldest first. */
  readonly calls: readonly NumberSeen[];
  /** Of so many. */
  readonly of: number;
  /** The trunk that all of them came by, where it alone stands out. */
  readonly trunk: string | null;
}

const CAUSES: Readonly<Record<NumberSeen['way'], readonly NumberTrouble[]>> = {
  in: ['caller-hidden', 'caller-unread'],
  out: ['called-unread', 'called-unnamed', 'short-number'],
};

export class Shares {
  private readonly windows: Record<NumberSeen['way'], NumberSeen[]> = { in: [], out: [] };
  private readonly raised = new Set<NumberTrouble>();

  /** Takes a call in, at its place in time; one that is known already is replaced. */
  note(seen: NumberSeen): void {
    // It may have been taken for one the other way.
    this.forget(seen.id);
    const others = this.windows[seen.way];
    const at = others.findLastIndex((one) => one.endedAt <= seen.endedAt) + 1;
    this.windows[seen.way] = others.toSpliced(at, 0, seen).slice(-WINDOW_CALLS);
  }

  /** Takes out a call that turned out to say nothing. */
  forget(id: string): void {
    for (const way of ['in', 'out'] as const) this.windows[way] = this.windows[way].filter((one) => one.id !== id);
  }

  /** What stands out at `now` (ms since the epoch). `counts`: false for a call whose trouble turned out to be none. */
  standing(now: number, counts: (seen: NumberSeen) => boolean): readonly Standing[] {
    const found: Standing[] = [];
    for (const way of ['in', 'out'] as const) {
      this.windows[way] = this.windows[way].filter((one) => one.endedAt > now - WINDOW_MS);
      for (const trouble of CAUSES[way]) {
        const one = this.look(this.windows[way], trouble, counts);
        if (one === null) this.raised.delete(trouble);
        else {
          this.raised.add(trouble);
          found.push(one);
        }
      }
    }
    return found;
  }

  private look(all: readonly NumberSeen[], trouble: NumberTrouble, counts: (seen: NumberSeen) => boolean) {
    const bounds = trouble === 'caller-hidden' ? HIDDEN : READ_WRONG;
    const { atLeast, share } = this.raised.has(trouble) ? half(bounds) : bounds;
    const standsOut = (calls: readonly NumberSeen[], trunk: string | null): Standing | null => {
      const having = calls.filter((one) => one.trouble === trouble && counts(one));
      const enough = having.length >= atLeast && having.length > share * calls.length;
      return enough ? { trouble, calls: having, of: calls.length, trunk } : null;
    };
    const trunks = trouble === 'caller-hidden' ? new Set(all.map(({ trunk }) => trunk)) : [];
    for (const trunk of trunks) {
      const own =
        trunk === null
          ? null
          : standsOut(
              all.filter((one) => one.trunk === trunk),
              trunk,
            );
      if (own !== null) return own;
    }
    return standsOut(all, null);
  }
}
