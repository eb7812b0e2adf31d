/** An internal call that is joined with a customer's brings along its people, not what they went through before he came. */
import t from 'tap';
import { answers, calls, ends, leave, meet, on, recordsOf, rings } from '../../support/told.ts';

/** 1001 calls 1002 at 0, who rings for five seconds and is held for ten; both go into a queue of their own before that. */
const internal = [
  ...calls(0, 'p', 'PJSIP/1001', { dialled: '1002' }),
  on(10, { kind: 'queued', channel: 'p', queue: 'inner' } as const),
  ...rings(20, 'q', 'PJSIP/1002', 'p'),
  ...answers(5000, 'q', 'p'),
  on(5000, { kind: 'dequeued', channel: 'p', queue: 'inner', reason: 'answered' } as const),
  ...meet(5000, 'first', 'p', 'q'),
];
/** A customer calls at 60 s, and a second phone of 1001 takes it for the first. */
const customer = [...calls(60_000, 'a', 'PJSIP/carrier'), ...answers(61_000, 'a')];

t.test('rung, ringing and queue are those of the customer', async (t) => {
  const joined = [...leave(61_000, 'first', 'p', 'q'), ...ends(61_000, 'q'), ...meet(61_000, 'second', 'p', 'a')];
  const [record] = recordsOf([internal, customer, joined, ends(90_000, 'a', 'p')]);
  t.match(record, { direction: 'Inbound', status: 'Answered', agent: '1001', durationSeconds: 29 });
  t.match(record, { ringSeconds: 0, agentsRung: [], queue: null });
});

t.test('a hold is his where it was in a connection with him', async (t) => {
  const held = (ms: number, channel: string) => on(ms, { kind: 'held', channel } as const);
  const back = (ms: number, channel: string) => on(ms, { kind: 'retrieved', channel } as const);
  // 1001 has two lines: the colleague waits on the first for as long as the customer is talked with on the second.
  const joined = [
    held(60_500, 'p'),
    ...rings(60_600, 'p2', 'PJSIP/1001', 'a'),
    ...[...answers(61_000, 'p2'), ...meet(61_000, 'second', 'p2', 'a')],
    on(61_000, { kind: 'linked', channel: 'p', linkedIds: ['a'], channels: [] } as const),
    ...[held(70_000, 'p2'), back(73_000, 'p2'), back(85_000, 'p')],
  ];
  const [record] = recordsOf([internal, customer, joined, ends(90_000, 'a', 'p2', 'p', 'q')]);
  t.match(record, { direction: 'Inbound', agent: '1001', holdSeconds: 3, ringSeconds: 0 });
});
