/** Which channels a list of the PBX ends, and which are to be asked for. */
import t from 'tap';
import { Register } from '../../../../adapters/freeswitch/snapshot/register.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';

const epoch = 1_800_000_000_000;
const on = (kind: 'answered' | 'held' | 'cleared' | 'vanished', channel: string, at: number) => {
  const stamp = { source: 'fs', channel, at: epoch + at, receivedAt: epoch + at };
  const event: CallEvent =
    kind === 'cleared' ? { ...stamp, kind, clearing: { q850: 16, sip: null, text: null } } : { ...stamp, kind };
  return event;
};
const identity = { number: null, name: null };
const created = (channel: string, at: number): CallEvent => ({
  ...{ kind: 'channel-created', source: 'fs', channel, at: epoch + at, receivedAt: epoch + at },
  facts: {
    ...{ name: channel, endpoint: channel, linkedId: channel, initiator: 'endpoint', caller: identity, dialled: null },
    ...{ context: null, extension: null, wire: null, withheld: false },
  },
});
const asked = (at: number) => ({ steady: at, wall: epoch + at });

function registerOf(...told: readonly (readonly [CallEvent, number])[]) {
  const register = new Register(10_000);
  for (const [event, at] of told) register.note(event, at);
  const compare = (at: number, ...listed: readonly string[]) => {
    const { vanished, strangers } = register.compare(listed, asked(at));
    return { vanished, strangers: [...strangers], inDoubt: register.inDoubt };
  };
  return { register, compare };
}
const nothing = { vanished: [], strangers: [], inDoubt: false };

t.test('two lists in a row end a channel that was listed, at the time it was listed last', async (t) => {
  const { compare } = registerOf([created('a', 0), 0]);
  t.strictSame(compare(20_000, 'a'), nothing);
  t.strictSame(compare(40_000), { ...nothing, inDoubt: true });
  t.strictSame(compare(50_000), { ...nothing, vanished: [{ channel: 'a', aliveAt: epoch + 20_000 }] });
});

t.test('one that was never listed takes three, and whatever is heard of it begins the count anew', async (t) => {
  const { register, compare } = registerOf([created('a', 0), 0]);
  t.strictSame(compare(20_000), { ...nothing, inDoubt: true });
  t.strictSame(compare(30_000), { ...nothing, inDoubt: true });
  register.note(on('held', 'a', 31_000), 31_000);
  t.strictSame(compare(40_000), nothing, 'just heard of');
  t.strictSame(compare(50_000), { ...nothing, inDoubt: true });
  t.strictSame(compare(60_000), { ...nothing, inDoubt: true });
  t.strictSame(compare(70_000).vanished, [{ channel: 'a', aliveAt: epoch + 31_000 }]);
});

t.test('a list asked for before a channel was created says nothing about it', async (t) => {
  const { compare } = registerOf([created('a', 20_500), 20_500]);
  for (const at of [20_000, 25_000, 30_000, 30_499]) t.strictSame(compare(at), nothing);
});

t.test(
  'a channel that was not told is to be asked for when two lists have it; a creation that is late tells it',
  async (t) => {
    const { register, compare } = registerOf();
    t.strictSame(compare(20_000, 'a', 'b'), { ...nothing, inDoubt: true });
    register.note(created('b', 20_100), 20_100);
    t.strictSame(compare(30_000, 'a', 'b'), { ...nothing, strangers: ['a'] });
    t.strictSame(compare(50_000, 'a', 'b'), { ...nothing, strangers: ['a'] }, 'until it is told');
    register.note(created('a', 51_000), 51_000);
    t.strictSame(compare(70_000, 'a', 'b'), nothing);
  },
);

t.test('what has ended is no stranger, and does not live again', async (t) => {
  const { register, compare } = registerOf([created('a', 0), 0], [on('cleared', 'a', 100), 100]);
  t.ok(register.isOver('a'));
  for (const at of [20_000, 40_000, 60_000]) t.strictSame(compare(at, 'a'), nothing);
  register.note(on('held', 'a', 61_000), 61_000);
  register.note(created('a', 62_000), 62_000);
  for (const at of [80_000, 100_000, 120_000]) t.strictSame(compare(at), nothing);
  register.begin();
  t.ok(register.isOver('a'), 'over a reconnect too');
});

t.test('under another id it is another channel', async (t) => {
  const { register, compare } = registerOf([created('a', 0), 0]);
  register.note({ ...created('a', 10), kind: 'renamed', to: 'z' } as CallEvent, 10);
  t.ok(register.isOver('a'));
  t.strictSame(compare(20_000, 'z'), nothing);
});

t.test('told in part, it is asked for once more', async (t) => {
  const { register, compare } = registerOf([created('a', 0), 0]);
  register.tellAgain('a');
  t.strictSame(compare(20_000, 'a').strangers, ['a']);
  register.note(created('a', 20_100), 20_100);
  t.strictSame(compare(40_000, 'a'), nothing);
});
