/** Clocks that are set at any moment of recorded calls: who, how and how long stays what it was. */
import fc from 'fast-check';
import t from 'tap';
import { readCapture } from '../../adapters/host/capture.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { type CallEvent, channelOf } from '../../src/telephony/call-event.ts';
import { readers, scenarios } from '../support/recordings.ts';

const HOUR = 3_600_000;
const END = Number.MAX_SAFE_INTEGER;

interface Recorded {
  readonly name: string;
  readonly plan: SourcePlan;
  readonly events: readonly CallEvent[];
  /** Its events have times of the PBX. */
  readonly own: boolean;
}

const recorded: Recorded[] = [];
for (const { name, set, pbx, plan, directory } of scenarios()) {
  if (/storm|burst|thirty|snapshot|reconnect|crash|restart|shutdown|stop|idle|protocol/.test(name)) continue;
  const { frames } = await readCapture(new URL('events.jsonl.gz', directory).pathname);
  const all = frames.flatMap(({ raw, receivedAt }) => [...(readers[pbx]?.(raw, 'pbx', receivedAt) ?? [])]);
  const events = all.filter((event) => channelOf(event) !== null);
  const own = events.some(({ at, receivedAt }) => at !== receivedAt);
  if (events.length > 0) recorded.push({ name: `${set}/${name}`, plan, events, own });
}

function fold(events: readonly CallEvent[], plan: SourcePlan): CallRecord[] {
  const table = new CallTable('pbx', plan, DEFAULT_RULES);
  const ended = events.flatMap((event) => table.apply(event).ended);
  return [...ended, ...table.advance(END).ended];
}

/** The same with all clocks ahead by `by` from the first event on that is not among the first `cut`. */
function stepped({ events, own }: Recorded, cut: number, clock: 'ours' | 'pbx', by: number): CallEvent[] {
  const first = events[cut];
  if (first === undefined) return [...events];
  const [at, receivedAt] = clock === 'pbx' ? [by, 0] : [own ? 0 : by, by];
  const later = events
    .slice(cut)
    .map((event) => ({ ...event, at: event.at + at, receivedAt: event.receivedAt + receivedAt }));
  const now = first.receivedAt + receivedAt;
  return [
    ...events.slice(0, cut),
    { kind: 'clock-stepped', source: 'pbx', at: now, receivedAt: now, clock, by },
    ...later,
  ];
}

const lengths = (records: readonly CallRecord[]) =>
  records
    .map(({ startedAt: _, answeredAt, endedAt, agentsTalked, flags, endBetween, ...rest }) => ({
      ...rest,
      answered: answeredAt === null ? null : endedAt - answeredAt,
      talked: agentsTalked.map(({ ext, from, to }) => [ext, to - from]),
      flags: flags.filter((flag) => flag !== 'clock-stepped'),
      endBetween,
    }))
    .sort((a, b) => (a.callSessionId < b.callSessionId ? -1 : 1));

t.test('a step changes no length, and nothing but times', async (t) => {
  let marked = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...recorded),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom('ours' as const, 'pbx' as const),
      fc.constantFrom(HOUR, -HOUR, 720 * HOUR, -720 * HOUR),
      (call, where, clock, by) => {
        fc.pre(clock === 'ours' || call.own);
        const cut = Math.floor(where * call.events.length);
        // Times of the PBX that are those of arrival by chance are not known to be its own until one is another.
        const before = call.events.slice(0, cut);
        fc.pre(!call.own || cut === 0 || before.some(({ at, receivedAt }) => at !== receivedAt));
        const records = fold(stepped(call, cut, clock, by), call.plan);
        const whole = fold(call.events, call.plan);
        t.strictSame(lengths(records), lengths(whole), `${call.name}: ${clock} by ${by} after ${cut} events`);
        const flagged = records.filter(({ flags }) => flags.includes('clock-stepped')).length;
        if (clock === 'ours' && call.own) t.equal(flagged, 0);
        marked += flagged;
      },
    ),
    { numRuns: 1500 },
  );
  t.ok(marked > 40, `${marked} calls were touched`);
});
