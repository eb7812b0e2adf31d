import t from 'tap';
import { readCapture } from '../../adapters/host/capture.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import { channelIdOf, eventsOfCall, timelineOf } from '../../src/call/timeline.ts';
import { type CallEvent, type ChannelFacts, channelOf } from '../../src/telephony/call-event.ts';
import { labPlan, readers, scenarios } from '../support/recordings.ts';

async function eventsIn(set: string, name: string): Promise<readonly CallEvent[]> {
  const scenario = scenarios().find((one) => one.set === set && one.name === name);
  const read = scenario && readers[scenario.pbx];
  if (scenario === undefined || read === undefined) throw new Error(`There is no recording ${set}/${name}.`);
  const { frames } = await readCapture(new URL('events.jsonl.gz', scenario.directory).pathname);
  return [...frames].flatMap((frame) => read(frame.raw, 'pbx', frame.receivedAt));
}

/** What the fold ends in one step, with the channels it lets go then. */
function ended(events: readonly CallEvent[]) {
  const table = new CallTable('pbx', labPlan('asterisk'), DEFAULT_RULES);
  const steps = [...events.map((event) => table.apply(event)), table.advance(Number.MAX_SAFE_INTEGER)];
  return steps.filter((step) => step.ended.length > 0);
}

const SETS: readonly (readonly [string, readonly string[]])[] = [
  [
    'asterisk-22',
    [
      'inbound_answered_caller_hangs_up',
      'queue_answered',
      'queue_rona',
      'blind_transfer_refer',
      'attended_transfer_refer',
      'attended_transfer_dtmf',
      'call_pickup',
      'park_retrieve',
      'followme_local_n_desk',
      'click_to_call_local',
      'ringgroup_second_answers',
      'inbound_number_shapes',
    ],
  ],
  ['freeswitch-1.11', ['in_answered_caller_hangup', 'attended_refer', 'queue_answered', 'intercept']],
];

t.test('the events of a call are those of the channels that the fold ends with it', async (t) => {
  for (const [set, names] of SETS) {
    for (const name of names) {
      const events = await eventsIn(set, name);
      for (const { ended: records, released } of ended(events)) {
        const [record] = records;
        // Several calls in one step: which channel is whose is not told by the fold.
        if (record === undefined || records.length > 1) continue;
        const own = new Set(eventsOfCall(events, channelIdOf(record)).map(channelOf));
        const heard = released.filter((id) => events.some((event) => channelOf(event) === id));
        t.same([...own].sort(), heard.sort(), `${set}/${name} ${record.callSessionId}`);
      }
    }
  }
});

t.test('thirty calls at the same time are thirty courses', async (t) => {
  const events = await eventsIn('asterisk-22', 'burst_30_at_once');
  const records = ended(events).flatMap((step) => step.ended);
  t.ok(records.length >= 30);
  const courses = records.map((record) => new Set(eventsOfCall(events, channelIdOf(record)).map(channelOf)));
  const together = new Set(courses.flatMap((one) => [...one]));
  t.equal(
    courses.reduce((sum, one) => sum + one.size, 0),
    together.size,
    'no channel is in two of them',
  );
});

t.test('each way in which channels become one call', async (t) => {
  const on = (channel: string) => ({ source: 'pbx', channel, at: 1, receivedAt: 1 });
  const facts = (linkedId: string, wire: string | null = null): ChannelFacts => ({
    name: 'PJSIP/1-1',
    endpoint: 'PJSIP/1',
    linkedId,
    initiator: 'endpoint',
    caller: { number: null, name: null },
    dialled: null,
    context: null,
    extension: null,
    wire,
    withheld: false,
  });
  const ways: readonly (readonly CallEvent[])[] = [
    [{ ...on('a'), kind: 'alerting', linkedId: 'b' }],
    [{ ...on('a'), kind: 'channel-created', facts: facts('b') }],
    [
      { ...on('a'), kind: 'channel-created', facts: facts('a', 'w') },
      { ...on('b'), kind: 'channel-created', facts: facts('b', 'w') },
    ],
    [{ ...on('b'), kind: 'dial-started', by: 'a', number: null, presented: null }],
    [
      { ...on('a'), kind: 'bridge-entered', bridge: 'x', bridgeKind: 'talk' },
      { ...on('b'), kind: 'bridge-entered', bridge: 'x', bridgeKind: 'talk' },
    ],
    [{ ...on('a'), kind: 'transferred', manner: 'attended', parties: ['b'], linkedIds: [], to: null }],
    [{ ...on('a'), kind: 'picked-up', target: 'b' }],
    [{ ...on('a'), kind: 'linked', linkedIds: ['b'], channels: [] }],
    [{ ...on('a'), kind: 'linked', linkedIds: [], channels: ['b'] }],
    [{ ...on('a'), kind: 'wired', other: 'b' }],
    [{ ...on('a'), kind: 'renamed', to: 'b' }],
  ];
  const last: CallEvent = { ...on('b'), kind: 'answered' };
  for (const way of ways) t.equal(eventsOfCall([...way, last], 'a').at(-1), last, JSON.stringify(way[0]));
  const music: CallEvent[] = ['a', 'b'].map((channel) => ({
    ...on(channel),
    kind: 'bridge-entered',
    bridge: 'x',
    bridgeKind: 'holding',
  }));
  t.equal(eventsOfCall([...music, last], 'a').length, 1, 'who waits in the same music is no party');
});

t.test('what a timeline says', async (t) => {
  const events = await eventsIn('asterisk-22', 'blind_transfer_refer');
  const [record] = ended(events).flatMap((step) => step.ended);
  if (record === undefined) throw new Error('no call');
  const lines = timelineOf(eventsOfCall(events, channelIdOf(record)), labPlan('asterisk'), (number) => `<${number}>`);
  const said = lines.map(({ who, what }) => `${who} ${what}`.replace(/bridge [\da-f]{8}/, 'bridge X'));
  t.match(said[0], /^trunk-in calls <.*> \(<.*>\)$/);
  for (const line of ['1001 rings', '1001 answers', 'trunk-in enters bridge X', '1001 transfers (blind) to <1003>']) {
    t.ok(said.includes(line), line);
  }
  t.match(said.at(-1), /cleared: Q\.850 16/);
  t.equal(said.filter((line) => line === '1003 rings').length, 1);
});

t.test('a loss of the link in the middle is part of the timeline, before and after it is not', async (t) => {
  const events = await eventsIn('asterisk-22', 'inbound_answered_caller_hangs_up');
  const [record] = ended(events).flatMap((step) => step.ended);
  if (record === undefined) throw new Error('no call');
  const lost = (at: number): CallEvent => ({
    kind: 'source-lost',
    source: 'pbx',
    at,
    receivedAt: at,
    orderly: false,
    reason: 'reset',
  });
  const count = (all: readonly CallEvent[]) =>
    eventsOfCall(all, channelIdOf(record)).filter(({ kind }) => kind === 'source-lost').length;
  const half = events.length >> 1;
  t.equal(count([...events.slice(0, half), lost(1), ...events.slice(half)]), 1);
  t.equal(count([lost(1), ...events, lost(2)]), 0);
  t.same(eventsOfCall(events, 'nobody'), []);
});
