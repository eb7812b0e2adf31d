/** What is remembered does not grow with the calls that have been: only with those that are still to be judged. */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import { lastingPbxs } from '../support/lasting.ts';

/** Calls after which everything has been taken into use that such calls need. */
const SETTLED = 500;

/** Finished channels and records that wait for late facts: these have upper limits, which would take more calls to reach. */
const LIMITED: ReadonlySet<string> = new Set(['finished', 'oldest', 'late']);

/** Everything that can be reached from `root`: objects, and what they, arrays, maps and sets hold. */
function sizeOf(root: object): number {
  const found = new Set<object>([root]);
  let entries = 0;
  for (const one of found) {
    for (const value of heldBy(one)) {
      entries += 1;
      if (typeof value === 'object' && value !== null) found.add(value);
    }
  }
  return found.size + entries;
}

function heldBy(one: object): unknown[] {
  if (one instanceof Map) return [...one.keys(), ...one.values()];
  if (one instanceof Set) return [...one];
  return Object.entries(one).flatMap(([name, value]) => (LIMITED.has(name) ? [] : [value]));
}

for (const { name, plan, before, call } of await lastingPbxs()) {
  t.test(name, async (t) => {
    const table = new CallTable('pbx', plan, DEFAULT_RULES);
    let ended = 0;
    const fold = (events: Iterable<Parameters<CallTable['apply']>[0]>) => {
      for (const event of events) ended += table.apply(event).ended.length;
    };
    fold(before);
    const sizes = [0, SETTLED, 2 * SETTLED].map((calls, index, all) => {
      for (let number = all[index - 1] ?? 0; number < calls; number += 1) fold(call(number));
      return sizeOf(table);
    });
    t.ok(ended > SETTLED, `${ended} calls were told`);
    t.equal(sizes[2], sizes[1], `${sizes.join(', ')} after none, ${SETTLED} and ${2 * SETTLED} calls`);
  });
}
