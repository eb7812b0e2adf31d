/** Channels whose ends were not told, as two lists show them. */
import t from 'tap';
import { Absent } from '../../../../adapters/asterisk/snapshot/absent.ts';
import { CallTable, DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { labPlan } from '../../../support/recordings.ts';
import { bench, event, LOOK_MS } from '../hearing-support.ts';

const APART_MS = 5_000;
const EPOCH = 1_800_000_000_000;

const told = (kind: 'answered' | 'vanished' | 'channel-created', channel: string, at: number): CallEvent =>
  ({ kind, source: 'pbx', channel, at: EPOCH + at, receivedAt: EPOCH + at }) as CallEvent;

function register() {
  const absent = new Absent();
  const note = (kind: 'answered' | 'vanished' | 'channel-created', channel: string, at: number) =>
    absent.note(told(kind, channel, at), at);
  const list = (at: number, ...ids: readonly string[]) =>
    absent.compare(new Set(ids), { steady: at, wall: EPOCH + at });
  return { absent, note, list };
}

t.test('two lists in a row that lack a channel, each after a while of silence about it', async (t) => {
  const { absent, note, list } = register();
  for (const id of ['a', 'b', 'c']) note('channel-created', id, 0);
  t.same(list(4_000, 'a'), [], 'the list may be older than what was told');
  t.equal(absent.inDoubt, false);
  t.same(list(10_000, 'a'), []);
  t.equal(absent.inDoubt, true);
  t.same(list(12_000, 'a'), [], 'too near to the last');
  note('answered', 'b', 14_000);
  t.same(list(15_000, 'a'), [{ channel: 'c', aliveAt: EPOCH }]);
  note('vanished', 'c', 15_000);
  t.same(list(20_000, 'b', 'a'), [], 'it was listed between');
  t.same(list(30_000), []);
  t.same(
    list(40_000).map(({ aliveAt }) => aliveAt - EPOCH),
    [20_000, 20_000],
  );
});

t.test(
  'what one list names lived together, whenever its rows came, also where it is too near to the last',
  async (t) => {
    const { note, list } = register();
    list(0);
    note('channel-created', 'a', 3_000);
    note('channel-created', 'b', 3_002);
    list(2_999, 'a', 'b');
    list(10_000);
    t.same(
      list(20_000).map(({ aliveAt }) => aliveAt - EPOCH),
      [3_002, 3_002],
    );
  },
);

t.test('a connection begins anew, and what never ends is not kept for ever', async (t) => {
  const { absent, note, list } = register();
  note('channel-created', 'a', 0);
  absent.begin();
  for (let n = 0; n < 10_010; n += 1) note('channel-created', String(n), 0);
  list(APART_MS);
  t.equal(list(2 * APART_MS).length, 10_000);
});

t.test('ends are held back: the calls end by what is listed, and as ones whose records complete them', async (t) => {
  const table = new CallTable('pbx', labPlan('asterisk'), DEFAULT_RULES);
  const { clock, peer, events, look, list, heard } = await bench(t);
  peer.packet(...event('Newchannel', '1795344641.0'));
  peer.packet(...event('Newstate', '1795344641.0'), 'ChannelStateDesc: Up');
  await heard(peer);
  clock.advance(6_000);
  await look(peer, { live: 0 });
  await look(peer, { live: 0 });
  await list(peer, []);
  t.notOk(
    events.some(({ kind }) => kind === 'vanished'),
    'a list overtakes events',
  );
  await look(peer, { live: 0 });
  clock.advance(APART_MS - LOOK_MS);
  await list(peer, []);
  const gone = events.find(({ kind }) => kind === 'vanished');
  t.match(gone, { channel: '1795344641.0' });
  for (const one of events) table.apply(one);
  t.same([...table.advance(clock.now() + 10_000).released], ['1795344641.0']);
});
