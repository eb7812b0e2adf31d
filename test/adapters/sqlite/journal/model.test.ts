/** The journal against a model in plain arrays, over random histories. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { answered, batch, connected, frame, lost, memoryDatabase, on } from '../support.ts';

const EVER = Number.MAX_SAFE_INTEGER;
const sources = ['pbx', 'other'];
const place = fc.record({ source: fc.constantFrom(...sources), channel: fc.constantFrom('a', 'b', 'c') });

/** What happens; its time is its place in the history. */
const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('answered' as const), ...{ place } }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('connected' as const, 'lost' as const), ...{ place } }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('open' as const, 'release' as const), ...{ place } }) },
);
const history = fc.array(fc.array(happening, { maxLength: 6 }), { maxLength: 10 });

type Happening = (typeof happening extends fc.Arbitrary<infer H> ? H : never) & { readonly at: number };

function eventOf({ do: what, place, at }: Happening): CallEvent | null {
  if (what === 'answered') return answered(place.channel, at, place.source);
  if (what === 'connected') return connected(at, place.source);
  return what === 'lost' ? lost(at, place.source) : null;
}

const present = <T>(value: T | null): value is T => value !== null;

function modelOpenEvents(events: readonly CallEvent[], open: ReadonlySet<string>): readonly CallEvent[] {
  const isOpen = (event: CallEvent): boolean => 'channel' in event && open.has(`${event.source}/${event.channel}`);
  const start = new Map<string, number>();
  for (const source of sources) {
    const first = events.findIndex((event) => event.source === source && isOpen(event));
    const until = first === -1 ? events.length : first;
    const connection = events.findLastIndex(
      (event, index) => event.source === source && event.kind === 'source-connected' && index < until,
    );
    start.set(source, connection !== -1 ? connection : first === -1 ? EVER : first);
  }
  return events.filter(
    (event, index) => isOpen(event) || (!('channel' in event) && index >= (start.get(event.source) ?? 0)),
  );
}

t.test('open events are what the model says, and pruning everything does not change them', async (t) => {
  let runs = 0;
  fc.assert(
    fc.property(history, (batches) => {
      const db = memoryDatabase();
      const own = journalModule([])(db);
      const events: CallEvent[] = [];
      const open = new Set<string>();
      let at = 0;
      for (const part of batches) {
        const timed = part.map((one) => ({ ...one, at: ++at }));
        const added = timed.map(eventOf).filter(present);
        const places = (what: string) => timed.filter((one) => one.do === what).map((one) => one.place);
        const opened = places('open').map(({ source, channel }) => on(channel, source));
        const released = places('release').map(({ source, channel }) => on(channel, source));
        own.commit([batch({ frames: added.map((event) => frame(event)), opened, released })], 1);
        events.push(...added);
        for (const { source, channel } of opened) open.add(`${source}/${channel}`);
        for (const { source, channel } of released) open.delete(`${source}/${channel}`);
      }
      const read = () => own.openEvents().map(({ json }) => JSON.parse(json));
      const expected = modelOpenEvents(events, open);
      const before = read();
      while (own.prune({ rawBefore: EVER, eventsBefore: EVER, rawMaxBytes: 0, limit: 3 }).more);
      const after = read();
      const kept = own.eventsBetween(0, EVER, 0, EVER).length;
      db.close();
      assert.deepEqual(before, expected);
      assert.deepEqual(after, expected);
      assert.equal(kept, expected.length, 'pruning leaves nothing else');
      runs += 1;
    }),
    { numRuns: 100 },
  );
  t.equal(runs, 100);
});
