/** What is told of a channel of which nothing else says that it lives. */
import t from 'tap';
import { eventOf } from '../../../../adapters/freeswitch/link/event.ts';
import { RollCall } from '../../../../adapters/freeswitch/snapshot/roll-call.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';

const epoch = 1_800_000_000_000;
const row = eventOf({
  ...{ uuid: 'quiet', direction: 'inbound', created_epoch: '1799999990', name: 'sofia/internal/1001@pbx' },
  ...{ callstate: 'ACTIVE', call_uuid: 'quiet', initial_dest: '*22' },
});
const whole = eventOf({
  ...{ 'Event-Name': 'CHANNEL_DATA', 'Unique-ID': 'quiet', 'Call-Direction': 'inbound' },
  ...{ 'Channel-Name': 'sofia/internal/1001@pbx', 'Caller-Channel-Created-Time': '1799999990000000' },
});
const NOTHING = new Uint8Array();
const PLAIN = { contentType: '', passedOver: 0 };

t.test('a channel that is known is told once more when that is asked for, and only then', async (t) => {
  let now = 0;
  let look = () => {};
  const told: string[] = [];
  const emit = (events: readonly CallEvent[]): void => {
    roll.heard(events);
    told.push(...events.map(({ kind }) => kind));
  };
  const roll = new RollCall({
    source: 'fs',
    clock: {
      now: () => epoch + now,
      monotonic: () => now,
      after: (ms, run) => {
        look = () => {
          now += ms;
          run();
        };
        return () => {};
      },
    },
    list: async () => (row === null ? [] : [row]),
    dump: async () =>
      whole === null ? null : { event: whole, frame: { ...PLAIN, headers: new Map(), body: null, raw: NOTHING } },
    emit,
    giveUp: () => t.fail('the link is good'),
    note: () => {},
    fault: () => {},
  });
  /** Until the next look is planned. */
  const looked = async (begin: () => void): Promise<string[]> => {
    const before = look;
    told.length = 0;
    begin();
    while (look === before) await new Promise(setImmediate);
    return [...told];
  };
  await looked(() => roll.begin());
  while ((await looked(() => look())).length > 0);
  roll.tellAgain();
  t.strictSame(await looked(() => look()), ['snapshot-channel']);
  t.strictSame(await looked(() => look()), []);
});
