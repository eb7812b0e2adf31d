/** What bounds a page, and the place where the next one begins. */
import t from 'tap';
import { z } from 'zod';
import { cursorOf, firstFound, placeOf } from '../../src/daemon/answers/pages.ts';

/** Every look takes so long, ms; row 90 is the only one there is. */
function looking(ms: number) {
  let now = 0;
  let looks = 0;
  const look = async (at: number) => {
    looks += 1;
    now += ms;
    return { found: at === 90 ? [at] : [], next: at < 200 ? at + 10 : null };
  };
  return { clock: { monotonic: () => now }, look, looks: () => looks };
}

t.test('a request ends with the first that is found, at the end, or when its time is over', async (t) => {
  const quick = looking(1);
  t.same(await firstFound(quick.clock, 0, quick.look), { found: [90], next: 100 });
  t.same(await firstFound(quick.clock, 100, quick.look), { found: [], next: null });
  const slow = looking(100);
  const part = await firstFound(slow.clock, 0, slow.look);
  t.same(part.found, []);
  t.equal(part.next, slow.looks() * 10, 'it tells where to go on');
  t.ok(slow.looks() <= 3);
  const slower = looking(10_000);
  t.same(await firstFound(slower.clock, 0, slower.look), { found: [], next: 10 }, 'one look is always made');
});

t.test('a place is good for the same selection alone', async (t) => {
  const place = z.object({ at: z.number() });
  const cursor = cursorOf({ states: ['parked'], source: undefined, force: false }, { at: 7 });
  t.same(placeOf({ force: false, states: ['parked'] }, cursor, place), { at: 7 });
  for (const other of [
    {},
    { states: ['parked'] },
    { states: ['parked'], force: true },
    { states: ['skipped'], force: false },
  ])
    t.throws(() => placeOf(other, cursor, place), { status: 400, message: /belongs to another selection/ });
  const same = { states: ['parked'], force: false };
  t.throws(() => placeOf(same, cursorOf(same, { at: 'x' }), place), { status: 400, message: /cannot be read/ });
  t.throws(() => placeOf(same, '', place), { name: 'ControlError' });
});
