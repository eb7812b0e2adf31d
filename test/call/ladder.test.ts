/** The picture of a call, beside what the rules made of the same events, in every recording. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { readCapture } from '../../adapters/host/capture.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import { type Ladder, ladderOf, ladderOfRecord, type SpanKind } from '../../src/call/ladder.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { channelIdOf, eventsOfCall } from '../../src/call/timeline.ts';
import { inspectFrames } from '../../src/inspect.ts';
import { recordOf } from '../page/fake.ts';
import { readers, type Scenario, scenarios } from '../support/recordings.ts';

/** Moments of the rules and of the picture may be those of different events of the same thing, ms. */
const NEAR_MS = 1500;
/** Their agents are in calls of their own, or on telephones outside, which no leg is named after. */
const ELSEWHERE = /conf|forward_|mobile|group_confirm|redirect|followme|click/;
/** Talks that are shorter say nothing, ms. */
const SEEN_MS = 1000;
/** In these the record knows more than the events of the call: a clock was set, or the PBX was not heard for a while. */
const KNOWN_OTHERWISE = /clock|blind|unknown|cdr|heard/;

async function drawn(scenario: Scenario): Promise<readonly (readonly [CallRecord, Ladder])[]> {
  const read = readers[scenario.pbx];
  const file = new URL('events.jsonl.gz', scenario.directory);
  if (read === undefined || !existsSync(file)) return [];
  const { frames } = await readCapture(file.pathname);
  const all = [...frames];
  const events = all.flatMap((frame) => read(frame.raw, 'pbx', frame.receivedAt));
  const { records } = inspectFrames(all, read, 'pbx', scenario.plan, DEFAULT_RULES);
  return records.flatMap((record) => {
    const ladder = ladderOf(eventsOfCall(events, channelIdOf(record)), scenario.plan);
    return ladder === null ? [] : [[record, ladder] as const];
  });
}

const spansOf = ({ legs }: Ladder, who: string, ...kinds: SpanKind[]) =>
  legs
    .filter((leg) => leg.who === who || leg.who.startsWith(`${who} #`))
    .flatMap(({ spans }) => spans.filter(({ kind }) => kinds.includes(kind)));

/** What the picture does not show of the call. */
function missing(record: CallRecord, ladder: Ladder, isHere: boolean): string[] {
  const found: string[] = [];
  if (ladder.from > record.startedAt + NEAR_MS) found.push('begins late');
  if (ladder.to < record.endedAt - NEAR_MS) found.push('ends early');
  for (const { ext, from, to } of record.agentsTalked) {
    if (to - from < SEEN_MS || !isHere) continue;
    const spans = spansOf(ladder, ext, 'talking', 'held');
    if (!spans.some((span) => span.from < to && span.to > from)) found.push(`${ext} does not talk`);
  }
  for (const ext of isHere ? record.agentsRung : []) {
    if (spansOf(ladder, ext, 'ringing', 'talking', 'calling', 'up').length === 0) found.push(`${ext} is not there`);
  }
  for (const { spans } of ladder.legs) {
    const order = spans.every(({ from, to }, n) => from <= to && from >= (spans[n - 1]?.to ?? from));
    if (!order) found.push('spans overlap');
  }
  return found;
}

t.test('who talked and rang is there in the picture, when it was', async (t) => {
  let calls = 0;
  // A storm is many calls of the same kinds.
  for (const scenario of scenarios().filter(({ name }) => !/storm|burst/.test(name))) {
    for (const [record, ladder] of await drawn(scenario)) {
      if (record.flags.some((flag) => KNOWN_OTHERWISE.test(flag))) continue;
      calls += 1;
      const problems = missing(record, ladder, !ELSEWHERE.test(scenario.name));
      if (problems.length > 0) t.same(problems, [], `${scenario.set}/${scenario.name} ${record.callSessionId}`);
    }
  }
  t.ok(calls > 300, `${calls} calls`);
});

t.test('of a call without events the record is drawn', async (t) => {
  const record = recordOf({
    agentsTalked: [{ ext: '1001', from: recordOf().answeredAt ?? 0, to: recordOf().endedAt }],
  });
  const { legs, from, to } = ladderOfRecord({ ...record, agentsRung: ['1001', '1002'] });
  t.same([from, to], [record.startedAt, record.endedAt]);
  t.same(
    legs.map(({ who, spans }) => [who, ...spans.map(({ kind }) => kind)]),
    [
      ['PJSIP/trunk-in', 'calling', 'talking'],
      ['1001', 'talking'],
      ['1002', 'ringing'],
    ],
  );
});
