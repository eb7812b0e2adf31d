/** The gap of a PBX that was deaf, as the source tells it: from the last call before to the first one after it. */
import t from 'tap';
import type { Gap, Gaps } from '../../../src/records/gaps.ts';
import { watchGaps } from '../../../src/records/watch.ts';
import { flush } from '../../delivery/fakes.ts';
import { bench, event } from './hearing-support.ts';
import { FakeClock } from './support.ts';

t.test('it is as long as the PBX was deaf', async (t) => {
  const told: (readonly [what: 'begin' | 'end', at: number])[] = [];
  const gaps = {
    async begin({ at }: { at: number }) {
      told.push(['begin', at]);
    },
    async end({ at }: { at: number }) {
      told.push(['end', at]);
      return { endedAt: at } as Gap;
    },
    async heard() {},
  } as unknown as Gaps;
  const watch = watchGaps({
    ...{ gaps, clock: new FakeClock(), statuses: () => [], stored: async () => true, liveOf: () => 0 },
    onEnded: () => {},
    onFault: (_, text) => t.fail(text),
  });
  const { clock, peer, look, heard } = await bench(
    t,
    [],
    undefined,
    true,
    (status) => watch.status(status),
    ({ events }) => events.forEach(watch.note),
  );
  const beganAt = clock.now();
  for (const live of [2, 2]) await look(peer, { live });
  peer.packet(...event('Newchannel', '1795344641.0'));
  await heard(peer);
  await flush();
  const [from, to] = told.slice(-2);
  t.same([from?.[0], to?.[0]], ['begin', 'end']);
  t.equal(from?.[1], beganAt);
  t.equal(to?.[1], clock.now());
  t.ok((to?.[1] ?? 0) > beganAt);
});
