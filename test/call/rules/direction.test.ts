/** Inbound, outbound or internal; who the outside party is, and its number: each by the rule that decides. */
import t from 'tap';
import type { SourcePlan } from '../../../src/call/plan.ts';
import type { CallRecord, Reasons } from '../../../src/call/record.ts';
import type { CallEvent, ChannelFacts } from '../../../src/telephony/call-event.ts';
import {
  answers,
  calls,
  concluded,
  dialEnds,
  ends,
  endsWith,
  meet,
  on,
  planWith,
  recordsOf,
  rings,
  talk,
} from '../../support/told.ts';

const plain = planWith();
const lines = planWith("direct_lines = { '+918041110001' = '1001' }\nagent_mobiles = { '+919900112233' = '1007' }");
const CUSTOMER = '09845012345';

const from = (dialled: string | null, more: Partial<ChannelFacts> = {}) =>
  calls(0, 'p', 'PJSIP/1001', { dialled, ...more });
const trunk = (number: string | null, more: object = {}) => rings(10, 't', 'PJSIP/carrier', 'p', { number, ...more });
const clicked = (number: string | null, more: Partial<ChannelFacts> & { readonly presented?: string } = {}) =>
  rings(0, 'p', 'PJSIP/1001', null, { caller: { number, name: null }, ...more });
const clickedBy = (asked: string) => [
  ...calls(0, 'p', 'PJSIP/1001', { initiator: 'pbx', dialled: null }),
  on(0, { kind: 'dial-started', channel: 'p', by: null, number: '1001', presented: '1001', asked }),
];
const asked = (channel: string, exten: string) => [on(8000, { kind: 'originated', channel, exten })];
const over = ends(9000, 'c', 'p', 'q', 't', 'm');

const first = (events: readonly CallEvent[][], plan = plain) => recordsOf([...events, over], plan)[0];

type Row = readonly [what: string, events: readonly CallEvent[][], wanted: string, plan?: SourcePlan];

function check(
  t: { equal(a: unknown, b: unknown, what: string): unknown },
  what: keyof Reasons,
  rows: readonly Row[],
): void {
  for (const [name, events, wanted, plan] of rows) t.equal(concluded(first(events, plan), what), wanted, name);
}

t.test('the direction', async (t) => {
  const colleague = rings(10, 'q', 'PJSIP/1005', 'p');
  const sentOn = (more: object = {}) => rings(20, 'm', 'PJSIP/carrier', 'p', { number: '09900112244', ...more });
  const group = { from: { context: 'ext-group', exten: '77' } };
  const digits = planWith("extensions = ['PJSIP/{ext}']");
  check(t, 'direction', [
    ['a caller', [calls(0, 'c', 'PJSIP/carrier')], 'Inbound (caller-from-outside)'],
    [
      'a caller who is put through to an outside number',
      [calls(0, 'c', 'PJSIP/carrier'), rings(10, 't', 'PJSIP/carrier', 'c')],
      'Inbound (caller-from-outside)',
    ],
    [
      'the customer is called first',
      [rings(0, 't', 'PJSIP/carrier', null, { number: CUSTOMER }), talk(50, 't', 'p')],
      'Outbound (outside-number-called-by-the-pbx)',
    ],

    ['a colleague is reached on a mobile', [from('1005'), colleague, sentOn()], 'Internal (extension-dialled)'],
    ['a colleague whose phone is not known', [from('1005'), sentOn()], 'Internal (extension-dialled)'],
    [
      'a group is dialled',
      [from('77', { endpoint: 'PJSIP/1001' }), sentOn(group)],
      'Internal (extension-dialled)',
      planWith("extensions = ['PJSIP/1*']"),
    ],
    [
      'a word as name, and a group',
      [from('77'), sentOn()],
      'Outbound (phone-to-trunk)',
      planWith("extensions = ['PJSIP/1001']"),
    ],
    ['an emergency number', [from('112'), trunk('112')], 'Outbound (phone-to-trunk)'],
    ['the same behind a prefix', [from('112'), trunk('0112')], 'Outbound (phone-to-trunk)'],
    ['what was sent is not told', [from('1005'), sentOn({ number: null, dialled: null })], 'Outbound (phone-to-trunk)'],
    ['too long for an extension', [from('941110001'), sentOn()], 'Outbound (phone-to-trunk)', digits],
    [
      'long, but the phone of that extension rang',
      [from('150010005'), rings(10, 'q', 'PJSIP/150010005', 'p'), sentOn()],
      'Internal (extension-dialled)',
      planWith("extensions = ['/^PJSIP\\/(?<ext>1\\d+)$/']"),
    ],
    ['one digit', [from('7'), sentOn()], 'Outbound (phone-to-trunk)', digits],
    [
      'the colleague puts the call through',
      [from('1005'), colleague, talk(15, 'p', 'q'), sentOn()],
      'Outbound (phone-to-trunk)',
    ],
    [
      'the colleague answers later',
      [from('1005'), colleague, sentOn(), talk(900, 'p', 'q')],
      'Internal (extension-dialled)',
    ],
    ['the PBX called the phone', [clicked('1005', { dialled: '1005' }), sentOn()], 'Outbound (phone-to-trunk)'],

    ['the menu answered the one who dials', [from('1005'), answers(5, 'p'), sentOn()], 'Internal (extension-dialled)'],
    [
      'the colleague puts it through at once',
      [from('1005'), colleague, talk(20, 'p', 'q'), sentOn()],
      'Outbound (phone-to-trunk)',
    ],
    ['one of two legs has what was dialled', [from('1005'), sentOn(), trunk('01005')], 'Outbound (phone-to-trunk)'],
    [
      'one of two legs was put through',
      [from('1005'), trunk('09900112255'), colleague, talk(15, 'p', 'q'), sentOn()],
      'Outbound (phone-to-trunk)',
    ],
    ['a speed dial', [from('1005'), sentOn()], 'Outbound (phone-to-trunk)', planWith("speed_dials = ['10*']")],
    ['another one', [from('1005'), sentOn()], 'Internal (extension-dialled)', planWith("speed_dials = ['70*']")],
    [
      'one of two patterns matches',
      [from('2005'), sentOn()],
      'Internal (extension-dialled)',
      planWith("extensions = ['PJSIP/10*', 'PJSIP/20*']"),
    ],
    ['an outside number', [from(CUSTOMER), trunk(CUSTOMER)], 'Outbound (phone-to-trunk)'],

    ['a click in vain', [clicked(CUSTOMER)], 'Outbound (click-to-call-not-answered)'],
    [
      'what it was shown is told with the dialling',
      [clicked('1001', { presented: CUSTOMER })],
      'Outbound (click-to-call-not-answered)',
    ],
    ['the PBX shows the phone its own number', [clicked('1001')], 'Internal (phones-only)'],
    ['it shows a number of the company', [clicked('08041110001')], 'Internal (phones-only)', lines],
    ["it shows an agent's mobile", [clicked('09900112233')], 'Internal (phones-only)', lines],
    ['it shows an extension', [clicked('1002')], 'Internal (phones-only)'],
    [
      'it shows the number of the company; which extension it asked for says whom the call was for',
      [clicked('08041110001'), asked('p', CUSTOMER)],
      'Outbound (click-to-call-not-answered)',
      lines,
    ],
    ['it asked for an extension', [clicked(CUSTOMER), asked('p', '1002')], 'Internal (phones-only)'],
    [
      'it names no channel of a call that nobody took',
      [clickedBy('PJSIP/1001'), asked('PJSIP/1001', CUSTOMER)],
      'Outbound (click-to-call-not-answered)',
    ],
    [
      'it names the channel of another call',
      [clickedBy('PJSIP/1001'), asked('PJSIP/1002', CUSTOMER)],
      'Internal (phones-only)',
    ],
    [
      'the one who dials the phone is not known any more',
      [
        rings(0, 'p', 'PJSIP/1001', 'gone', { caller: { number: CUSTOMER, name: null } }),
        rings(5, 'q', 'PJSIP/1005', 'p', { linkedId: 'gone' }),
      ],
      'Internal (phones-only)',
    ],

    ['no route', [from('1234567'), endsWith(50, 'p', { q850: 1 })], 'Outbound (number-does-not-exist)'],
    [
      'no route, by SIP',
      [from('1234567'), endsWith(50, 'p', { q850: 0, sip: 404 })],
      'Outbound (number-does-not-exist)',
    ],
    [
      'the same, answered',
      [from('1234567'), answers(20, 'p'), endsWith(50, 'p', { q850: 1 })],
      'Internal (phones-only)',
    ],
    [
      'the same, and somebody was rung',
      [from('1005'), colleague, endsWith(50, 'p', { q850: 1 })],
      'Internal (phones-only)',
    ],
    ['the same of a phone that was called', [clicked(null), endsWith(50, 'p', { q850: 1 })], 'Internal (phones-only)'],
    ['another cause', [from('1234567'), endsWith(50, 'p', { q850: 16 })], 'Internal (phones-only)'],

    ['an outside number without a leg', [from(CUSTOMER)], 'Outbound (outside-number-dialled)'],
    ['a number of the company', [from('08041110001')], 'Internal (phones-only)', lines],
    ['an extension', [from('1005')], 'Internal (phones-only)'],
    ['somebody inside was rung', [from(CUSTOMER), colleague], 'Internal (phones-only)'],
    [
      'the mobile of an agent is called, and nobody else',
      [rings(0, 'p', 'PJSIP/carrier', null, { number: '09900112233', dialled: '09900112233' })],
      'Internal (phones-only)',
      lines,
    ],
  ]);
});

t.test('the number of the outside party', async (t) => {
  const place = (exten: string | null) => ({ from: { context: 'from-internal', exten } });
  const lost = [
    on(5, { kind: 'source-lost', orderly: false, reason: 'closed' }),
    on(6, { kind: 'source-connected', boot: null, bootedAt: null }),
  ];
  const listed = (dialled: string | null) => [
    on(20, {
      kind: 'snapshot-channel',
      channel: 't',
      facts: { ...(trunk(null)[0] as Extract<CallEvent, { kind: 'channel-created' }>).facts, dialled },
      createdAt: null,
      answered: true,
      answeredAt: null,
      bridge: null,
    }),
  ];
  check(t, 'external', [
    ['an internal call', [from('1005')], 'null (internal-call)'],
    ['a caller', [calls(0, 'c', 'PJSIP/carrier')], '+919845012345 (caller-number)'],
    [
      'a caller without a number',
      [calls(0, 'c', 'PJSIP/carrier', { caller: { number: null, name: null } })],
      'null (caller-number)',
    ],
    ['what was sent', [from('9845012345'), trunk('+919845012345')], '+919845012345 (number-of-the-trunk-leg)'],
    [
      'what the leg shows',
      [from('*1234'), trunk(null, { dialled: '09845012345' })],
      '09845012345 (number-of-the-trunk-leg)',
    ],
    ['what the phone dialled', [from('09845012345'), trunk('7777')], '09845012345 (number-of-the-trunk-leg)'],
    [
      'where the dialplan was',
      [from('*1234'), trunk('7777', place('09845012345'))],
      '09845012345 (extension-of-the-dialplan)',
    ],
    ['where the dialplan was is no number', [from('*1234'), trunk('7777', place('s'))], '7777 (number-sent-as-it-is)'],
    ['nor is it told', [from('*1234'), trunk('7777')], '7777 (number-sent-as-it-is)'],
    ['a URI of which nothing can be read', [from('*1234'), trunk('sip:7777@10.0.0.1')], '7777 (number-sent-as-it-is)'],
    ['a click in vain', [clicked(CUSTOMER)], `${CUSTOMER} (number-of-the-click)`],
    [
      'for an extension it would have been with',
      [clicked('08041110001'), asked('p', CUSTOMER)],
      `${CUSTOMER} (number-of-the-click)`,
      lines,
    ],
    [
      'an agent at an outside telephone, who does not answer',
      [rings(0, 't', 'PJSIP/carrier', null, { number: '09900112244' }), asked('t', CUSTOMER)],
      `${CUSTOMER} (number-of-the-click)`,
    ],
    [
      'a customer who is connected with his own number',
      [rings(0, 't', 'PJSIP/carrier', null, { number: CUSTOMER }), asked('t', CUSTOMER)],
      `${CUSTOMER} (number-of-the-trunk-leg)`,
    ],
    ['the leg was not heard of', [from(CUSTOMER)], `${CUSTOMER} (number-dialled)`],
    ['its number was not heard of', [from('*1234'), lost, listed(null)], '*1234 (number-dialled)'],
    ['it was', [from('*1234'), lost, listed(CUSTOMER)], `${CUSTOMER} (number-of-the-trunk-leg)`],
    [
      'an agent called on a mobile, then a number that reads as none',
      [rings(0, 'p', 'PJSIP/carrier', null, { number: '09900112233', dialled: '09900112233' }), trunk('7777')],
      '7777 (number-sent-as-it-is)',
      lines,
    ],
    ['nothing was told', [from('*1234'), trunk(null)], 'null (no-number)'],
    ['nothing was dialled', [from(null), trunk(null)], 'null (no-number)'],
  ]);
  t.match(first([calls(0, 'c', 'PJSIP/carrier')]), { external: '+919845012345', externalE164: '+919845012345' });
  t.match(first([from('*1234'), trunk('7777')]), { external: '7777', externalE164: null });
});

t.test('which leg is the customer', async (t) => {
  const leg = (id: string, ms: number, number: string) => rings(ms, id, `PJSIP/carrier${id}`, 'p', { number });
  const [a, b] = [leg('t', 10, '09845012345'), leg('m', 20, '09900112244')];
  const customer = (...events: CallEvent[][]) => first([from('1234567890'), a, b, ...events])?.trunk;
  t.equal(customer(), 'PJSIP/carrierm', 'of those nobody answered the last');
  t.equal(customer(answers(50, 't')), 'PJSIP/carriert', 'the one that was answered');
  t.equal(customer(answers(60, 'm'), answers(50, 't')), 'PJSIP/carriert', 'the one that was answered first');
  t.equal(customer(answers(50, 'm'), answers(60, 't')), 'PJSIP/carrierm');
  t.equal(
    first([from('1234567890'), leg('t', 10, '09845012345'), leg('m', 10, '09900112244')])?.trunk,
    'PJSIP/carrierm',
    'of the same moment too',
  );
  t.equal(first([from('1005')])?.trunk, null, 'an internal call has none');
});

t.test('an agent rung outside, then the customer', async (t) => {
  const agent = rings(0, 't', 'PJSIP/carrier', null, { number: '09900112244' });
  const customer = rings(900, 'm', 'PJSIP/carrier2', 't', { number: CUSTOMER });
  const call = (...more: CallEvent[][]) => first([agent, answers(800, 't'), ...more]);
  t.match(call(customer, talk(2000, 't', 'm')), {
    direction: 'Outbound',
    trunk: 'PJSIP/carrier2',
    external: CUSTOMER,
    agent: null,
    status: 'Answered',
    answeredAt: Date.parse('2026-11-22T10:00:02Z'),
  });
  t.match(call(customer), { trunk: 'PJSIP/carrier2', external: CUSTOMER, status: 'NoAnswer' });
  t.match(call(), { trunk: 'PJSIP/carrier', external: '09900112244' }, 'nobody else was called: it is the customer');
  const desk = rings(900, 'q', 'PJSIP/1001', 't');
  t.match(
    call(desk, talk(2000, 't', 'q')),
    { trunk: 'PJSIP/carrier', agent: '1001', status: 'Answered' },
    'the customer first',
  );
  t.match(call(customer, desk, talk(2000, 't', 'q')), { trunk: 'PJSIP/carrier', agent: '1001' }, 'a phone took part');
  const unseen = rings(0, 't', 'PJSIP/carrier', 'gone', { number: '09900112244' });
  t.match(
    first([unseen, answers(800, 't'), customer, talk(2000, 't', 'm')]),
    { trunk: 'PJSIP/carrier' },
    'somebody had dialled it',
  );
  const two = calls(900, 'm', 'PJSIP/carrier2', { linkedId: 't', caller: { number: CUSTOMER, name: null } });
  t.match(call(two), { trunk: 'PJSIP/carrier' }, 'the other called in');
});

t.test('the number of the company', async (t) => {
  const shown = (presented: string | null, settings = '', more: object = {}) =>
    first([from(CUSTOMER), trunk(CUSTOMER, { presented, ...more })], planWith(settings))?.did;
  const own = "[[source.trunk]]\nmatch = ['PJSIP/carrier']\nnumber = '+918041110099'";
  t.equal(shown('08041110001', own), '08041110001', 'what is shown to the customer');
  t.equal(shown('sip:08041110001@x', own), '08041110001');
  t.equal(shown('1001', own), '+918041110099', 'no number: that of the trunk');
  t.equal(shown('1001'), null);
  t.equal(shown(CUSTOMER, own), '+918041110099', "the customer's own number is none of ours");
  t.equal(shown(null, own, { caller: { number: '08041110002', name: null } }), '08041110002', 'what the leg shows');
  t.equal(first([from(CUSTOMER)])?.did, null);
  t.equal(first([from('1005')])?.did, null);
  t.equal(first([calls(0, 'c', 'PJSIP/carrier', { dialled: '08041110001;npdi' })])?.did, '08041110001');
});

t.test('a wire stands for nobody', async (t) => {
  const wire = { initiator: 'pbx', wire: 'w' } as const;
  const halves = [
    calls(0, 'w1', 'Local/1005@x', { ...wire, linkedId: 'p', extension: '1005' }),
    calls(0, 'w2', 'Local/1005@x', { ...wire, linkedId: 'w2', extension: '1005' }),
  ];
  const record: CallRecord | undefined = first([
    from('1005'),
    ...halves,
    [on(1, { kind: 'wired', channel: 'w1', other: 'w2' } as const)],
    dialEnds(5, 'w1', 'p', 'answer'),
    rings(20, 'q', 'PJSIP/1005', 'w2', { linkedId: 'w2' }),
    answers(900, 'q', 'w1', 'w2'),
    meet(900, 'a', 'w2', 'q'),
    meet(901, 'b', 'p', 'w1'),
    ends(9000, 'w1', 'w2'),
  ]);
  t.match(record, { direction: 'Internal', status: 'Answered', agent: '1001', agentsRung: ['1005'], legs: 2 });
});
