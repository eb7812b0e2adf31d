/** Legs in the order of their records, woven into whole calls: any calls, any span. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { CdrLeg } from '../../../../adapters/freeswitch/cdr/leg.ts';
import { SkipTally } from '../../../../adapters/freeswitch/records/skipped.ts';
import { LOOK_MS, type RecordedLeg, type Weaving, weave } from '../../../../adapters/freeswitch/records/weave.ts';
import type { Span } from '../../../../src/call/cdr/coverage.ts';
import type { RecordsPage } from '../../../../src/records/port.ts';
import { runs } from '../../../support/runs.ts';
import { SOURCE } from './support.ts';

const MINUTE = 60_000;

interface Call {
  readonly id: number;
  readonly legs: readonly CdrLeg[];
}

function legOf(
  channel: string,
  startedAt: number,
  endedAt: number,
  ties: readonly string[],
  room: string | null,
): CdrLeg {
  const stamp = { source: SOURCE, at: startedAt, receivedAt: startedAt };
  const events = [{ ...stamp, kind: 'held' as const, channel }];
  return { channel, startedAt, endedAt, events, ties: new Set(ties), room, called: false, calls: [], meetings: [] };
}

/** Calls of some legs: those that the first one names, strangers that name the first one, and rooms in which none names another. */
const calls: fc.Arbitrary<Call[]> = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: 600 }),
      first: fc.integer({ min: 0, max: 100 }),
      conference: fc.boolean(),
      others: fc.array(
        fc.record({
          after: fc.integer({ min: 0, max: 40 }),
          lasts: fc.integer({ min: 0, max: 60 }),
          named: fc.boolean(),
        }),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 12 },
  )
  .map((list) =>
    list.map(({ start, first, others, conference }, id): Call => {
      const begun = start * MINUTE;
      const ended = (start + first) * MINUTE;
      const rest = others.map(({ after, lasts, named }, index) => {
        // One that nobody names and that outlives the first has no reason to.
        const from = begun + Math.min(after, first) * MINUTE;
        const to = named || conference ? from + lasts * MINUTE : Math.min(from + lasts * MINUTE, ended);
        const ties = conference ? [] : [`${id}-a`];
        return { named, leg: legOf(`${id}-${index}`, from, to, ties, conference ? `${id}-room` : null) };
      });
      const named = conference ? [] : rest.filter((one) => one.named).map((one) => one.leg.channel);
      // And one leg that has no record.
      const ties = [...named, `${id}-none`];
      return {
        id,
        legs: [legOf(`${id}-a`, begun, ended, ties, conference ? `${id}-room` : null), ...rest.map(({ leg }) => leg)],
      };
    }),
  );

const span: fc.Arbitrary<Span> = fc
  .record({ from: fc.integer({ min: 0, max: 800 }), length: fc.integer({ min: 0, max: 300 }) })
  .map(({ from, length }) => ({ from: from * MINUTE, to: (from + length) * MINUTE }));

async function woven(list: readonly Call[], span: Span): Promise<RecordsPage[]> {
  const records = list
    .flatMap((call) => call.legs)
    .map((leg): RecordedLeg => ({ leg, recordedAt: leg.endedAt + 5 }))
    .sort((a, b) => a.recordedAt - b.recordedAt);
  const until = span.to + LOOK_MS;
  async function* legs() {
    yield* records.filter(({ recordedAt }) => recordedAt >= span.from - LOOK_MS && recordedAt <= until);
  }
  const find = async (channels: readonly string[], weaving: Weaving) =>
    new Map(
      records
        .filter(({ leg }) => channels.includes(leg.channel))
        .map((one) => {
          const later = one.recordedAt >= weaving.position && one.recordedAt <= until;
          return [one.leg.channel, later ? ('later' as const) : one] as const;
        }),
    );
  const pages: RecordsPage[] = [];
  const options = {
    span,
    source: SOURCE,
    legs,
    find,
    skipped: new SkipTally(),
    completeTo: () => Number.MAX_SAFE_INTEGER,
  };
  for await (const page of weave(options)) pages.push(page);
  return pages;
}

const legsIn = (pages: readonly RecordsPage[]) =>
  pages.flatMap(({ events }) => events.map((event) => ('channel' in event ? event.channel : '')));

t.test('every call of the span is told once, wholly, and no other', async (t) => {
  const told = fc.asyncProperty(calls, span, async (list, span) => {
    const wanted = list
      .filter(({ legs }) => legs.some((leg) => leg.startedAt <= span.to && leg.endedAt + 5 >= span.from))
      .flatMap(({ legs }) => legs.map((leg) => leg.channel));
    const pages = await woven(list, span);
    assert.deepEqual(legsIn(pages).sort(), wanted.sort());
    assert.equal(pages.at(-1)?.upTo, span.to);
  });
  await t.resolves(fc.assert(told, runs(100, 1000)));
});

t.test('a reading that is broken off goes on from the last page', async (t) => {
  const list = Array.from({ length: 900 }, (_, id): Call => {
    // Three seconds apart: when a page is full, some have ended that are not known to be whole yet.
    const begun = id * 3000;
    const outlives = id % 7 === 0 ? 90 : 2;
    const first = legOf(`${id}-a`, begun, begun + 3 * MINUTE, [`${id}-b`], null);
    return { id, legs: [first, legOf(`${id}-b`, begun, begun + outlives * MINUTE, [`${id}-a`], null)] };
  });
  const whole = { from: 0, to: 300 * MINUTE };
  const pages = await woven(list, whole);
  t.ok(pages.length > 5);
  for (const [index, { upTo, events }] of pages.entries()) {
    t.ok(events.length <= 210, 'pages of a size that does not depend on the span');
    const seen = new Set(legsIn(pages.slice(0, index + 1)));
    for (const channel of legsIn(await woven(list, { from: upTo, to: whole.to }))) seen.add(channel);
    t.equal(seen.size, 1800, 'nothing is lost');
  }
});
