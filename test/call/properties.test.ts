/** Laws of the fold that hold for any calls, shown on the events of recorded ones. */
import fc from 'fast-check';
import t from 'tap';
import { readCapture } from '../../adapters/host/capture.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { type CallEvent, channelOf } from '../../src/telephony/call-event.ts';
import { labPlan, readers, type Scenario, scenarios } from '../support/recordings.ts';

const SOURCE = 'pbx';
const END = Number.MAX_SAFE_INTEGER;
/** Load recordings are too long for hundreds of runs; a restart ends all calls of a PBX, so it concerns its neighbours. */
const LEFT_OUT = /storm|burst|thirty|reconnect|crash|restart|shutdown|stop|idle|protocol/;

async function eventsOf(scenario: Scenario): Promise<CallEvent[]> {
  const reader = readers[scenario.pbx];
  if (reader === undefined) return [];
  const { frames } = await readCapture(new URL('events.jsonl.gz', scenario.directory).pathname);
  const events = frames.flatMap((frame) => [...reader(frame.raw, SOURCE, frame.receivedAt)]);
  // Recordings come from different lives of the PBX: without this, two of them together would be a restart.
  return events.filter((event) => channelOf(event) !== null).map(({ ...event }) => withoutBoot(event));
}

function withoutBoot(event: CallEvent): CallEvent {
  if (!('boot' in event) || channelOf(event) === null) return event;
  const { boot: _, ...rest } = event;
  return rest as CallEvent;
}

interface Recorded {
  readonly name: string;
  readonly pbx: string;
  readonly events: readonly CallEvent[];
}

const calls: Recorded[] = [];
for (const scenario of scenarios()) {
  if (LEFT_OUT.test(scenario.name)) continue;
  const events = await eventsOf(scenario);
  if (events.length > 0) calls.push({ name: `${scenario.set}/${scenario.name}`, pbx: scenario.pbx, events });
}

/** Moves events in time by `by` ms. */
function shifted(events: readonly CallEvent[], by: number): CallEvent[] {
  return events.map((event) => ({ ...event, at: event.at + by, receivedAt: event.receivedAt + by }));
}

function fold(events: readonly CallEvent[], pbx: string): CallRecord[] {
  const table = new CallTable(SOURCE, labPlan(pbx), DEFAULT_RULES);
  const ended = events.flatMap((event) => table.apply(event).ended);
  return [...ended, ...table.advance(END).ended];
}

const byId = (records: readonly CallRecord[]) =>
  [...records].sort((a, b) => (a.callSessionId < b.callSessionId ? -1 : 1));

/** The two versions of Asterisk were recorded side by side, so that some of their ids are the same. */
function areApart(a: Recorded, b: Recorded): boolean {
  const ids = new Set(a.events.map((event) => channelOf(event)));
  return a.name !== b.name && a.pbx === b.pbx && b.events.every((event) => !ids.has(channelOf(event)));
}

const anyCall = fc.constantFrom(...calls);
const byArrival = (a: CallEvent, b: CallEvent) => a.receivedAt - b.receivedAt;

t.test('two calls at the same time give what each gives alone, however their events interleave', async (t) => {
  fc.assert(
    fc.property(anyCall, anyCall, fc.integer({ min: 0, max: 20_000 }), (a, b, offset) => {
      fc.pre(areApart(a, b));
      const start = a.events[0]?.receivedAt ?? 0;
      const other = shifted(b.events, start + offset - (b.events[0]?.receivedAt ?? 0));
      const { pbx } = a;
      const together = fold([...a.events, ...other].sort(byArrival), pbx);
      t.strictSame(byId(together), byId([...fold(a.events, pbx), ...fold(other, pbx)]), `${a.name} and ${b.name}`);
    }),
    { numRuns: 150 },
  );
});

t.test('an event that comes twice changes nothing', async (t) => {
  fc.assert(
    fc.property(anyCall, fc.infiniteStream(fc.boolean()), (call, twice) => {
      const repeated = call.events.flatMap((event) => (twice.next().value ? [event, event] : [event]));
      t.strictSame(byId(fold(repeated, call.pbx)), byId(fold(call.events, call.pbx)), call.name);
    }),
    { numRuns: 150 },
  );
});

t.test('a restart at any moment changes nothing: the events of the open calls rebuild the state', async (t) => {
  fc.assert(
    fc.property(anyCall, anyCall, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, where) => {
      fc.pre(areApart(a, b));
      const { pbx } = a;
      const start = a.events[0]?.receivedAt ?? 0;
      const events = [...a.events, ...shifted(b.events, start - (b.events[0]?.receivedAt ?? 0))].sort(byArrival);
      const cut = Math.floor(where * events.length);
      const before = new CallTable(SOURCE, labPlan(pbx), DEFAULT_RULES);
      const open = new Set<string>();
      const ended: CallRecord[] = [];
      for (const event of events.slice(0, cut)) {
        const result = before.apply(event);
        for (const channel of result.opened) open.add(channel);
        for (const channel of result.released) open.delete(channel);
        ended.push(...result.ended);
      }
      const after = new CallTable(SOURCE, labPlan(pbx), DEFAULT_RULES);
      const kept = events.slice(0, cut).filter((event) => open.has(channelOf(event) ?? ''));
      for (const event of [...kept, ...events.slice(cut)]) ended.push(...after.apply(event).ended);
      ended.push(...after.advance(END).ended);
      t.strictSame(byId(ended), byId(fold(events, pbx)), `${a.name} and ${b.name}, restarted after ${cut} events`);
    }),
    { numRuns: 150 },
  );
});

t.test('every call ends exactly once, and every channel that was opened is released', async (t) => {
  for (const call of calls) {
    const table = new CallTable(SOURCE, labPlan(call.pbx), DEFAULT_RULES);
    const open = new Set<string>();
    const ids: string[] = [];
    for (const result of [...call.events.map((event) => table.apply(event)), table.advance(END)]) {
      for (const channel of result.opened) open.add(channel);
      for (const channel of result.released) {
        t.ok(open.delete(channel), `${call.name}: a released channel was open`);
      }
      ids.push(...result.ended.map((record) => record.callSessionId));
    }
    t.equal(new Set(ids).size, ids.length, call.name);
    t.equal(open.size, 0, `${call.name}: nothing stays open`);
    t.equal(table.openChannels, 0);
  }
});
