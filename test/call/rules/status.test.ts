/** How a call ended, when a person answered, what was left behind and what is not known: each by its rule. */
import t from 'tap';
import type { SourcePlan } from '../../../src/call/plan.ts';
import type { CallEvent, ChannelFacts } from '../../../src/telephony/call-event.ts';
import {
  answers,
  calls,
  concluded,
  dialEnds,
  ends,
  endsWith,
  hangsUp,
  leave,
  meet,
  on,
  planWith,
  recordsOf,
  rings,
  START,
  talk,
} from '../../support/told.ts';

const plain = planWith();
const over = ends(20_000, 'c', 'p', 'q', 'r', 't', 'm');
const inbound = (more: Partial<ChannelFacts> = {}) => calls(0, 'c', 'PJSIP/carrier', more);
const phone = (id: string, ext: string, ms = 10) => rings(ms, id, `PJSIP/${ext}`, 'c');
const mailbox = (channel: string) => [
  on(6000, { kind: 'voicemail-reached', channel, fact: 'application voicemail' } as const),
];
const message = (channel: string) => [on(7000, { kind: 'voicemail-left', channel, mailbox: '1001' } as const)];
const queued = (ms: number) => [on(ms, { kind: 'queued', channel: 'c', queue: '600' } as const)];
const dequeued = (ms: number, reason: 'left' | 'timeout' | null) => [
  on(ms, { kind: 'dequeued', channel: 'c', queue: '600', reason } as const),
];

const first = (events: readonly CallEvent[][], plan = plain) => recordsOf([...events, over], plan)[0];

type Row = readonly [what: string, events: readonly CallEvent[][], wanted: string, plan?: SourcePlan];

t.test('inbound', async (t) => {
  const gone = hangsUp(9000, 'c');
  const givenUp = [phone('p', '1001'), dialEnds(5000, 'p', 'c', 'no-answer'), ends(5000, 'p')];
  const busy = (id: string) => [dialEnds(50, id, 'c', 'busy'), endsWith(50, id, { q850: 17 })].flat();
  const byPbx = [
    on(9000, {
      ...{ kind: 'hangup-requested', channel: 'c', by: 'pbx', alone: true },
      clearing: { q850: 16, sip: 200, text: null },
    } as const),
  ];
  const rows: readonly Row[] = [
    ['a person', [phone('p', '1001'), talk(900, 'c', 'p'), gone], 'Answered (person-connected)'],
    ['a voice menu', [answers(5, 'c'), gone], 'Abandoned (caller-hung-up)'],
    ['a message', [...givenUp, answers(5500, 'c'), mailbox('c'), message('c'), gone], 'Voicemail (message-left)'],
    [
      'a person, and a message for another',
      [phone('p', '1001'), talk(900, 'c', 'p'), message('p')],
      'Answered (person-connected)',
    ],
    ['the greeting', [...givenUp, mailbox('c'), gone], 'Missed (hung-up-in-a-greeting)'],
    ['the greeting, and the PBX ends it', [...givenUp, mailbox('c')], 'Missed (pbx-gave-up)'],

    ['an announcement after all phones', [...givenUp, answers(5500, 'c'), gone], 'Missed (agents-given-up)'],
    ['he hears the busy tone', [...givenUp, gone], 'Abandoned (caller-hung-up)'],
    [
      'an announcement after a phone that sent the call on in vain',
      [phone('p', '1001'), dialEnds(5000, 'p', 'c', 'cancel', '09845088888'), answers(5500, 'c'), gone],
      'Missed (agents-given-up)',
    ],
    [
      'the PBX puts him out of the queue, and says so',
      [answers(5, 'c'), queued(6), dequeued(8000, 'left'), byPbx],
      'Missed (pbx-gave-up)',
    ],
    ['nobody had been rung', [answers(5500, 'c'), gone], 'Abandoned (caller-hung-up)'],
    ['one phone still rings', [...givenUp, answers(20, 'c'), phone('q', '1002'), gone], 'Abandoned (caller-hung-up)'],
    [
      'it rang until he went',
      [phone('p', '1001'), answers(20, 'c'), dialEnds(8999, 'p', 'c', 'cancel'), ends(8999, 'p'), gone],
      'Abandoned (caller-hung-up)',
    ],
    [
      'an agent has answered and is there',
      [phone('p', '1001'), answers(20, 'c'), dialEnds(800, 'p', 'c', 'answer'), gone],
      'Abandoned (caller-hung-up)',
    ],
    [
      'a mobile still rings',
      [...givenUp, answers(20, 'c'), rings(10, 'm', 'PJSIP/carrier', 'c', { number: '09900112244' }), gone],
      'Abandoned (caller-hung-up)',
    ],
    [
      'it had rung its time in that moment',
      [phone('p', '1001'), answers(20, 'c'), dialEnds(9000, 'p', 'c', 'no-answer'), gone],
      'Missed (agents-given-up)',
    ],
    [
      'how the dialling ended is not told',
      [phone('p', '1001'), answers(20, 'c'), ends(5000, 'p'), gone],
      'Missed (agents-given-up)',
    ],
    [
      'he left the queue in the moment in which it gave up',
      [queued(5), answers(5, 'c'), ...givenUp, dequeued(9000, null), gone],
      'Abandoned (caller-hung-up)',
    ],
    [
      'he waited again, and left',
      [queued(5), dequeued(50, 'timeout'), queued(100), dequeued(9000, 'left')],
      'Abandoned (caller-hung-up)',
    ],
    ['a bad request', [gone, endsWith(9000, 'c', { q850: 16, sip: 400 })], 'Missed (pbx-gave-up)'],
    [
      'an agent answered and hung up',
      [phone('p', '1001'), answers(20, 'c'), dialEnds(800, 'p', 'c', 'answer'), ends(3000, 'p'), gone],
      'Missed (agents-given-up)',
    ],
    ['he waits in the queue', [queued(5), answers(5, 'c'), ...givenUp, gone], 'Abandoned (caller-hung-up)'],
    [
      'he left the queue',
      [queued(5), answers(5, 'c'), ...givenUp, dequeued(9000, 'left'), gone],
      'Abandoned (caller-hung-up)',
    ],
    [
      'the queue gave up',
      [queued(5), answers(5, 'c'), ...givenUp, dequeued(6000, null), gone],
      'Missed (agents-given-up)',
    ],
    [
      'somebody else had answered that phone',
      [phone('p', '1001'), answers(20, 'c'), dialEnds(800, 'p', 'c', 'elsewhere'), ends(800, 'p'), gone],
      'Abandoned (caller-hung-up)',
    ],

    ['ringing', [phone('p', '1001'), gone], 'Abandoned (caller-hung-up)'],
    [
      'who hung up is not told, the phone was cancelled',
      [phone('p', '1001'), dialEnds(9000, 'p', 'c', 'cancel')],
      'Abandoned (caller-hung-up)',
    ],
    [
      'it was cancelled for the next one',
      [
        phone('p', '1001'),
        dialEnds(5000, 'p', 'c', 'cancel'),
        phone('q', '1002', 5001),
        dialEnds(9000, 'q', 'c', 'no-answer'),
      ],
      'Missed (pbx-gave-up)',
    ],
    ['it was sent on', [phone('p', '1001'), dialEnds(5000, 'p', 'c', 'cancel', '1002')], 'Missed (pbx-gave-up)'],
    [
      'cancelled for somebody else',
      [phone('p', '1001'), rings(20, 'q', 'PJSIP/1002', 'p'), dialEnds(50, 'q', 'p', 'cancel')],
      'Missed (pbx-gave-up)',
    ],
    ['the queue says that he left', [queued(5), dequeued(9000, 'left')], 'Abandoned (caller-hung-up)'],
    ['the queue says that it timed out', [queued(5), dequeued(9000, 'timeout')], 'Missed (pbx-gave-up)'],
    [
      'the PBX ended it first, and its driver says that he left',
      [phone('p', '1001'), hangsUp(8999, 'c', 'pbx'), gone],
      'Missed (pbx-gave-up)',
    ],
    [
      'he left, and the PBX ends the rest',
      [phone('p', '1001'), gone, hangsUp(9001, 'c', 'pbx')],
      'Abandoned (caller-hung-up)',
    ],
    ['refused by the PBX', [gone, endsWith(9000, 'c', { q850: 21, sip: 403 })], 'Missed (pbx-gave-up)'],
    ['he cancelled', [gone, endsWith(9000, 'c', { q850: 16, sip: 487 })], 'Abandoned (caller-hung-up)'],
    [
      'answered, an error later',
      [answers(5, 'c'), gone, endsWith(9000, 'c', { q850: 16, sip: 500 })],
      'Abandoned (caller-hung-up)',
    ],

    ['the phone is busy', [phone('p', '1001'), busy('p')], 'Busy (busy)'],
    ['he is told so', [endsWith(50, 'c', { q850: 17 })], 'Busy (busy)'],
    [
      'one of two phones is busy',
      [phone('p', '1001'), phone('q', '1002'), busy('p'), dialEnds(9000, 'q', 'c', 'no-answer')],
      'Missed (pbx-gave-up)',
    ],
    ['busy, and an announcement', [phone('p', '1001'), busy('p'), answers(60, 'c')], 'Missed (pbx-gave-up)'],
    ['no such number', [endsWith(50, 'c', { q850: 1 })], 'Failed (number-does-not-exist)'],
    ['a phone was rung', [phone('p', '1001'), endsWith(50, 'c', { q850: 1 })], 'Missed (pbx-gave-up)'],
    ['an announcement of it', [answers(5, 'c'), endsWith(50, 'c', { q850: 1 })], 'Missed (pbx-gave-up)'],
    ['the PBX ends it', [phone('p', '1001')], 'Missed (pbx-gave-up)'],
  ];
  for (const [what, events, wanted] of rows) t.equal(concluded(first([inbound(), ...events]), 'status'), wanted, what);
});

t.test('inbound on a line that does not tell who hung up', async (t) => {
  const isdn = { line: { side: 'trunk', fact: 'ISDN span 1' }, hangsUpUntold: true } as const;
  const line = calls(0, 'c', 'DAHDI/i1/9845012345', isdn);
  const status = (...events: CallEvent[][]) => concluded(recordsOf([line, ...events, over])[0], 'status');
  const byPbx = hangsUp(9000, 'c', 'pbx');
  t.equal(status(answers(5, 'c'), byPbx), 'Abandoned (who-hung-up-untold)', 'a voice menu');
  const vain = [...phone('p', '1001'), ...dialEnds(5000, 'p', 'c', 'no-answer'), ...ends(5000, 'p')];
  t.equal(status(answers(5, 'c'), vain, byPbx), 'Missed (who-hung-up-untold)', 'nobody took it');
  t.equal(
    status(answers(5, 'c'), phone('p', '1001'), dialEnds(9000, 'p', 'c', 'cancel'), byPbx),
    'Abandoned (caller-hung-up)',
    'the phone rang until then',
  );
  t.equal(status(byPbx, endsWith(9000, 'c', { q850: 17 })), 'Busy (busy)', 'refused');
});

t.test('outbound', async (t) => {
  const phoneCalls = calls(0, 'p', 'PJSIP/1001', { dialled: '09845012345' });
  const leg = rings(10, 't', 'PJSIP/carrier', 'p', { number: '09845012345' });
  const click = rings(0, 'p', 'PJSIP/1001', null, { caller: { number: '09845012345', name: null } });
  const lost = [on(5, { kind: 'source-lost', orderly: false, reason: 'closed' } as const)];
  const ended = (result: 'no-answer' | 'busy' | 'congestion' | 'cancel', q850: number, sip: number | null = null) => [
    ...dialEnds(5000, 't', 'p', result),
    ...endsWith(5000, 't', { q850, sip }),
  ];
  const rows: readonly Row[] = [
    ['a person', [phoneCalls, leg, talk(900, 'p', 't')], 'Answered (person-connected)'],
    ['no leg: the phone hung up', [phoneCalls, hangsUp(50, 'p')], 'Cancelled (no-leg-heard-of)'],
    ['no leg: nobody heard', [phoneCalls, lost], 'NoAnswer (no-leg-heard-of)'],
    ['no leg: no trunk', [phoneCalls], 'Failed (no-leg-heard-of)'],
    ['the agent is busy', [click, dialEnds(50, 'p', null, 'busy')], 'Cancelled (agent-not-reached)'],
    ['the agent refuses', [click, endsWith(50, 'p', { q850: 21 })], 'Cancelled (agent-not-reached)'],
    ['the agent hangs up too early', [click, answers(50, 'p')], 'Cancelled (agent-not-reached)'],
    ['the agent does not answer', [click], 'NoAnswer (agent-not-reached)'],
    ['the agent hangs up', [phoneCalls, leg, hangsUp(5000, 'p')], 'Cancelled (agent-hung-up)'],
    [
      'the agent hangs up first',
      [phoneCalls, leg, hangsUp(5000, 'p'), hangsUp(5001, 't')],
      'Cancelled (agent-hung-up)',
    ],
    [
      'both in one moment',
      [phoneCalls, leg, hangsUp(5000, 't'), endsWith(5000, 't', { q850: 21 }), hangsUp(5000, 'p')],
      'Failed (how-the-leg-ended)',
    ],
    [
      'the customer refuses first',
      [phoneCalls, leg, hangsUp(5000, 't'), endsWith(5000, 't', { q850: 21 }), hangsUp(5001, 'p')],
      'Failed (how-the-leg-ended)',
    ],
    [
      'the PBX ends it',
      [phoneCalls, leg, hangsUp(5000, 'p', 'pbx'), ended('no-answer', 19)],
      'NoAnswer (how-the-leg-ended)',
    ],
    ['busy', [phoneCalls, leg, ended('busy', 17)], 'Busy (how-the-leg-ended)'],
    [
      'busy, and the agent hangs up in the tone that follows',
      [phoneCalls, leg, ended('busy', 17), hangsUp(8000, 'p')],
      'Busy (how-the-leg-ended)',
    ],
    [
      'not answered in time, and the agent hangs up in the announcement, before the end of the leg is told',
      [phoneCalls, leg, dialEnds(5000, 't', 'p', 'no-answer'), hangsUp(8000, 'p'), endsWith(8001, 't', { q850: 19 })],
      'NoAnswer (how-the-leg-ended)',
    ],
    [
      'the agent hangs up, which ends the leg',
      [phoneCalls, leg, hangsUp(5000, 'p'), ended('cancel', 16)],
      'Cancelled (agent-hung-up)',
    ],
    ['no such number', [phoneCalls, leg, ended('no-answer', 1)], 'Failed (how-the-leg-ended)'],
    ['busy by SIP', [phoneCalls, leg, ended('no-answer', 0, 486)], 'Busy (how-the-leg-ended)'],
    ['cancelled', [phoneCalls, leg, ended('cancel', 16)], 'Cancelled (how-the-leg-ended)'],
    [
      'a customer called first',
      [
        rings(0, 't', 'PJSIP/carrier', null, { number: '09845012345' }),
        hangsUp(5000, 't'),
        endsWith(5000, 't', { q850: 17 }),
      ],
      'Busy (how-the-leg-ended)',
    ],
  ];
  for (const [what, events, wanted] of rows) t.equal(concluded(first(events), 'status'), wanted, what);
  t.equal(
    first([phoneCalls, leg, ended('busy', 17, 486)])?.reasons?.status.fact,
    'PJSIP/carrier: busy Q.850 17 SIP 486',
  );
});

t.test('internal', async (t) => {
  const phoneCalls = calls(0, 'p', 'PJSIP/1001', { dialled: '1002' });
  const leg = rings(10, 'q', 'PJSIP/1002', 'p');
  const ended = (q850: number, id = 'q') => endsWith(5000, id, { q850 });
  const rows: readonly Row[] = [
    ['a person', [phoneCalls, leg, talk(900, 'p', 'q')], 'Answered (person-connected)'],
    ['a message', [phoneCalls, leg, ended(19), message('p')], 'Voicemail (message-left)'],
    ['the one who dialled hung up', [phoneCalls, leg, hangsUp(50, 'p')], 'Cancelled (caller-hung-up)'],
    ['busy', [phoneCalls, leg, ended(17)], 'Busy (how-the-leg-ended)'],
    ['no answer', [phoneCalls, leg, ended(19)], 'NoAnswer (how-the-leg-ended)'],
    ['busy, and he hangs up in the tone', [phoneCalls, leg, ended(17), hangsUp(8000, 'p')], 'Busy (how-the-leg-ended)'],
    [
      'the last of two',
      [phoneCalls, leg, ended(17), rings(6000, 'r', 'PJSIP/1003', 'p'), endsWith(9000, 'r', { q850: 19 })],
      'NoAnswer (how-the-leg-ended)',
    ],
    [
      'a phone, and his mobile',
      [
        calls(0, 'p', 'PJSIP/1001', { dialled: '1002' }),
        leg,
        ended(19),
        rings(20, 'm', 'PJSIP/carrier', 'p', { number: '09900112244' }),
        endsWith(6000, 'm', { q850: 17 }),
      ],
      'NoAnswer (how-the-leg-ended)',
    ],
    ['nobody', [phoneCalls], 'NoAnswer (how-the-leg-ended)'],
    ['no such extension', [phoneCalls, answers(20, 'p'), endsWith(50, 'p', { q850: 1 })], 'Failed (how-the-leg-ended)'],
  ];
  for (const [what, events, wanted] of rows) t.equal(concluded(first(events), 'status'), wanted, what);
});

t.test('when a person answered', async (t) => {
  const at = (...events: CallEvent[][]) => {
    const answeredAt = first([inbound(), ...events])?.answeredAt ?? null;
    return answeredAt === null ? null : answeredAt - START;
  };
  t.equal(at(answers(5, 'c'), phone('p', '1001'), talk(900, 'c', 'p')), 900, 'not when the menu did');
  t.equal(
    at(phone('p', '1001'), answers(900, 'p'), meet(1240, 'b', 'c', 'p')),
    900,
    'the PBX took a third of a second',
  );
  t.equal(
    at(phone('p', '1001'), answers(900, 'p'), meet(3150, 'b', 'c', 'p')),
    3150,
    'the agent had to accept with a key',
  );
  t.equal(
    at(phone('p', '1001'), phone('q', '1002'), answers(800, 'q'), answers(900, 'p'), meet(950, 'b', 'c', 'p')),
    900,
    'another phone was not connected',
  );
  const waiting = calls(-5000, 'p', 'PJSIP/1001', { dialled: '*45' });
  t.equal(at(waiting, answers(-4000, 'p'), meet(900, 'b', 'c', 'p')), 900, 'the agent was logged in');
  t.equal(
    at(calls(100, 'p', 'PJSIP/1001'), answers(200, 'p'), meet(900, 'b', 'c', 'p')),
    900,
    'picked up: the phone called in',
  );
  const three = [
    phone('p', '1001'),
    calls(400, 'q', 'PJSIP/1002', { linkedId: 'c' }),
    answers(500, 'q'),
    answers(900, 'p'),
  ];
  t.equal(at(...three, meet(950, 'b', 'c', 'p', 'q')), 900, 'of those connected the one that was called');
  t.equal(at(phone('p', '1001')), null);
  const mobile = rings(10, 'm', 'PJSIP/carrier', 'c', { number: '09900112244' });
  t.equal(at(phone('p', '1001'), mobile, answers(800, 'm'), meet(850, 'b', 'c', 'm')), 800, 'on a mobile');
  const back = [leave(2000, 'c~m', 'c', 'm'), talk(3000, 'c', 'p')];
  t.equal(at(phone('p', '1001'), mobile, talk(800, 'c', 'm'), ...back), 800, 'on a mobile, before it went to a desk');
  const out = [
    calls(0, 'p', 'PJSIP/1001', { dialled: '09845012345' }),
    rings(10, 't', 'PJSIP/carrier', 'p', { number: '09845012345' }),
  ];
  t.equal(
    first([...out, answers(800, 't'), meet(850, 'b', 'p', 't')])?.answeredAt,
    START + 850,
    'outbound: when the two were connected',
  );
});

t.test('an agent who holds the caller and leaves had finished; one who hangs up had not', async (t) => {
  const hold = (ms: number) => [on(ms, { kind: 'held', channel: 'p' } as const)];
  const retrieve = (ms: number) => [on(ms, { kind: 'retrieved', channel: 'p' } as const)];
  const transfer = (ms: number) => [
    on(ms, { kind: 'transferred', channel: 'p', manner: 'attended', parties: ['p'], linkedIds: [], to: null } as const),
  ];
  const next = [...phone('q', '1002', 2000), ...talk(9000, 'c', 'q')];
  const talked = (...events: CallEvent[][]) => {
    const record = first([
      inbound(),
      phone('p', '1001'),
      talk(1000, 'c', 'p'),
      ...events,
      leave(8000, 'c~p', 'c', 'p'),
    ]);
    return [(record?.agentsTalked[0]?.to ?? 0) - START, record?.holdSeconds];
  };
  t.strictSame(talked(hold(5000), transfer(8000), ends(8000, 'p'), next), [5000, 0], 'handed over');
  t.strictSame(
    talked(hold(5000), transfer(8000), retrieve(7990), next),
    [5000, 0],
    'the hold was taken off as he left',
  );
  t.strictSame(talked(hold(5000), retrieve(6000), transfer(8000), next), [8000, 1], 'he had taken the caller back');
  t.strictSame(talked(transfer(4000), hold(5000)), [8000, 3], 'a transfer before: he came back');
  t.strictSame(talked(hold(5000)), [8000, 3], 'he hung up');
  t.strictSame(
    talked(hold(5000), ends(8000, 'p'), phone('q', '1002', 7000), answers(8500, 'q'), meet(8500, 'c~p', 'c', 'q')),
    [8000, 3],
    'he hung up, and a colleague came to the caller in the same place',
  );
  t.strictSame(talked(hold(500), retrieve(800)), [8000, 0], 'a hold before they met');
  t.strictSame(talked(hold(8000), phone('q', '1002', 6000), meet(8001, 'ask', 'p', 'q')), [8000, 0], 'a hold after it');
  t.strictSame(
    talked(hold(5000), phone('q', '1002', 6000), meet(8000, 'ask', 'p', 'q')),
    [5000, 0],
    'he went to ask a colleague',
  );
  t.strictSame(talked(hold(5000), ends(8000, 'p'), next), [8000, 3], 'he hung up, and the PBX led the caller on');
});

t.test('what happens within a moment is one talk', async (t) => {
  const moved = (gap: number) =>
    first([
      inbound(),
      phone('p', '1001'),
      talk(1000, 'c', 'p'),
      leave(2000, 'c~p', 'c', 'p'),
      meet(2000 + gap, 'b', 'c', 'p'),
    ])?.agentsTalked.length;
  t.equal(moved(60), 1, 'the PBX moves media');
  t.equal(moved(1000), 2, 'parked and taken back');
  const parts = (first: string, second: string) => [
    talk(1000, first, second),
    leave(2000, `${first}~${second}`, first, second),
    meet(3000, 'b', first, second),
    leave(4000, 'b', first, second),
    meet(4060, 'd', first, second),
  ];
  const talks = (...events: CallEvent[][]) => first(events)?.agentsTalked.map(({ ext, from }) => [ext, from - START]);
  t.strictSame(
    talks(inbound(), phone('p', '1001'), ...parts('c', 'p')),
    [
      ['1001', 1000],
      ['1001', 3000],
    ],
    'parked, taken back, and moved',
  );
  const inside = [calls(0, 'p', 'PJSIP/1001', { dialled: '1002' }), rings(10, 'q', 'PJSIP/1002', 'p')];
  t.equal(talks(...inside, ...parts('p', 'q'))?.length, 4);
  const handed = [talk(1000, 'c', 'p'), leave(2000, 'c~p', 'c', 'p'), talk(2060, 'c', 'q')];
  t.strictSame(
    talks(inbound(), phone('p', '1001'), phone('q', '1002', 11), ...handed),
    [
      ['1001', 1000],
      ['1002', 2060],
    ],
    'another agent in the same moment',
  );
  const internal = (gap: number) =>
    first([
      calls(0, 'p', 'PJSIP/1001', { dialled: '1002' }),
      rings(10, 'q', 'PJSIP/1002', 'p'),
      talk(1000, 'p', 'q'),
      leave(2000, 'p~q', 'p', 'q'),
      meet(2000 + gap, 'b', 'p', 'q'),
    ])?.agentsTalked.length;
  t.equal(internal(60), 2, 'one of each');
  t.equal(internal(1000), 4);
});

t.test('phones that talk on after the caller has gone have a call of their own', async (t) => {
  const moved = (...events: CallEvent[][]) =>
    recordsOf([inbound(), phone('p', '1001'), talk(1000, 'c', 'p'), ends(5000, 'c'), ...events, over]);
  const colleague = rings(6000, 'q', 'PJSIP/1002', 'p', { linkedId: 'c' });
  const [call, left] = moved(colleague, talk(7000, 'p', 'q'), ends(9000, 'p'), ends(9600, 'q'));
  t.match(call, { direction: 'Inbound', endedAt: START + 5000, agentsRung: ['1001'] });
  t.match(left, {
    direction: 'Internal',
    status: 'Answered',
    agent: '1001',
    agentsRung: ['1002'],
    external: null,
    did: null,
    trunk: null,
    durationSeconds: 2,
    talkSeconds: 2,
    ringSeconds: 1,
    legs: 2,
    callSessionId: 'pbx-q',
  });
  t.equal(concluded(left, 'direction'), 'Internal (left-behind)');
  t.equal(moved(colleague).length, 1, 'nobody answered');
  t.equal(moved().length, 1);
  const before = rings(4000, 'q', 'PJSIP/1002', 'p', { linkedId: 'c' });
  t.equal(moved(before, talk(7000, 'p', 'q')).length, 1, 'called while the caller was there: part of his call');
});

t.test('what is not known is flagged', async (t) => {
  const flags = (...events: CallEvent[][]) => first([inbound(), phone('p', '1001'), ...events])?.flags.join(' ');
  const lost = [on(500, { kind: 'source-lost', orderly: false, reason: 'closed' } as const)];
  t.equal(flags(talk(900, 'c', 'p')), '');
  t.equal(flags(lost, talk(900, 'c', 'p')), 'blind-interval');
  const back = [on(600, { kind: 'source-connected', boot: null, bootedAt: null } as const)];
  const after = recordsOf([inbound(), lost, back, phone('p', '1001', 700), talk(900, 'c', 'p'), over])[0];
  t.strictSame(after?.flags, ['blind-interval'], 'one channel was there meanwhile');
  const listed = (id: string, answered: boolean) => [
    on(900, {
      kind: 'snapshot-channel',
      channel: id,
      facts: (id === 'c' ? inbound() : phone('p', '1001')).flatMap((one) => ('facts' in one ? [one.facts] : []))[0],
      createdAt: START + 100,
      answered,
      answeredAt: null,
      bridge: answered ? 'b' : null,
    } as never),
  ];
  const met = (answered: boolean) =>
    recordsOf([listed('c', answered), listed('p', answered), over])[0]?.flags.join(' ');
  t.equal(met(true), 'blind-interval start-unknown answer-unknown');
  t.equal(met(false), 'blind-interval start-unknown');
  const unheard = recordsOf([inbound(), phone('p', '1001'), talk(900, 'c', 'p')])[0]?.flags.join(' ');
  t.equal(unheard, 'end-unknown');
});
