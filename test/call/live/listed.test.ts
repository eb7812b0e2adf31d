/** What lists of live channels say while the link stands: that a channel is gone, and that one lives. */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import { eventsOfCall } from '../../../src/call/timeline.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { facts } from '../../support/facts.ts';
import { labPlan } from '../../support/recordings.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const HOUR = 3_600_000;
const stamp = (ms: number) => ({ source: 'pbx', at: START + ms, receivedAt: START + ms });

/** A caller talks with 1001, as a PBX tells it whose clock is `ahead` ms ahead. */
const talking = (ahead = 0): readonly CallEvent[] => {
  const on = (ms: number) => ({ ...stamp(ms), at: START + ms + ahead });
  return [
    { ...on(0), kind: 'channel-created', channel: 'a', facts: facts('PJSIP/trunk-in', 'a') },
    {
      ...on(10),
      kind: 'channel-created',
      channel: 'b',
      facts: facts('PJSIP/1001', 'a', { initiator: 'pbx', dialled: null }),
    },
    { ...on(1000), kind: 'answered', channel: 'b' },
    { ...on(1000), kind: 'bridge-entered', channel: 'b', bridge: 'x', bridgeKind: 'talk' },
    { ...on(1000), kind: 'bridge-entered', channel: 'a', bridge: 'x', bridgeKind: 'talk' },
  ];
};
/** Found to be gone at 70 s, listed last at 40 s. */
const vanished = (channel: string): CallEvent => ({ ...stamp(70_000), at: START + 40_000, kind: 'vanished', channel });

const table = () => new CallTable('pbx', labPlan('asterisk'), DEFAULT_RULES);

t.test('a call whose channels are listed no more ends where they lived last, marked', async (t) => {
  const calls = table();
  for (const event of [...talking(), vanished('a')]) calls.apply(event);
  t.strictSame(calls.advance(START + 73_000).ended, [], 'the other channel lives');
  calls.apply(vanished('b'));
  t.equal(calls.nextDeadline(), START + 72_000);
  const { ended, released } = calls.advance(START + 74_000);
  t.match(ended, [
    { status: 'Answered', agent: '1001', endedAt: START + 40_000, flags: ['blind-interval', 'end-unknown'] },
  ]);
  t.strictSame([...released].sort(), ['a', 'b']);
});

t.test('by the clock of the PBX, where that is another', async (t) => {
  const calls = table();
  for (const event of [...talking(2 * HOUR), vanished('a'), vanished('b')]) calls.apply(event);
  const [ended] = calls.advance(START + 74_000).ended;
  t.equal(ended?.endedAt, START + 40_000 + 2 * HOUR);
});

t.test('an end that was seen stands, and what is unknown stays so', async (t) => {
  const calls = table();
  const clearing = { q850: 16, sip: null, text: null };
  const cleared = (channel: string): CallEvent => ({ ...stamp(30_000), kind: 'cleared', channel, clearing });
  for (const event of [...talking(), cleared('a'), cleared('b'), vanished('b'), vanished('c')]) calls.apply(event);
  t.equal(calls.openChannels, 0);
  const [ended] = foldOf([...talking(), cleared('a'), cleared('b')]).advance(START + 74_000).ended;
  t.match(ended, { endedAt: START + 30_000, flags: [] });
});

function foldOf(events: readonly CallEvent[]): CallTable {
  const calls = table();
  for (const event of events) calls.apply(event);
  return calls;
}

t.test('the row of a list makes a channel known, confirms it, and takes nothing away', async (t) => {
  const rough = facts('PJSIP/trunk-in', 'z', { caller: { number: null, name: null }, dialled: null });
  const listed = (ms: number, row: boolean, shown = rough): CallEvent => ({
    ...{ ...stamp(ms), kind: 'snapshot-channel', channel: 'a', facts: shown, ...(row ? {} : { told: true }) },
    ...{ createdAt: START + 500, answered: true, answeredAt: row ? null : START + 2000, bridge: null },
  });
  const full = facts('PJSIP/trunk-in', 'a');
  const seen = (events: readonly CallEvent[]) => foldOf(events).live(START + 60_000)[0]?.record;
  const well = seen([listed(0, false, full)]);
  t.strictSame(seen([listed(0, false, full), listed(5000, true)]), well, 'after a dump it tells nothing');
  t.match(seen([listed(0, true)]), { external: null }, 'alone it is better than nothing');
  t.strictSame(seen([listed(0, true, full), listed(5000, false, full)])?.startedAt, well?.startedAt);
  const calls = foldOf([
    listed(0, false, full),
    { ...stamp(1000), kind: 'source-lost', orderly: false, reason: 'closed' },
    { ...stamp(2000), kind: 'source-connected', boot: null, bootedAt: null },
    listed(3000, true),
    { ...stamp(4000), kind: 'snapshot-complete' },
  ]);
  t.equal(calls.openChannels, 1, 'confirmed');
});

t.test('it is part of the timeline of its call', async (t) => {
  t.ok(eventsOfCall([...talking(), vanished('b')], 'a').some(({ kind }) => kind === 'vanished'));
});
