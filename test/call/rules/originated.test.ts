/** Calls that the PBX was asked to make: which legs are the agent's side, and which the customer's. */
import t from 'tap';
import type { CallRecord } from '../../../src/call/record.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import {
  answers,
  calls,
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

const CUSTOMER = '+971501234567';
const MOBILE = '+919845077001';
const TRUNK = 'PJSIP/carrier';

/** The PBX is asked to call `Local/what`: the halves are `NAME1` and `NAME2`. `by`: who dials it instead. */
function local(ms: number, name: string, what: string, by: string | null = null, linkedId = by ?? `${name}1`) {
  const extension = /^\d{2,6}$/.test(what) ? what : null;
  const half = { initiator: 'pbx', wire: name, dialled: what, extension, linkedId } as const;
  const [one, two] = [`${name}1`, `${name}2`];
  return [
    ...calls(ms, one, `Local/${what}@from-internal`, half),
    ...calls(ms, two, `Local/${what}@from-internal`, half),
    on(ms, { kind: 'wired', channel: one, other: two }),
    on(ms, { kind: 'dial-started', channel: one, by, number: what, presented: null }),
  ];
}

const asked = (ms: number, channel: string, exten: string | null) => [on(ms, { kind: 'originated', channel, exten })];
const sent = (ms: number, id: string, number: string, by: string | null, more: object = {}) =>
  rings(ms, id, TRUNK, by, { number, ...more });
const over = (ms: number) => ends(ms, 'l1', 'l2', 'e1', 'e2', 'f1', 'f2', 'g1', 'g2', 'p', 'q', 'm', 'c', 't', 'u');
const records = (...events: CallEvent[][]): CallRecord[] =>
  recordsOf(events).filter((one) => one.direction !== 'Internal');
const at = (ms: number) => START + ms;

t.test('the agent is rung through a wire, and takes the call on his mobile beside the desk phone', async (t) => {
  const rung = [
    local(0, 'l', '1005'),
    // As FreePBX does it.
    local(10, 'e', 'FMPR-1005', 'l2', 'l1'),
    rings(20, 'p', 'PJSIP/1005', 'e2', { linkedId: 'l1' }),
    local(20, 'g', 'FMGL-9845077001#', 'l2', 'l1'),
    local(30, 'f', '9845077001', 'g2', 'l1'),
    sent(40, 'm', MOBILE, 'f2', { linkedId: 'l1' }),
  ];
  const taken = [
    ...rung,
    answers(3000, 'm', 'f1', 'f2', 'g1', 'g2'),
    meet(3010, 'b1', 'm', 'f2'),
    meet(3010, 'b4', 'f1', 'g2'),
    dialEnds(3000, 'm', 'f2', 'answer'),
    dialEnds(3020, 'p', 'e2', 'cancel'),
    endsWith(3030, 'p', { q850: 26 }),
    answers(3040, 'l1', 'l2'),
    meet(3040, 'b2', 'g1', 'l2'),
    asked(3050, 'l1', CUSTOMER),
  ];
  const dialled = sent(3100, 'c', CUSTOMER, 'l1');
  const answered = records(...taken, dialled, answers(8000, 'c'), meet(8010, 'b3', 'l1', 'c'), over(128_010));
  t.match(answered, [
    { direction: 'Outbound', status: 'Answered', externalE164: CUSTOMER, agent: '1005', durationSeconds: 120 },
  ]);
  t.equal(answered.length, 1);
  t.equal(answered[0]?.answeredAt, at(8010));
  t.match(records(...taken, dialled, endsWith(9000, 'c', { q850: 17 }), over(9100)), [
    { direction: 'Outbound', status: 'Busy', externalE164: CUSTOMER, agent: '1005' },
  ]);
  t.match(
    records(...taken, dialled, hangsUp(9000, 'm'), over(9100)),
    [{ status: 'Cancelled', externalE164: CUSTOMER, agent: '1005' }],
    'the agent hangs up his mobile',
  );
  t.match(
    records(...taken, hangsUp(3060, 'm'), over(3070)),
    [{ status: 'Cancelled', externalE164: CUSTOMER, agent: '1005' }],
    'before the customer is dialled',
  );
  t.match(
    records(...rung, endsWith(20_000, 'p', { q850: 19 }), asked(20_010, 'l1', CUSTOMER), over(20_020)),
    [{ direction: 'Outbound', status: 'NoAnswer', externalE164: CUSTOMER, agent: '1005' }],
    'nobody takes it',
  );
  const mobileFirst = [
    local(0, 'l', '1005'),
    sent(20, 'm', MOBILE, 'l2', { linkedId: 'l1' }),
    rings(30, 'p', 'PJSIP/1005', 'l2', { linkedId: 'l1' }),
    endsWith(20_000, 'm', { q850: 19 }),
    asked(20_010, 'l1', CUSTOMER),
  ];
  t.match(
    records(...mobileFirst, over(20_020)),
    [{ direction: 'Outbound', status: 'NoAnswer', externalE164: CUSTOMER, agent: '1005' }],
    'nor where the mobile rings first',
  );
  t.same(
    records(...taken.slice(0, -1), asked(3050, 'l1', '1006'), rings(3100, 'q', 'PJSIP/1006', 'l1'), over(9000)),
    [],
    'for a colleague it is internal',
  );
});

t.test('the mobile of a member of a group is none of the group, and of nobody', async (t) => {
  const group = [
    local(0, 'l', '600'),
    rings(20, 'p', 'PJSIP/1001', 'l2', { linkedId: 'l1' }),
    rings(20, 'q', 'PJSIP/1002', 'l2', { linkedId: 'l1' }),
    sent(30, 'm', MOBILE, 'l2', { linkedId: 'l1' }),
    answers(3000, 'm', 'l1', 'l2'),
    endsWith(3030, 'p', { q850: 26 }),
    endsWith(3030, 'q', { q850: 26 }),
    asked(3050, 'l1', CUSTOMER),
    sent(3100, 'c', CUSTOMER, 'l1'),
  ];
  t.match(records(...group, endsWith(9000, 'c', { q850: 17 }), over(9100)), [
    { status: 'Busy', externalE164: CUSTOMER, agent: null, responsible: null },
  ]);
});

t.test('a group is rung for a customer who is not reached', async (t) => {
  const group = [
    local(0, 'l', '600'),
    rings(20, 'p', 'PJSIP/1001', 'l2', { linkedId: 'l1' }),
    rings(20, 'q', 'PJSIP/1002', 'l2', { linkedId: 'l1' }),
  ];
  const taken = [
    ...group,
    answers(3000, 'q', 'l1', 'l2'),
    dialEnds(3000, 'q', 'l2', 'answer'),
    dialEnds(3010, 'p', 'l2', 'cancel'),
    endsWith(3020, 'p', { q850: 26 }),
    asked(3050, 'l1', CUSTOMER),
  ];
  t.match(
    records(...taken, sent(3100, 'c', CUSTOMER, 'l1'), endsWith(9000, 'c', { q850: 17 }), over(9100)),
    [{ direction: 'Outbound', status: 'Busy', externalE164: CUSTOMER, agent: '1002' }],
    'the one who took it',
  );
  t.match(
    records(...taken, sent(3100, 'c', CUSTOMER, 'l1'), hangsUp(9000, 'q'), over(9100)),
    [{ status: 'Cancelled', agent: '1002' }],
    'he hangs up before an answer',
  );
  t.match(
    records(...taken, hangsUp(3060, 'q'), over(3070)),
    [{ direction: 'Outbound', status: 'Cancelled', externalE164: CUSTOMER, agent: '1002' }],
    'before the customer is dialled',
  );
  const refused = endsWith(2000, 'p', { q850: 21 });
  t.match(
    records(...group, refused, asked(9000, 'l1', CUSTOMER), over(9100)),
    [{ status: 'NoAnswer' }],
    'one of two refuses',
  );
  t.match(
    records(...group, refused, endsWith(3000, 'q', { q850: 21 }), asked(9000, 'l1', CUSTOMER), over(9100)),
    [{ status: 'Cancelled' }],
    'both refuse',
  );
});

t.test('the customer is called first', async (t) => {
  const customer = [sent(0, 't', CUSTOMER, null), answers(4000, 't')];
  const queued = [on(4100, { kind: 'queued', channel: 't', queue: '600' } as const)];
  const member = [local(4200, 'f', '9845077001', 't'), sent(4250, 'm', MOBILE, 'f2', { linkedId: 't' })];
  const talking = [answers(9000, 'm', 'f1', 'f2'), meet(9010, 'b1', 'm', 'f2'), meet(9020, 'b2', 'f1', 't')];
  const reasons = { agent: { rule: 'outside-telephone-of-nobody' } };
  const found = { status: 'Answered', externalE164: CUSTOMER, agent: null, durationSeconds: 60, reasons };
  t.match(
    records(...customer, asked(4010, 't', '600'), queued, ...member, ...talking, over(69_020)),
    [found],
    'and waits in a queue for agents outside',
  );
  t.match(records(...customer, asked(4010, 't', '600'), ...member, ...talking, over(69_020)), [found], 'for a group');
  t.match(
    records(
      ...customer,
      asked(4010, 't', '600'),
      rings(4200, 'p', 'PJSIP/1001', 't'),
      ...member,
      ...talking,
      over(69_020),
    ),
    [{ ...found, agent: '1001', reasons: {} }],
    'one of them beside a desk phone: the only one known',
  );
  t.match(records(...customer, queued, ...member, ...talking, over(69_020)), [found], 'the PBX does not say for whom');
  t.match(
    records(
      ...customer,
      asked(4010, 't', '+918041110001'),
      sent(4250, 'm', MOBILE, 't'),
      talk(9000, 't', 'm'),
      over(69_000),
    ),
    [{ externalE164: MOBILE }],
    'a number that nothing shows as one of the company is the customer',
  );
  const own = planWith("direct_lines = { '+918041110001' = '1001' }");
  t.match(
    recordsOf(
      [
        ...customer,
        asked(4010, 't', '+918041110001'),
        sent(4250, 'm', MOBILE, 't'),
        talk(9000, 't', 'm'),
        over(69_000),
      ],
      own,
    ),
    [{ externalE164: CUSTOMER, agent: null }],
    'one of the company is not',
  );
});

t.test('the customer is called first, through a wire and by the second of two trunks', async (t) => {
  const failed = [
    local(0, 'l', '0971501234567'),
    sent(20, 't', CUSTOMER, 'l2', { linkedId: 'l1' }),
    dialEnds(900, 't', 'l2', 'congestion'),
    endsWith(900, 't', { q850: 34 }),
    sent(1000, 'u', CUSTOMER, 'l2', { linkedId: 'l1' }),
  ];
  const reached = [answers(4000, 'u', 'l1', 'l2'), meet(4010, 'b1', 'u', 'l2'), asked(4020, 'l1', '1001')];
  const agent = [rings(4100, 'p', 'PJSIP/1001', 'l1'), answers(6000, 'p'), meet(6010, 'b2', 'l1', 'p')];
  t.match(records(...failed, ...reached, ...agent, over(66_010)), [
    { direction: 'Outbound', status: 'Answered', externalE164: CUSTOMER, agent: '1001', durationSeconds: 60 },
  ]);
});

t.test('an agent outside who calls a short number, as that of the police', async (t) => {
  const call = [
    sent(0, 't', MOBILE, null),
    answers(4000, 't'),
    asked(4010, 't', '112'),
    sent(4100, 'c', '112', 't'),
    talk(9000, 't', 'c'),
    over(69_000),
  ];
  t.match(records(...call), [{ external: '112', agent: null, status: 'Answered' }]);
});

t.test('agent and customer are called apart, and meet in a conference', async (t) => {
  const agent = [
    rings(0, 'p', 'PJSIP/1001', null, { presented: CUSTOMER }),
    answers(2000, 'p'),
    asked(2010, 'p', null),
  ];
  const customer = [sent(2100, 'c', CUSTOMER, null), answers(6000, 'c')];
  const room = (ms: number, channel: string) => [
    on(ms, { kind: 'bridge-entered', channel, bridge: 'room', bridgeKind: 'conference' } as const),
  ];
  const found = { direction: 'Outbound', status: 'Answered', externalE164: CUSTOMER, agent: '1001' };
  const met = [...agent, room(2020, 'p'), ...customer, room(6010, 'c')];
  t.match(records(...met, leave(66_010, 'room', 'c'), ends(66_020, 'c'), ends(66_400, 'p')), [found]);
  const late = records(...met, leave(66_010, 'room', 'c'), ends(66_020, 'c'), on1(600_000), ends(700_000, 'p'));
  t.match(late, [found], 'the phone stays long after');
  t.equal(late.length, 1);
  t.equal(records(...met, leave(66_010, 'room', 'c'), ends(66_020, 'c'), ends(66_400, 'p')).length, 1);
  t.match(
    records(...agent, room(2020, 'p'), ends(9000, 'p')),
    [{ direction: 'Outbound', status: 'Cancelled', externalE164: CUSTOMER, agent: '1001' }],
    'nobody comes',
  );
});

/** Time passes. */
const on1 = (ms: number) => calls(ms, 'other', 'PJSIP/1009', { dialled: '1008' });
