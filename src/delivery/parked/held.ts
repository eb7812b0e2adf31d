/** What a replay tells of calls that it leaves alone, as the config would have them skipped again. */
import { changeOf, SKIPPED_CODES, type SkippedCode } from './reasons.ts';

/** Calls by the code of the reason. */
export type HeldBack = Readonly<Partial<Record<SkippedCode, number>>>;

export const heldIn = (held: HeldBack): number => Object.values(held).reduce((all, one) => all + one, 0);

/** `a` and `b` together. */
export function addHeld(a: HeldBack, b: HeldBack): HeldBack {
  const codes = SKIPPED_CODES.filter((code) => a[code] !== undefined || b[code] !== undefined);
  return Object.fromEntries(codes.map((code) => [code, (a[code] ?? 0) + (b[code] ?? 0)]));
}

/** One line for each reason, with what to change. `byId`: whether the calls were named, which overrules all that can be. */
export function heldLines(held: HeldBack, byId: boolean): readonly string[] {
  const lines = SKIPPED_CODES.flatMap((code) => {
    const calls = held[code] ?? 0;
    if (calls === 0) return [];
    const { what, helps } = changeOf(code);
    const some = calls === 1 ? '1 call is' : `${calls} calls are`;
    return [`${some} left alone, to be skipped again: ${what} (${code}). To have such calls posted: ${helps}.`];
  });
  const free = SKIPPED_CODES.filter((code) => held[code] !== undefined && !STAYS.has(code));
  return byId || free.length === 0
    ? lines
    : [...lines, `Those of ${free.join(', ')} are posted all the same by their id: logcalld replay ID.`];
}

/** What also a call that is named is not posted for: see `asNamed`. */
const STAYS: ReadonlySet<SkippedCode> = new Set(['skip-internal', 'skip-one-extension', 'skip-own-number']);
