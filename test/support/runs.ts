/** How much of what has no end is tried: little and always the same in `npm test`, much and by chance in `npm test -- --slow`. */
import fc from 'fast-check';

const MANY = process.env.LOGCALLD_TEST_RUNS === 'many';

/** Runs of a property, as options of `fc.assert`. */
export const runs = (few: number, many: number): { readonly numRuns: number; readonly seed?: number } =>
  MANY ? { numRuns: many } : { numRuns: few, seed: 20_260_105 };

/** The length of a simulated time, or any other amount. */
export const amount = (little: number, much: number): number => (MANY ? much : little);

/**
 * Strings of any characters, those outside of the basic plane, controls and unassigned ones included. (fast-check's own
 * `unit: 'binary'` spends a second on a table of all of them.)
 */
export function anyText(maxLength = 20): fc.Arbitrary<string> {
  const point = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 0x7f }) },
    { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0x2fff }) },
    // Without the halves of surrogate pairs.
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0x10_ffff - 0x800 }).map((n) => (n < 0xd800 ? n : n + 0x800)) },
  );
  return fc.array(point, { maxLength }).map((points) => String.fromCodePoint(...points));
}
