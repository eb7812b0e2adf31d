/** Laws of the fold that hold for any calls, shown on the events of recorded ones. */
import fc from 'fast-check';
import t from 'tap';
import { readCapture } from '../../adapters/host/capture.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { RecordedFrame } from '../../src/inspect.ts';
import { type CallEvent, channelOf } from '../../src/telephony/call-event.ts';
import { listingAfter } from '../support/lists.ts';
import { readers, type Scenario, scenarios } from '../support/recordings.ts';
import { runs } from '../support/runs.ts';
import { planWith } from '../support/told.ts';

const SOURCE = 'pbx';
const END = Number.MAX_SAFE_INTEGER;
/** Load recordings are too long for hundreds of runs; a restart ends all calls of a PBX, so it concerns its neighbours. */
const LEFT_OUT = /storm|burst|thirty|snapshot|reconnect|crash|restart|shutdown|stop|idle|protocol/;

async function framesOf(scenario: Scenario): Promise<readonly RecordedFrame[]> {
  const { frames } = await readCapture(new URL('events.jsonl.gz', scenario.directory).pathname);
  return frames;
}

function eventsIn(frames: readonly RecordedFrame[], pbx: string): CallEvent[] {
  const reader = readers[pbx];
  if (reader === undefined) return [];
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
  readonly plan: SourcePlan;
  readonly frames: readonly RecordedFrame[];
  readonly events: readonly CallEvent[];
}

const calls: Recorded[] = [];
for (const scenario of scenarios()) {
  if (LEFT_OUT.test(scenario.name)) continue;
  const { pbx, plan, set, name } = scenario;
  const frames = await framesOf(scenario);
  const events = eventsIn(frames, pbx);
  if (events.length > 0) calls.push({ name: `${set}/${name}`, pbx, plan, frames, events });
}

/** Moves events in time by `by` ms. */
function shifted(events: readonly CallEvent[], by: number): CallEvent[] {
  return events.map((event) => ({ ...event, at: event.at + by, receivedAt: event.receivedAt + by }));
}

function fold(events: readonly CallEvent[], plan: SourcePlan): CallRecord[] {
  const table = new CallTable(SOURCE, plan, DEFAULT_RULES);
  const ended = events.flatMap((event) => table.apply(event).ended);
  return [...ended, ...table.advance(END).ended];
}

const byId = (records: readonly CallRecord[]) =>
  [...records].sort((a, b) => (a.callSessionId < b.callSessionId ? -1 : 1));

/** The two versions of Asterisk were recorded side by side, so that some of their ids are the same. */
function areApart(a: Recorded, b: Recorded): boolean {
  const ids = new Set(a.events.map((event) => channelOf(event)));
  return a.name !== b.name && a.plan === b.plan && b.events.every((event) => !ids.has(channelOf(event)));
}

const anyCall = fc.constantFrom(...calls);
const byArrival = (a: CallEvent, b: CallEvent) => a.receivedAt - b.receivedAt;

t.test('two calls at the same time give what each gives alone, however their events interleave', async (t) => {
  fc.assert(
    fc.property(anyCall, anyCall, fc.integer({ min: 0, max: 20_000 }), (a, b, offset) => {
      fc.pre(areApart(a, b));
      const start = a.events[0]?.receivedAt ?? 0;
      const other = shifted(b.events, start + offset - (b.events[0]?.receivedAt ?? 0));
      const { plan } = a;
      const together = fold([...a.events, ...other].sort(byArrival), plan);
      t.strictSame(byId(together), byId([...fold(a.events, plan), ...fold(other, plan)]), `${a.name} and ${b.name}`);
    }),
    runs(50, 500),
  );
});

t.test('an event that comes twice changes nothing', async (t) => {
  fc.assert(
    fc.property(anyCall, fc.infiniteStream(fc.boolean()), (call, twice) => {
      const repeated = call.events.flatMap((event) => (twice.next().value ? [event, event] : [event]));
      t.strictSame(byId(fold(repeated, call.plan)), byId(fold(call.events, call.plan)), call.name);
    }),
    runs(50, 500),
  );
});

t.test('a restart at any moment changes nothing: the events of the open calls rebuild the state', async (t) => {
  fc.assert(
    fc.property(anyCall, anyCall, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, where) => {
      fc.pre(areApart(a, b));
      const { plan } = a;
      const start = a.events[0]?.receivedAt ?? 0;
      const events = [...a.events, ...shifted(b.events, start - (b.events[0]?.receivedAt ?? 0))].sort(byArrival);
      const cut = Math.floor(where * events.length);
      const before = new CallTable(SOURCE, plan, DEFAULT_RULES);
      const open = new Set<string>();
      const ended: CallRecord[] = [];
      for (const event of events.slice(0, cut)) {
        const result = before.apply(event);
        for (const channel of result.opened) open.add(channel);
        for (const channel of result.released) open.delete(channel);
        ended.push(...result.ended);
      }
      const after = new CallTable(SOURCE, plan, DEFAULT_RULES);
      const kept = events.slice(0, cut).filter((event) => open.has(channelOf(event) ?? ''));
      for (const event of [...kept, ...events.slice(cut)]) ended.push(...after.apply(event).ended);
      ended.push(...after.advance(END).ended);
      // An internal call of a member of a conference does not know after a restart the customers who have left it before.
      const rooms = /conf/.test(`${a.name} ${b.name}`);
      const told = (records: readonly CallRecord[]) =>
        byId(rooms ? records.filter(({ direction }) => direction !== 'Internal') : records);
      t.strictSame(told(ended), told(fold(events, plan)), `${a.name} and ${b.name}, restarted after ${cut} events`);
    }),
    runs(50, 500),
  );
});

t.test('nor does one at any moment of a call that its outside party has left to the phones', async (t) => {
  for (const { name, events, plan } of calls.filter((call) => /redirect|agent_pool|nailed_up/.test(call.name))) {
    const whole = byId(fold(events, plan));
    for (const cut of events.keys()) {
      const before = new CallTable(SOURCE, plan, DEFAULT_RULES);
      const open = new Set<string>();
      const ended: CallRecord[] = [];
      const seen = events.slice(0, cut);
      // The clock goes on until the next event: what is due by then has been reported.
      for (const result of [
        ...seen.map((event) => before.apply(event)),
        before.advance((events[cut]?.receivedAt ?? 1) - 1),
      ]) {
        for (const channel of result.opened) open.add(channel);
        for (const channel of result.released) open.delete(channel);
        ended.push(...result.ended);
      }
      const kept = seen.filter((event) => open.has(channelOf(event) ?? ''));
      ended.push(...fold([...kept, ...events.slice(cut)], plan));
      t.strictSame(byId(ended), whole, `${name}, restarted after ${cut} events`);
    }
  }
});

t.test('every call ends exactly once, and every channel that was opened is released', async (t) => {
  for (const call of calls) {
    const table = new CallTable(SOURCE, call.plan, DEFAULT_RULES);
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

/** Without the words in which the evidence is told: in another order another of two equal facts is the older. */
const unexplained = (records: readonly CallRecord[]) => byId(records).map(({ reasons: _, ...rest }) => rest);

t.test('whether a leg is told to ring, to answer or to be dialled first changes nothing', async (t) => {
  const states = new Set(['alerting', 'initiated', 'dial-started']);
  for (const call of calls) {
    const events = [...call.events];
    const last = new Map<string, number>();
    for (const [index, event] of call.events.entries()) {
      const channel = channelOf(event) ?? '';
      const before = last.get(channel) ?? -1;
      const pair = call.events[before];
      last.set(channel, index);
      if (pair === undefined || !states.has(pair.kind) || !states.has(event.kind) || pair.kind === event.kind) continue;
      events[before] = { ...event, at: pair.at, receivedAt: pair.receivedAt };
      events[index] = { ...pair, at: event.at, receivedAt: event.receivedAt };
      last.delete(channel);
    }
    t.strictSame(unexplained(fold(events, call.plan)), unexplained(fold(call.events, call.plan)), call.name);
  }
});

/** Everything that frames say, with other names for endpoints. */
function renamed(frames: readonly RecordedFrame[], rename: (text: string) => string): RecordedFrame[] {
  return frames.map((frame) => ({ ...frame, raw: Buffer.from(rename(Buffer.from(frame.raw).toString())) }));
}

const LETTERS = 'abcdefghij';
const asWord = (digits: string) => `desk.${[...digits].map((digit) => LETTERS[Number(digit)]).join('')}`;
const asDigits = (text: string) =>
  text.replace(/desk\.([a-j]+)/g, (_, word: string) => [...word].map((letter) => LETTERS.indexOf(letter)).join(''));

t.test('names of endpoints mean nothing where contexts are told: trunks by digits, phones by words', async (t) => {
  const plan = planWith();
  const named = calls.filter(({ name }) => /^asterisk-(?:16|22)(?:-extra|-sip|-local)?\//.test(name));
  fc.assert(
    fc.property(fc.constantFrom(...named), fc.integer({ min: 1000, max: 99_999 }), (call, trunk) => {
      const one = eventsIn(
        renamed(call.frames, (text) =>
          text
            .replace(/\btrunk-(in|out)\b/g, (_, way: string) => `${trunk}${way === 'in' ? 1 : 2}`)
            .replace(/\b(PJSIP|SIP)\/(10\d\d)\b/g, (_, driver: string, ext: string) => `${driver}/${asWord(ext)}`)
            .replace(/^(DialString: )(10\d\d)\r$/gm, (_, header: string, ext: string) => `${header}${asWord(ext)}\r`),
        ),
        call.pbx,
      );
      const back = (records: readonly CallRecord[]) =>
        unexplained(records).map(({ trunk: _, ...rest }) => JSON.parse(asDigits(JSON.stringify(rest))));
      t.strictSame(back(fold(one, plan)), back(fold(call.events, plan)), `${call.name} as ${trunk}`);
    }),
    runs(50, 500),
  );
});

t.test('FreeSWITCH: a leg whose CHANNEL_HANGUP_COMPLETE is lost is told by its CHANNEL_DESTROY', async (t) => {
  const lost = /"Event-Name":"CHANNEL_HANGUP_COMPLETE"|^Event-Name: CHANNEL_HANGUP_COMPLETE$/m;
  for (const call of calls.filter(({ pbx }) => pbx === 'freeswitch')) {
    const frames = call.frames.filter((frame) => !lost.test(Buffer.from(frame.raw).toString()));
    const without = fold(eventsIn(frames, call.pbx), call.plan);
    t.strictSame(byId(without), byId(fold(call.events, call.plan)), call.name);
  }
});

const lastDigits = (number: string | null) => (number ?? '').replace(/\D/g, '').slice(-10);

/** The calls of a client that met the PBX after `cut` frames, asked it for its channels, and heard the rest. */
function met(call: Recorded, cut: number, orders: readonly (readonly number[])[]) {
  const now = call.frames[cut]?.receivedAt ?? 0;
  const { items } = listingAfter(call.pbx, call.frames.slice(0, cut), now);
  const begin = now - orders.length * items.length - 1;
  const stamp = { source: SOURCE, at: begin, receivedAt: begin };
  const listed = orders.flatMap((order, turn) => {
    const ranked = items.map((item, index) => ({ item, rank: order[index % order.length] ?? 0 }));
    const at = begin + turn * items.length;
    const rows = ranked.sort((a, b) => a.rank - b.rank).flatMap(({ item }, index) => [...item(at + index)]);
    const complete = {
      ...stamp,
      at: at + items.length,
      receivedAt: at + items.length,
      kind: 'snapshot-complete' as const,
    };
    return [...rows.map(withoutBoot), complete];
  });
  const connected = { ...stamp, kind: 'source-connected' as const, boot: null, bootedAt: null };
  const rest = eventsIn(call.frames.slice(cut), call.pbx);
  return { now, listed, records: fold([connected, ...listed, ...rest], call.plan) };
}

t.test(
  'met at any moment, listed up to three times in any order: direction, number and line are those of the call',
  async (t) => {
    const order = fc.array(fc.nat(99), { minLength: 6, maxLength: 6 });
    let compared = 0;
    fc.assert(
      fc.property(
        anyCall,
        fc.integer({ min: 100, max: 999 }),
        fc.array(order, { minLength: 1, maxLength: 3 }),
        (call, where, orders) => {
          const { now, listed, records } = met(call, Math.floor((where * call.frames.length) / 1000), orders);
          for (const whole of fold(call.events, call.plan)) {
            if (whole.direction === 'Internal' || whole.startedAt >= now || whole.endedAt <= now) continue;
            // Only what is listed can be known: the outside party with its number, and, where it called, as the one who began.
            const id = whole.callSessionId.slice(SOURCE.length + 1);
            const told = listed.some((event) => {
              if (
                event.kind !== 'snapshot-channel' ||
                event.facts.endpoint !== whole.trunk ||
                event.facts.wire !== null
              )
                return false;
              const { caller, dialled } = event.facts;
              const shown = [caller.number, dialled].map(lastDigits);
              return (
                shown.includes(lastDigits(whole.external)) && (whole.direction === 'Outbound' || event.channel === id)
              );
            });
            if (!told) continue;
            compared += 1;
            const same = records.find((one) => one.trunk === whole.trunk && Math.abs(one.endedAt - whole.endedAt) < 5);
            const line = (record: CallRecord | undefined) =>
              whole.direction === 'Inbound' ? lastDigits(record?.did ?? null) : '';
            t.strictSame(
              [same?.direction, same?.externalE164, line(same)],
              [whole.direction, whole.externalE164, line(whole)],
              `${call.name} met at ${now - (call.frames[0]?.receivedAt ?? 0)} ms`,
            );
          }
        },
      ),
      runs(130, 1500),
    );
    t.ok(compared > 50, `${compared} calls were met`);
  },
);
