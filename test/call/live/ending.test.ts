/** Ends of calls that nobody saw, and facts that come after the end. */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { facts } from '../../support/facts.ts';
import { labPlan } from '../../support/recordings.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const HOUR = 3_600_000;

const stamp = (ms: number) => ({ source: 'pbx', at: START + ms, receivedAt: START + ms });
const q850 = { q850: 16, sip: null, text: null };

/** A caller talks with 1001. */
const talking: readonly CallEvent[] = [
  { ...stamp(0), kind: 'channel-created', channel: 'a', facts: facts('PJSIP/trunk-in', 'a') },
  {
    ...stamp(10),
    kind: 'channel-created',
    channel: 'b',
    facts: facts('PJSIP/1001', 'a', { initiator: 'pbx', dialled: null }),
  },
  { ...stamp(10), kind: 'dial-started', channel: 'b', by: 'a', number: '1001', presented: null },
  { ...stamp(1000), kind: 'answered', channel: 'b' },
  { ...stamp(1000), kind: 'bridge-entered', channel: 'b', bridge: 'x', bridgeKind: 'talk' },
  { ...stamp(1000), kind: 'bridge-entered', channel: 'a', bridge: 'x', bridgeKind: 'talk' },
];
const cleared: readonly CallEvent[] = ['a', 'b'].map((channel) => ({
  ...stamp(4000),
  kind: 'cleared',
  channel,
  clearing: q850,
}));

const table = () => new CallTable('pbx', labPlan('asterisk'), DEFAULT_RULES);

t.test('a recording told after the end completes the call, once, as the same session', async (t) => {
  const calls = table();
  for (const event of [...talking, ...cleared]) calls.apply(event);
  const [ended] = calls.advance(START + 10_000).ended;
  t.match(ended, { status: 'Answered', recording: null, recordings: [] });
  const late: CallEvent = { ...stamp(11_000), kind: 'recording', channel: 'b', file: '/rec/call.wav' };
  const recordings = ['/rec/call.wav'];
  t.strictSame(calls.apply(late).ended, [{ ...ended, recording: '/rec/call.wav', recordings }]);
  t.strictSame(calls.apply(late).ended, [], 'told again, it is no news');
  t.strictSame(calls.apply({ ...late, file: 'call.wav' }).ended, [], 'nor is the same file by its name alone');
  const second: CallEvent = { ...late, channel: 'a', file: 'second.wav' };
  const both = { ...ended, recording: '/rec/call.wav', recordings: ['/rec/call.wav', 'second.wav'] };
  t.strictSame(calls.apply(second).ended, [both], 'a second one is added, and the first stays the main one');
  t.strictSame(calls.apply(second).ended, []);
});

t.test('all recordings of a call are on record, that of the outside party first, one told twice once', async (t) => {
  const calls = table();
  const recorded = (ms: number, channel: string, file: string): CallEvent => ({
    ...stamp(ms),
    kind: 'recording',
    channel,
    file,
  });
  const files = [
    recorded(1500, 'b', '/rec/b.wav'),
    recorded(2000, 'a', '/rec/1.wav'),
    recorded(3000, 'a', '/rec/2.wav'),
  ];
  for (const event of [...talking, ...files, recorded(3100, 'b', '1.wav'), ...cleared]) calls.apply(event);
  const [ended] = calls.advance(START + 10_000).ended;
  t.match(ended, { recording: '/rec/1.wav' });
  t.strictSame(ended?.recordings, ['/rec/1.wav', '/rec/2.wav', '/rec/b.wav']);
});

t.test('a recording of a call that nobody answered is none', async (t) => {
  const calls = table();
  for (const event of [...talking.slice(0, 3), ...cleared]) calls.apply(event);
  t.equal(calls.advance(START + 10_000).ended[0]?.status, 'Missed');
  t.strictSame(calls.apply({ ...stamp(11_000), kind: 'recording', channel: 'a', file: 'empty.wav' }).ended, []);
});

t.test('a call whose hang-up never comes is logged after a day, marked, and forgotten', async (t) => {
  const calls = table();
  for (const event of talking) calls.apply(event);
  t.strictSame(calls.advance(START + 23 * HOUR).ended, []);
  const day = START + 1000 + 24 * HOUR;
  t.strictSame(calls.advance(day - 1).ended, []);
  t.equal(calls.nextDeadline(), day, 'a day after the last that was heard of it');
  const { ended, released } = calls.advance(day);
  t.match(ended, [{ callSessionId: 'pbx-a', status: 'Answered', agent: '1001', flags: ['end-unknown'] }]);
  t.strictSame([...released].sort(), ['a', 'b']);
  t.equal(calls.openChannels, 0);
});

t.test('a PBX that started anew has ended its older calls, and no younger one', async (t) => {
  const calls = table();
  for (const event of talking) calls.apply(event);
  const young = {
    ...stamp(60_000),
    kind: 'channel-created' as const,
    channel: 'c',
    facts: facts('PJSIP/trunk-in', 'c'),
  };
  calls.apply({ ...stamp(30_000), kind: 'source-lost', orderly: false, reason: 'closed' });
  calls.apply(young);
  calls.apply({ ...stamp(61_000), kind: 'source-connected', boot: null, bootedAt: START + 50_000 });
  const { ended } = calls.advance(START + 70_000);
  t.match(ended, [{ callSessionId: 'pbx-a', endedAt: START + 30_000, flags: ['blind-interval', 'end-unknown'] }]);
  t.equal(calls.openChannels, 1);
});

t.test('what a snapshot after a reconnect does not list has ended meanwhile', async (t) => {
  const calls = table();
  for (const event of talking) calls.apply(event);
  calls.apply({ ...stamp(30_000), kind: 'source-lost', orderly: false, reason: 'closed' });
  calls.apply({ ...stamp(40_000), kind: 'source-connected', boot: null, bootedAt: START - HOUR });
  t.strictSame(calls.advance(START + 40_500).ended, [], 'until then it may be alive');
  calls.apply({ ...stamp(41_000), kind: 'snapshot-complete' });
  t.match(calls.advance(START + 50_000).ended, [{ endedAt: START + 30_000, flags: ['blind-interval', 'end-unknown'] }]);
});

/** What is known of a call once it is over. */
function recordOf(events: readonly CallEvent[]) {
  const calls = table();
  for (const event of events) calls.apply(event);
  return calls.advance(START + 10_000).ended[0];
}

t.test(
  'a call nobody took belongs to the only phone that rang, of several to the owner of the direct line',
  async (t) => {
    const rung = (channel: string, ms: number, endpoint: string): CallEvent => ({
      ...stamp(ms),
      kind: 'channel-created',
      channel,
      facts: facts(endpoint, 'a', { initiator: 'pbx', dialled: null }),
    });
    const caller: CallEvent = {
      ...stamp(0),
      kind: 'channel-created',
      channel: 'a',
      facts: facts('PJSIP/trunk-in', 'a'),
    };
    const end = (channel: string): CallEvent => ({ ...stamp(4000), kind: 'cleared', channel, clearing: q850 });
    const missed = recordOf([
      caller,
      rung('b', 10, 'PJSIP/1002'),
      rung('c', 20, 'PJSIP/1003'),
      ...['a', 'b', 'c'].map(end),
    ]);
    t.match(missed, { status: 'Missed', agent: null, agentsRung: ['1002', '1003'], responsible: '1001' });
    const one = recordOf([caller, rung('b', 10, 'PJSIP/1002'), ...['a', 'b'].map(end)]);
    t.match(one, { agentsRung: ['1002'], responsible: '1002' });
    t.match(recordOf([caller, end('a')]), { agent: null, agentsRung: [], responsible: '1001' }, 'the line of 1001');
    t.equal(recordOf([...talking, ...cleared])?.responsible, '1001', 'who talked, where somebody did');
  },
);

t.test('a word in place of the number is a hidden number', async (t) => {
  const from = (number: string | null): CallEvent => ({
    ...stamp(0),
    kind: 'channel-created',
    channel: 'a',
    facts: facts('PJSIP/trunk-in', 'a', { caller: { number, name: null } }),
  });
  const withheld = (number: string | null) => recordOf([from(number), ...cleared.slice(0, 1)])?.withheld;
  for (const word of ['anonymous', 'unknown', 'unavailable', null]) t.equal(withheld(word), true, String(word));
  t.equal(withheld('09845012345'), false);
});

t.test('media that the PBX moves from one bridge to another within 50 ms is one talk', async (t) => {
  const moved = (gap: number): readonly CallEvent[] => [
    ...talking,
    { ...stamp(2000), kind: 'bridge-left', channel: 'a', bridge: 'x' },
    { ...stamp(2000), kind: 'bridge-left', channel: 'b', bridge: 'x' },
    { ...stamp(2000 + gap), kind: 'bridge-entered', channel: 'a', bridge: 'y', bridgeKind: 'talk' },
    { ...stamp(2000 + gap), kind: 'bridge-entered', channel: 'b', bridge: 'y', bridgeKind: 'talk' },
    ...cleared,
  ];
  t.equal(recordOf(moved(30))?.agentsTalked.length, 1);
  t.equal(recordOf(moved(500))?.agentsTalked.length, 2);
});

t.test('an agent who is logged in has the recordings of each customer in the call of that one alone', async (t) => {
  const calls = table();
  const agent = { kind: 'channel-created', channel: 'agent', facts: facts('PJSIP/1001', 'agent') } as const;
  const talk = (ms: number, customer: string): readonly CallEvent[] => [
    { ...stamp(ms), kind: 'channel-created', channel: customer, facts: facts('PJSIP/trunk-in', customer) },
    { ...stamp(ms), kind: 'bridge-entered', channel: customer, bridge: customer, bridgeKind: 'talk' },
    { ...stamp(ms), kind: 'bridge-entered', channel: 'agent', bridge: customer, bridgeKind: 'talk' },
    { ...stamp(ms + 1), kind: 'recording', channel: 'agent', file: `${customer}.wav` },
    { ...stamp(ms + 5000), kind: 'cleared', channel: customer, clearing: q850 },
  ];
  const events: readonly CallEvent[] = [{ ...stamp(0), ...agent }, ...talk(1000, 'a'), ...talk(60_000, 'b')];
  const ended = [...events.flatMap((event) => calls.apply(event).ended), ...calls.advance(START + 120_000).ended];
  t.strictSame(
    ended.map((record) => record.recordings),
    [['a.wav'], ['b.wav']],
  );
});
