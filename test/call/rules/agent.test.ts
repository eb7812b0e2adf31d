/** Who the agent is, whose call an untaken one is, in whose name a mobile was called, which phones rang: each by its rule. */
import t from 'tap';
import type { CallRules } from '../../../src/call/correlate.ts';
import type { SourcePlan } from '../../../src/call/plan.ts';
import type { CallEvent, ChannelFacts } from '../../../src/telephony/call-event.ts';
import {
  answers,
  calls,
  concluded,
  dialEnds,
  ends,
  leave,
  on,
  planWith,
  recordsOf,
  rings,
  START,
  talk,
} from '../../support/told.ts';

const plain = planWith();
const lines = planWith("direct_lines = { '+918041110001' = '1009' }");
const over = ends(20_000, 'c', 'p', 'q', 'r', 't', 'm', 'w1', 'w2');
const inbound = (more: Partial<ChannelFacts> = {}) => calls(0, 'c', 'PJSIP/carrier', more);
const phone = (id: string, ext: string, ms = 10) => rings(ms, id, `PJSIP/${ext}`, 'c');

const first = (events: readonly CallEvent[][], plan = plain, rules: Partial<CallRules> = {}) =>
  recordsOf([...events, over], plan, rules)[0];

t.test('the agent', async (t) => {
  const rows: readonly (readonly [string, readonly CallEvent[][], wanted: string, SourcePlan?])[] = [
    [
      'an internal call',
      [calls(0, 'p', 'PJSIP/1001', { dialled: '1002' }), rings(10, 'q', 'PJSIP/1002', 'p'), talk(50, 'p', 'q')],
      '1001 (who-dialled)',
    ],
    ['who talked', [inbound(), phone('p', '1001'), talk(50, 'c', 'p')], '1001 (who-talked)'],
    ['nobody', [inbound(), phone('p', '1001')], 'null (nobody)'],
    [
      'who talked, though another dialled',
      [
        calls(0, 'p', 'PJSIP/1001', { dialled: '09845012345' }),
        rings(10, 't', 'PJSIP/carrier', 'p', { number: '09845012345' }),
        talk(900, 'p', 't'),
        leave(2000, 'p~t', 'p', 't'),
        rings(2000, 'q', 'PJSIP/1002', 't'),
        talk(3000, 't', 'q'),
      ],
      '1002 (who-talked)',
    ],
    [
      'who placed the call',
      [
        calls(0, 'p', 'PJSIP/1001', { dialled: '09845012345' }),
        rings(10, 't', 'PJSIP/carrier', 'p', { number: '09845012345' }),
      ],
      '1001 (who-placed-the-call)',
    ],
    [
      'a customer called first whom nobody took',
      [rings(0, 't', 'PJSIP/carrier', null, { number: '09845012345' }), answers(10, 't')],
      'null (nobody)',
    ],
    [
      'an agent on a telephone that no setting names',
      [
        rings(0, 't', 'PJSIP/carrier', null, { number: '09900112244' }),
        answers(10, 't'),
        rings(20, 'm', 'PJSIP/carrier', 't', { number: '09845012345' }),
        talk(900, 't', 'm'),
      ],
      'null (outside-telephone-of-nobody)',
    ],
    [
      'a mobile answered',
      [
        inbound(),
        phone('p', '1001'),
        rings(10, 'm', 'PJSIP/carrier', 'c', { number: '09900112244' }),
        talk(900, 'c', 'm'),
      ],
      '1001 (outside-telephone)',
    ],
    [
      'a mobile rang',
      [inbound(), phone('p', '1001'), rings(10, 'm', 'PJSIP/carrier', 'c', { number: '09900112244' })],
      'null (nobody)',
    ],
  ];
  for (const [what, events, wanted, plan] of rows) t.equal(concluded(first(events, plan), 'agent'), wanted, what);
});

t.test('of several who talked the one that the setting names', async (t) => {
  const three = (agent: CallRules['agent']) =>
    first(
      [
        inbound(),
        ...(
          [
            ['p', '1001', 1000],
            ['q', '1002', 3000],
            ['r', '1003', 9000],
          ] as const
        ).flatMap(([id, ext, ms]) => [
          phone(id, ext, ms - 500),
          talk(ms, 'c', id),
          leave(ms + (id === 'q' ? 5000 : 1000), `c~${id}`, 'c', id),
        ]),
      ],
      plain,
      { agent },
    )?.agent;
  t.equal(three('first'), '1001');
  t.equal(three('longest'), '1002');
  t.equal(three('last'), '1003');
  const both = (agent: CallRules['agent']) =>
    first(
      [
        inbound(),
        phone('p', '1001'),
        phone('q', '1002', 11),
        talk(900, 'c', 'p', 'q'),
        leave(1900, 'c~p~q', 'c', 'p', 'q'),
      ],
      plain,
      {
        agent,
      },
    )?.agent;
  t.equal(both('longest'), '1001', 'of two equally long ones the first');
});

t.test('whose call it is that nobody took', async (t) => {
  const missed = (
    phones: readonly string[],
    more: { missed?: CallRules['missed']; plan?: SourcePlan; events?: CallEvent[][] } = {},
  ) =>
    first(
      [inbound(), ...(more.events ?? []), ...phones.map((ext, n) => phone(['p', 'q', 'r'][n] ?? 'x', ext, 10 + n))],
      more.plan,
      { missed: more.missed ?? 'owner' },
    )?.responsible;
  const queued = [on(5, { kind: 'queued', channel: 'c', queue: '600' } as const)];
  const group = { from: { context: 'dial-with-exten', exten: '500' } };
  t.equal(missed(['1001']), '1001', 'the phone that rang');
  t.equal(missed(['1001'], { missed: 'nobody' }), '1001', 'it alone missed it');
  t.equal(missed([]), null);
  t.equal(missed([], { plan: lines }), '1009', 'the owner of the line');
  t.equal(missed(['1001', '1002']), '1002', 'nothing else is known: the phone rung last');
  t.equal(missed(['1001', '1002'], { plan: lines }), '1009');
  t.equal(missed(['1001', '1002'], { events: [queued] }), '600', 'the queue');
  t.equal(missed(['1001', '1002'], { events: [queued], plan: lines }), '1009', 'the owner before the queue');
  const named = [on(5, { kind: 'queued', channel: 'c', queue: 'sales' } as const)];
  t.equal(missed(['1001', '1002'], { events: [named] }), '1002', 'a name is no line');
  const grouped = [
    inbound(),
    queued,
    rings(10, 'p', 'PJSIP/1001', 'c', group),
    rings(10, 'q', 'PJSIP/1002', 'c', group),
  ];
  t.equal(first(grouped)?.responsible, '500', 'the group before the queue');
  t.equal(missed(['1001', '1002'], { missed: 'first', plan: lines }), '1001');
  t.equal(missed(['1001', '1002'], { missed: 'last', plan: lines }), '1002');
  t.equal(missed(['1001', '1002'], { missed: 'nobody', plan: lines }), null);
  const internal = [
    calls(0, 'p', 'PJSIP/x', { context: 'from-internal', dialled: '500' }),
    rings(5, 'q', 'PJSIP/1001', 'p'),
    rings(6, 'r', 'PJSIP/1002', 'p'),
  ];
  t.equal(first(internal)?.responsible, 'x', 'an internal call is that of who dialled');
  t.equal(
    first([
      rings(0, 't', 'PJSIP/carrier', null, { number: '09845012345' }),
      rings(5, 'p', 'PJSIP/1001', 't'),
      rings(6, 'q', 'PJSIP/1002', 't'),
    ])?.responsible,
    '1002',
    'a customer called first: the phone rung last',
  );
});

t.test('in whose name a mobile was called', async (t) => {
  const mobile = (more: object = {}) => rings(30, 'm', 'PJSIP/carrier', 'c', { number: '+919900112244', ...more });
  const wire = (endpoint: string, extension: string | null, more: object = {}) => [
    ...rings(20, 'w1', endpoint, 'c', { wire: 'w', extension, ...more }),
    on(20, {
      kind: 'channel-created',
      channel: 'w2',
      facts: {
        ...(
          rings(0, 'w2', endpoint, null, { wire: 'w', extension, linkedId: 'c' })[0] as Extract<
            CallEvent,
            { kind: 'channel-created' }
          >
        ).facts,
      },
    }),
    ...rings(30, 'm', 'PJSIP/carrier', 'w2', { linkedId: 'c', number: '+919900112244' }),
    ...talk(900, 'w2', 'm'),
    ...talk(900, 'c', 'w1'),
  ];
  const place = (context: string, exten: string) => ({ from: { context, exten } });
  const two = [phone('p', '1001'), phone('q', '1002')];
  const queued = [on(5, { kind: 'queued', channel: 'c', queue: '600' } as const)];
  const left = [on(20, { kind: 'dequeued', channel: 'c', queue: '600', reason: 'timeout' } as const)];
  const rows: readonly (readonly [string, readonly CallEvent[][], value: string | null, rule: string, SourcePlan?])[] =
    [
      ['SIP 302', [...two, dialEnds(20, 'q', 'c', 'failed', '09900112244'), mobile()], '1002', 'forwarded-by-302'],
      [
        'SIP 302, the number not told',
        [...two, dialEnds(20, 'q', 'c', 'failed', 'Local/x'), mobile({ number: null })],
        '1002',
        'forwarded-by-302',
      ],
      [
        'SIP 302 to another number',
        [...two, dialEnds(20, 'q', 'c', 'failed', '09900112255'), mobile()],
        null,
        'of-no-extension',
      ],
      ['the leg is called as an extension', [...two, mobile({ extension: '1002' })], '1002', 'in-the-name-of'],
      ['through the wire of an extension', [...two, wire('Local/1002@followme', '1002')], '1002', 'follow-me'],
      ['through a wire of none', [...two, wire('Local/out@x', null)], null, 'of-no-extension'],
      ['from the place of an extension', [...two, mobile(place('dialOne-with-exten', '1007'))], '1007', 'call-forward'],
      [
        'from the place of an extension that rang',
        [...two, mobile(place('ext-local', '1002'))],
        '1002',
        'call-forward',
      ],
      ['from the place of another', [...two, mobile(place('ext-local', '1007'))], null, 'of-no-extension'],
      [
        'as a member of a group',
        [phone('p', '1001'), mobile(place('dial-with-exten', '502'))],
        null,
        'member-of-a-group',
      ],
      ['as a member of a queue', [queued, phone('p', '1001'), mobile()], null, 'member-of-a-group'],
      ['after the queue', [queued, left, phone('p', '1001'), mobile()], '1001', 'only-phone-rung'],
      ['the owner of the line', [...two, mobile()], '1009', 'owner-of-the-line', lines],
      ['only one phone rang', [phone('p', '1001'), mobile()], '1001', 'only-phone-rung'],
      ['no phone rang', [mobile()], null, 'of-no-extension'],
      ['two phones rang', [...two, mobile()], null, 'of-no-extension'],
    ];
  for (const [what, events, value, rule, plan] of rows) {
    const wired = events.some((of) => of.some((one) => 'channel' in one && one.channel === 'w1'));
    const reason = first([inbound(), ...events, ...(wired ? [] : [talk(900, 'c', 'm')])], plan)?.reasons?.agent;
    t.strictSame([reason?.value, reason?.rule, reason?.fact.split(':')[0]], [value, 'outside-telephone', rule], what);
  }
  const answered = first([inbound(), phone('p', '1001'), mobile(), talk(900, 'c', 'm', 'p')]);
  t.equal(concluded(answered, 'agent'), '1001 (who-talked)', 'an extension takes part');
  const mixed = first([inbound(), phone('p', '1001'), mobile(), answers(900, 'm'), talk(900, 'c', 'p', 'm')]);
  t.equal(concluded(mixed, 'agent'), '1001 (who-talked)', 'both are connected');
  const elsewhere = rings(5, 'm', 'PJSIP/carrier', 'z', { linkedId: 'z', number: '09900112244' });
  const joined = first([inbound(), phone('p', '1001'), elsewhere, talk(900, 'c', 'm')]);
  t.equal(concluded(joined, 'agent'), 'null (nobody)', 'the customer of another call is no telephone of the company');
  const other = [inbound(), phone('p', '1001'), calls(5, 'm', 'PJSIP/carrier'), talk(900, 'c', 'm')];
  t.equal(concluded(first(other), 'agent'), 'null (nobody)', 'another caller is no telephone of the company');
});

t.test('the ring group of a call', async (t) => {
  const group = (context: string | null, exten: string | null, ...more: CallEvent[][]) =>
    first([inbound(), rings(10, 'p', 'PJSIP/1001', 'c', { from: { context, exten } }), ...more])?.ringGroup;
  t.equal(group('dial-with-exten', '500'), '500');
  t.equal(group('dial-with-exten', '1001'), null, 'follow-me of the extension itself');
  t.equal(group('dialOne-with-exten', '1002'), null);
  t.equal(group('from-internal', '500'), null);
  t.equal(group('dial-with-exten', null), null);
  t.equal(
    group(
      'dial-with-exten',
      '500',
      rings(20, 'q', 'PJSIP/1002', 'c', { from: { context: 'dial-with-exten', exten: '501' } }),
    ),
    '500',
    'the first of several',
  );
  t.equal(first([inbound(), phone('p', '1001')])?.ringGroup, null, 'nothing told');
});

t.test('which phones rang', async (t) => {
  const rung = (...events: CallEvent[][]) => first([inbound(), ...events])?.agentsRung.join(' ');
  t.equal(rung(phone('q', '1002', 20), phone('p', '1001', 10)), '1001 1002', 'in order of time');
  t.equal(rung(phone('p', '1001'), phone('q', '1001', 20)), '1001', 'each once');
  t.equal(rung(rings(10, 'm', 'PJSIP/carrier', 'c', { extension: '1007' })), '1007', 'a trunk leg in the name of one');
  t.equal(rung(rings(10, 'm', 'PJSIP/carrier', 'c')), '', "a trunk leg in nobody's name");
  t.equal(rung(rings(10, 'w1', 'Local/1005@x', 'c', { wire: 'w', extension: '1005' })), '', 'a wire does not ring');
  t.equal(rung(calls(10, 'p', 'PJSIP/1001', { linkedId: 'c' }), talk(90, 'c', 'p')), '', 'who picks up was not rung');
  const late = (ms: number, by: string) =>
    rung(phone('p', '1001'), talk(50, 'c', 'p'), ends(5000, 'c'), rings(ms, 'q', 'PJSIP/1002', by, { linkedId: 'c' }));
  t.equal(late(5000, 'p'), '1001', 'called by the phone in the moment in which the caller went');
  t.equal(late(5000, 'c'), '1001 1002', 'called for the caller in that moment: the clock has steps');
  t.equal(late(5001, 'c'), '1001');
});

t.test('how long it rang', async (t) => {
  t.match(first([inbound(), phone('p', '1001', 2000), talk(7000, 'c', 'p')]), { ringSeconds: 5 });
  t.match(
    first([inbound(), phone('p', '1001', 2000), phone('q', '1002', 4000)]),
    { ringSeconds: 18 },
    'from the first phone on',
  );
  t.match(first([inbound()]), { ringSeconds: 0 });
  const out = [
    calls(0, 'p', 'PJSIP/1001', { dialled: '09845012345' }),
    rings(2000, 't', 'PJSIP/carrier', 'p', { number: '09845012345' }),
  ];
  t.match(first([...out, talk(5000, 'p', 't')]), { ringSeconds: 3, startedAt: START });
});

t.test('the domain of a phone', async (t) => {
  const tenants = planWith("direct_lines = { '+918041110001' = '1001@b.example' }");
  const rung = (id: string, domain: string | null) => rings(10, id, 'PJSIP/1001', 'c', { domain });
  const domain = (events: CallEvent[][], plan = plain) => first([inbound(), ...events], plan)?.agentDomain;
  t.equal(domain([rung('p', 'a.example')]), 'a.example', 'that of the phone that missed the call');
  t.equal(
    domain([rung('p', 'a.example'), rung('q', 'b.example'), talk(50, 'c', 'q')]),
    'b.example',
    'of the one that took it',
  );
  t.equal(domain([rung('p', null)], tenants), 'b.example', 'of the line');
  t.equal(domain([], tenants), 'b.example');
  t.equal(domain([rung('p', null)]), null);
  t.equal(domain([]), null);
});
