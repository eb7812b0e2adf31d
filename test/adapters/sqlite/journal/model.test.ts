/** The journal against a model in plain arrays, over random histories with sealing and pruning in between. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { decode, KIND, ownEventsOf } from '../../../../adapters/sqlite/journal/frames.ts';
import { journalModule } from '../../../../adapters/sqlite/journal/journal.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { runs } from '../../../support/runs.ts';
import { answered, commit, connected, frame, lost, memoryDatabase, on } from '../support.ts';

const EVER = Number.MAX_SAFE_INTEGER;
const sources = ['pbx', 'other'];
const place = fc.record({ source: fc.constantFrom(...sources), channel: fc.constantFrom('a', 'b', 'c') });

/** What happens; its time is its place in the history. */
const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('answered' as const, 'told' as const), ...{ place } }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('connected' as const, 'lost' as const), ...{ place } }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('open' as const, 'release' as const), ...{ place } }) },
);
const step = fc.record({
  happenings: fc.array(happening, { maxLength: 6 }),
  afterwards: fc.constantFrom('nothing' as const, 'nothing' as const, 'seal' as const, 'prune' as const),
});
const history = fc.array(step, { maxLength: 12 });

type Happening = (typeof happening extends fc.Arbitrary<infer H> ? H : never) & { readonly at: number };

/** `told`: in the bytes of the PBX; the others the client says itself. */
function frameOf({ do: what, place, at }: Happening) {
  const { source, channel } = place;
  if (what === 'answered') return frame(answered(channel, at, source));
  if (what === 'told') return frame(answered(channel, at, source), Buffer.from(`Uniqueid: ${channel}`));
  if (what === 'connected') return frame(connected(at, source));
  return what === 'lost' ? frame(lost(at, source)) : null;
}

interface Told {
  readonly event: CallEvent;
  /** The transaction it came in. */
  readonly batch: number;
}

/** Of each source with open channels what must be folded: its connection, then what came since the first of them opened. */
function expected(told: readonly Told[], open: ReadonlyMap<string, number>) {
  const found = new Map<string, readonly CallEvent[]>();
  for (const source of [...sources].sort()) {
    const begun = [...open].flatMap(([name, batch]) => (name.startsWith(`${source}/`) ? [batch] : []));
    if (begun.length === 0) continue;
    const from = Math.min(...begun);
    const own = told.filter(({ event }) => event.source === source);
    const connection = own.findLast(({ event, batch }) => event.kind === 'source-connected' && batch < from);
    const since = own.filter(({ batch }) => batch >= from).map(({ event }) => event);
    const needed = since.filter((event) => !('channel' in event) || open.has(`${source}/${event.channel}`));
    found.set(source, [...(connection === undefined ? [] : [connection.event]), ...needed]);
  }
  return found;
}

function read(own: ReturnType<ReturnType<typeof journalModule>>) {
  const found = new Map<string, readonly CallEvent[]>();
  for (const { source, channels, from, connected: connection } of own.openCalls()) {
    const events: CallEvent[] = connection === null ? [] : [JSON.parse(connection)];
    for (let next: number | null = from; next !== null; ) {
      const page = own.frames({ source, from: next, channels });
      for (const one of decode(page.bytes)) {
        const said =
          one.kind === KIND.pbx ? [answered(one.bytes.toString().slice(10), one.at, source)] : ownEventsOf(one);
        events.push(...said.filter((event) => !('channel' in event) || channels.includes(event.channel)));
      }
      next = page.next;
    }
    found.set(source, events);
  }
  return found;
}

t.test('the open calls are read again as the model says, whatever was sealed and pruned', async (t) => {
  const wanted = runs(40, 300);
  let done = 0;
  fc.assert(
    fc.property(history, (steps) => {
      const db = memoryDatabase();
      let own = journalModule([])(db);
      const told: Told[] = [];
      const open = new Map<string, number>();
      let at = 0;
      for (const [n, { happenings, afterwards }] of steps.entries()) {
        const timed = happenings.map((one) => ({ ...one, at: ++at }));
        const frames = timed.flatMap((one) => frameOf(one) ?? []);
        const places = (what: string) => timed.filter((one) => one.do === what).map((one) => one.place);
        const opened = places('open').map(({ source, channel }) => on(channel, source));
        const released = places('release').map(({ source, channel }) => on(channel, source));
        commit(own, { frames, opened, released });
        told.push(...frames.flatMap(({ events }) => events.map((event) => ({ event, batch: n }))));
        for (const { source, channel } of opened) {
          if (!open.has(`${source}/${channel}`)) open.set(`${source}/${channel}`, n);
        }
        for (const { source, channel } of released) open.delete(`${source}/${channel}`);
        if (afterwards === 'seal') while (own.seal({ before: EVER }).more);
        if (afterwards === 'prune') while (own.prune({ before: EVER, maxBytes: 0, limit: 1 }).more);
        // A start in between.
        if (n % 3 === 2) own = journalModule([])(db);
        assert.deepEqual(read(own), expected(told, open));
      }
      db.close();
      done += 1;
    }),
    wanted,
  );
  t.equal(done, wanted.numRuns);
});
