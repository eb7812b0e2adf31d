/** Customers who are called one after the other on the line of an agent: the PBX gives all of it one linked id. */
import t from 'tap';
import { SAME_TIME } from '../../src/records/pbx-time.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { facts } from '../support/facts.ts';
import { bench, START } from './support.ts';

const stamp = (ms: number) => ({ source: 'pbx', at: START + ms, receivedAt: START + ms });
const clearing = { q850: 16, sip: null, text: null };
const caller = { number: '1001', name: null };

const agent: readonly CallEvent[] = [
  {
    ...stamp(0),
    kind: 'channel-created',
    channel: 'a',
    facts: facts('PJSIP/1001', 'a', { caller, dialled: '*99' }),
  },
  { ...stamp(100), kind: 'answered', channel: 'a' },
];
const goodbye: CallEvent = { ...stamp(200_000), kind: 'cleared', channel: 'a', clearing };

/** A number is called for the agent, who talks with it. `unnamed`: the records name the leg by its name alone. */
function talked(channel: string, number: string, from: number, to: number, unnamed = false): readonly CallEvent[] {
  const bridge = `with ${channel}`;
  const both = [channel, 'a'];
  const none = { number: null, name: null };
  const more = { initiator: 'pbx', dialled: null, caller: none, ...(unnamed ? { unnamed } : {}) } as const;
  return [
    { ...stamp(from), kind: 'channel-created', channel, facts: facts('PJSIP/trunk-out', 'a', more) },
    { ...stamp(from), kind: 'dial-started', channel, by: 'a', number, presented: null },
    { ...stamp(from + 5000), kind: 'answered', channel },
    ...both.map(
      (one) => ({ ...stamp(from + 5000), kind: 'bridge-entered', channel: one, bridge, bridgeKind: 'talk' }) as const,
    ),
    ...both.map((one) => ({ ...stamp(to), kind: 'bridge-left', channel: one, bridge }) as const),
    { ...stamp(to), kind: 'cleared', channel, clearing },
  ];
}

const first = talked('c1', '+919845012345', 1000, 60_000);
const second = talked('c2', '+919811100002', 70_000, 120_000);
const gap = { from: START + 65_000, to: START + 130_000 };
const page = { span: gap, time: SAME_TIME };

/** The first customer was heard wholly. */
async function firstHeard(...open: readonly string[]) {
  const going: string[] = [];
  const it = { ...bench({ open: going }), going };
  const whole = { from: START - 1000, to: START + 300_000 };
  const { created } = await it.merge([...agent, ...first, goodbye], { span: whole, time: SAME_TIME });
  for (const record of created) it.stored.set(record.callSessionId, { ...record, flags: [] });
  it.heard.push('a', 'c1');
  going.push(...open);
  return it;
}

t.test('the second one lies in a gap, the first was heard', async (t) => {
  const { merge, stored } = await firstHeard();
  t.strictSame([...stored.keys()], ['pbx-a']);
  const before = stored.get('pbx-a');
  const all = [...agent, ...first, ...second, goodbye];
  const { created, completed } = await merge(all, page);
  t.match(created, [{ callSessionId: 'pbx-c2', externalE164: '+919811100002', agent: '1001', durationSeconds: 45 }]);
  t.equal(created.length, 1);
  t.strictSame(completed, []);
  t.equal(stored.get('pbx-a'), before);
  t.match(await merge(all, page), { created: { length: 0 }, completed: { length: 0 } }, 'told again, nothing is new');
  t.equal(stored.size, 2);
});

t.test('the same while the agent is still on the line', async (t) => {
  const { merge, stored, going } = await firstHeard('a');
  const { created } = await merge([...agent, ...first, ...second], page);
  t.match(created, [{ callSessionId: 'pbx-c2', durationSeconds: 45 }]);
  going.pop();
  t.match(await merge([...agent, ...first, ...second, goodbye], page), { created: [], completed: [] });
  t.strictSame([...stored.keys()], ['pbx-a', 'pbx-c2']);
});

t.test('one that goes on is judged by what is heard', async (t) => {
  const { merge } = await firstHeard('a', 'c2');
  t.strictSame((await merge([...agent, ...first, ...second], page)).created, []);
});

t.test('a second one of which a part was heard makes no further call', async (t) => {
  const it = await firstHeard();
  it.heard.push('c2');
  t.strictSame((await it.merge([...agent, ...first, ...second, goodbye], page)).created, []);
});

t.test('one that the records do not name by an id may have been heard: nothing tells it', async (t) => {
  const { merge } = await firstHeard();
  const nameless = talked('PJSIP/trunk-out-00000002~a', '+919811100002', 70_000, 120_000, true);
  t.strictSame((await merge([...agent, ...first, ...nameless, goodbye], page)).created, []);
});

t.test('both were heard by nobody', async (t) => {
  const { merge } = bench();
  const whole = { from: START - 1000, to: START + 300_000 };
  const { created } = await merge([...agent, ...first, ...second, goodbye], { span: whole, time: SAME_TIME });
  t.match(created, [{ callSessionId: 'pbx-a' }, { callSessionId: 'pbx-c2' }]);
});
