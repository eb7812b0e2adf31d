/** Customers who are called one after the other on the line of an agent, which the PBX gives one linked id. */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { facts } from '../../support/facts.ts';
import { labPlan } from '../../support/recordings.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const stamp = (ms: number) => ({ source: 'pbx', at: START + ms, receivedAt: START + ms });
const clearing = { q850: 16, sip: null, text: null };
const table = () => new CallTable('pbx', labPlan('asterisk'), DEFAULT_RULES);

const agent: readonly CallEvent[] = [
  {
    ...stamp(0),
    kind: 'channel-created',
    channel: 'a',
    facts: facts('PJSIP/1001', 'a', { caller: { number: '1001', name: null }, dialled: '*99' }),
  },
  { ...stamp(100), kind: 'answered', channel: 'a' },
];
const goodbye = (ms: number): CallEvent => ({ ...stamp(ms), kind: 'cleared', channel: 'a', clearing });

/** A number is sent to the trunk for the agent. */
function called(channel: string, number: string, ms: number): CallEvent[] {
  const leg = facts('PJSIP/trunk-out', 'a', { initiator: 'pbx', dialled: null, caller: { number: null, name: null } });
  return [
    { ...stamp(ms), kind: 'channel-created', channel, facts: leg },
    { ...stamp(ms), kind: 'dial-started', channel, by: 'a', number, presented: null },
  ];
}

function talked(channel: string, from: number, to: number): CallEvent[] {
  const bridge = `with ${channel}`;
  const both = [channel, 'a'];
  return [
    { ...stamp(from), kind: 'answered', channel },
    ...both.map(
      (one) => ({ ...stamp(from), kind: 'bridge-entered', channel: one, bridge, bridgeKind: 'talk' }) as const,
    ),
    { ...stamp(from), kind: 'recording', channel: 'a', file: `${channel}.wav` },
    ...both.map((one) => ({ ...stamp(to), kind: 'bridge-left', channel: one, bridge }) as const),
    { ...stamp(to), kind: 'cleared', channel, clearing },
  ];
}

function told(events: readonly CallEvent[], calls = table()): CallRecord[] {
  const ended = events.flatMap((event) => [...calls.apply(event).ended]);
  return [...ended, ...calls.advance(START + 1_000_000).ended];
}

for (const pause of [5000, 45_000]) {
  t.test(`each customer has a call, ${pause} ms after the one before`, async (t) => {
    const second = 60_000 + pause;
    const records = told([
      ...agent,
      ...called('c1', '+919845012345', 1000),
      ...talked('c1', 10_000, 60_000),
      ...called('c2', '+919811100002', second),
      ...talked('c2', second + 8000, second + 38_000),
      goodbye(second + 40_000),
    ]);
    t.match(records, [
      { callSessionId: 'pbx-a', direction: 'Outbound', status: 'Answered', externalE164: '+919845012345' },
      { callSessionId: 'pbx-c2', direction: 'Outbound', status: 'Answered', externalE164: '+919811100002' },
    ]);
    t.equal(records.length, 2, 'the agent who is left alone has no call');
    t.match(records[0], { agent: '1001', durationSeconds: 50, legs: 2, recordings: ['c1.wav'] });
    t.match(records[1], { agent: '1001', startedAt: START + second, durationSeconds: 30, recordings: ['c2.wav'] });
  });
}

t.test('the customer before is reported at once', async (t) => {
  const calls = table();
  for (const event of [...agent, ...called('c1', '+919845012345', 1000), ...talked('c1', 10_000, 60_000)])
    calls.apply(event);
  const results = called('c2', '+919811100002', 65_000).map((event) => calls.apply(event));
  t.match(results.at(-1), { ended: [{ externalE164: '+919845012345' }], released: ['c1'] });
});

t.test('a customer who does not answer has a call of his own', async (t) => {
  const records = told([
    ...agent,
    ...called('c1', '+919845012345', 1000),
    ...talked('c1', 10_000, 60_000),
    ...called('c2', '+919811100002', 65_000),
    { ...stamp(70_000), kind: 'dial-ended', channel: 'c2', by: 'a', result: 'busy', forwardedTo: null },
    { ...stamp(70_000), kind: 'cleared', channel: 'c2', clearing: { ...clearing, q850: 17 } },
    goodbye(80_000),
  ]);
  t.match(records, [
    { status: 'Answered' },
    { callSessionId: 'pbx-c2', status: 'Busy', externalE164: '+919811100002' },
  ]);
});

t.test('another trunk that is tried for the same call is a part of it', async (t) => {
  const records = told([
    ...agent,
    ...called('c1', '+919845012345', 1000),
    { ...stamp(2000), kind: 'cleared', channel: 'c1', clearing: { ...clearing, q850: 34 } },
    ...called('c2', '+919845012345', 2100),
    ...talked('c2', 10_000, 60_000),
    goodbye(60_000),
  ]);
  t.match(records, [{ callSessionId: 'pbx-a', status: 'Answered', legs: 3 }]);
  t.equal(records.length, 1);
});

t.test('a customer who is called after a restart has another call than those before', async (t) => {
  const calls = table();
  // The journal keeps what was heard of channels that live; the customer of before is no such one.
  const before = [...agent, ...called('c1', '+919845012345', 1000), ...talked('c1', 10_000, 60_000)];
  for (const event of before) if ('channel' in event && event.channel === 'a') calls.apply(event);
  calls.apply({ ...stamp(61_000), kind: 'source-lost', orderly: true, reason: 'restart' });
  const records = told(
    [...called('c2', '+919811100002', 70_000), ...talked('c2', 78_000, 90_000), goodbye(95_000)],
    calls,
  );
  t.match(records, [{ callSessionId: 'pbx-c2', externalE164: '+919811100002', status: 'Answered' }]);
  t.equal(records.length, 1);
});

t.test(
  'a colleague who is called after the customer has left, also after a restart, has a call of his own',
  async (t) => {
    const colleague: readonly CallEvent[] = [
      {
        ...stamp(100_000),
        kind: 'channel-created',
        channel: 'b',
        facts: facts('PJSIP/1002', 'a', { initiator: 'pbx', dialled: null, caller: { number: null, name: null } }),
      },
      { ...stamp(100_000), kind: 'dial-started', channel: 'b', by: 'a', number: '1002', presented: null },
      ...talked('b', 102_000, 110_000),
      goodbye(110_000),
    ];
    const first = [...agent, ...called('c1', '+919845012345', 1000), ...talked('c1', 10_000, 60_000)];
    const wanted = { callSessionId: 'pbx-b', direction: 'Internal', startedAt: START + 100_000 };
    t.match(told([...first, ...colleague])[1], wanted);
    const kept = first.filter((event) => 'channel' in event && event.channel === 'a');
    t.match(told([...kept, ...colleague])[0], wanted, 'of the customer nothing is left in the journal');
  },
);
