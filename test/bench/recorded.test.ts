/** Recordings that are played again and again by the benches. */
import t from 'tap';
import { type Pbx, recorded } from '../../bench/support/recorded.ts';

const IDS: Readonly<Record<Pbx, RegExp>> = {
  asterisk: /^(?:Dest)?(?:Unique|Linked)id: (.*)\r$/gm,
  freeswitch: /"(?:Unique-ID|Channel-Call-UUID)":"([^"]*)"/g,
};

for (const pbx of ['asterisk', 'freeswitch'] as const) {
  t.test(`${pbx}: a repetition is the same call on other channels, later`, async (t) => {
    const stream = recorded(pbx, 'call');
    const numbers = Array.from({ length: stream.length }, (_, number) => number);
    const idsOf = (tile: number): Set<string> =>
      new Set(
        numbers.flatMap((number) =>
          [...stream.frame(number, tile).toString('latin1').matchAll(IDS[pbx])].map(([, id = '']) => id),
        ),
      );
    const [first, second, late] = [idsOf(0), idsOf(1), idsOf(70_000)];
    t.ok(first.size >= 2);
    t.equal(second.size, first.size);
    t.same(
      [...first].filter((id) => second.has(id) || late.has(id)),
      [],
    );
    for (const number of numbers) t.equal(stream.frame(number, 1).length, stream.frame(number, 0).length);
  });

  t.test(`${pbx}: a recording is moved in time as a whole`, async (t) => {
    const to = Date.UTC(2026, 11, 24, 12);
    const [there, moved] = [recorded(pbx, 'call'), recorded(pbx, 'call', to)];
    const second = (stream: typeof there): number =>
      Number(/(?:Uniqueid: |Event-Date-Timestamp":")(\d{10})/.exec(stream.frame(0, 0).toString('latin1'))?.[1]);
    t.ok(Math.abs(second(moved) - to / 1000) < 5, 'it begins when it is told to');
    t.not(second(there), second(moved));
    t.equal(moved.coreUuid, there.coreUuid, 'the PBX is the same process');
  });
}
