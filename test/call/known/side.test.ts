/** Who began a channel, on which side it is, which extension it has, where its call leads: each by the evidence that decides. */
import t from 'tap';
import { weigh } from '../../../src/call/evidence.ts';
import { extensionOf } from '../../../src/call/known/extension.ts';
import { INITIATOR_RULES, initiatorAtBirth } from '../../../src/call/known/initiator.ts';
import { type Knowledge, misreadName, partyOf } from '../../../src/call/known/side.ts';
import type { SourcePlan } from '../../../src/call/plan.ts';
import type { CallEvent, ChannelFacts } from '../../../src/telephony/call-event.ts';
import { facts } from '../../support/facts.ts';
import { answers, calls, concluded, ends, on, planWith, recordsOf, rings, talk } from '../../support/told.ts';

const plain = planWith();
const own = planWith("direct_lines = { '+918041110001' = '1001' }");
const mobiles = planWith("agent_mobiles = { '+919900112233' = '1007' }\nextensions = []");
const bare = planWith('extensions = []');
const trunk = "[[source.trunk]]\nmatch = ['PJSIP/1*']";

const at = (endpoint: string, more: Partial<ChannelFacts> = {}): ChannelFacts =>
  facts(endpoint, 'a', { context: null, ...more });

/** Dialled by the PBX with this number, of which nothing else is known. */
const by = (called: string): Partial<Knowledge> => ({ initiator: 'pbx', called });
const caller: Partial<Knowledge> = { initiator: 'endpoint' };

type Row = readonly [what: string, SourcePlan, ChannelFacts, Partial<Knowledge>, wanted: string];

t.test('the side of a channel: each rule where it decides, and a neighbour where it does not', async (t) => {
  const wire = at('Local/1001@phones', { wire: 'Local/1001@phones-01', initiator: 'pbx' });
  const line = (side: 'trunk' | 'extension') => ({ line: { side, fact: 'what the PBX says' } });
  const rows: readonly Row[] = [
    ['half of a pair', plain, wire, {}, 'wire (wire)'],
    ['a channel of the same name that is none', plain, { ...wire, wire: null }, {}, 'trunk (no-phone-known)'],

    ['the mobile of an agent is called', mobiles, at('PJSIP/t'), by('09900112233'), 'extension (agent-mobile)'],
    ['another mobile is called', mobiles, at('PJSIP/t'), by('09900112244'), 'trunk (no-phone-known)'],
    [
      'his mobile calls in',
      mobiles,
      at('PJSIP/t'),
      { ...by('09900112233'), initiator: 'endpoint' },
      'trunk (no-phone-known)',
    ],
    [
      'a setting names the trunk',
      planWith(`extensions = ['PJSIP/10*']\n${trunk}`),
      at('PJSIP/1001'),
      {},
      'trunk (trunk-setting)',
    ],
    ['another endpoint', planWith(trunk), at('PJSIP/2001'), {}, 'extension (extension-setting)'],

    ['called by a number', plain, at('PJSIP/1001'), { calledBy: 'number' }, 'trunk (called-by-a-number)'],
    ['called by its name', plain, at('PJSIP/1001'), { calledBy: 'name' }, 'extension (extension-setting)'],

    ...['from-pstn', 'from-trunk', 'from-did-direct', 'from-digital', 'from-analog', 'from-dahdi', 'from-zaptel'].map(
      (context): Row => [context, plain, at('PJSIP/1001', { context }), {}, 'trunk (birth-context)'],
    ),
    ...['from-sip-external', 'ext-did', 'ext-did-0002', 'from-trunk-sip-80411', 'from-pstn.x', 'from-trunk_a'].map(
      (context): Row => [context, plain, at('PJSIP/1001', { context }), {}, 'trunk (birth-context)'],
    ),
    ...['from-trunks', 'from', 'my-from-trunk', 'ext-didx', 'from-queue'].map(
      (context): Row => [context, plain, at('PJSIP/1001', { context }), {}, 'extension (extension-setting)'],
    ),
    ...['from-internal', 'from-internal-xfer', 'from-internal.custom'].map(
      (context): Row => [context, bare, at('PJSIP/80411', { context }), {}, 'extension (birth-context)'],
    ),
    ['a context like it', bare, at('PJSIP/asha', { context: 'from-internally' }), {}, 'trunk (no-phone-known)'],
    [
      'the phones context is where the call is now',
      bare,
      at('PJSIP/asha', { context: 'from-internal', contextMoved: true }),
      {},
      'trunk (no-phone-known)',
    ],
    [
      'the context of lines is where the call is now',
      plain,
      at('PJSIP/1001', { context: 'ext-did-0001', contextMoved: true }),
      {},
      'trunk (birth-context)',
    ],

    ['the PBX says trunk', plain, at('PJSIP/1001', line('trunk')), {}, 'trunk (line)'],
    ['the PBX says phone', bare, at('sofia/external/x', line('extension')), {}, 'extension (line)'],
    ['it says nothing', bare, at('sofia/external/x', { line: null }), {}, 'trunk (no-phone-known)'],

    ['an outside number calls one of ours', own, at('PJSIP/1001'), caller, 'trunk (company-number-dialled)'],
    [
      'one of ours calls one of ours',
      own,
      at('PJSIP/1001', { caller: { number: '+918041110001', name: null } }),
      caller,
      'extension (extension-setting)',
    ],
    ['an outside number calls another', plain, at('PJSIP/1001'), caller, 'extension (extension-setting)'],
    ['nothing was dialled', own, at('PJSIP/1001', { dialled: null }), caller, 'extension (extension-setting)'],
    ['the PBX calls it', own, at('PJSIP/1001'), { initiator: 'pbx', called: null }, 'extension (extension-setting)'],

    ['its call comes in', plain, at('PJSIP/1001'), { ...caller, routing: 'incoming' }, 'trunk (incoming-course)'],
    [
      'a leg of such a call',
      plain,
      at('PJSIP/1001', { initiator: 'pbx' }),
      { initiator: 'pbx', routing: 'incoming' },
      'extension (extension-setting)',
    ],

    ['a name like those of phones', plain, at('PJSIP/1001'), {}, 'extension (extension-setting)'],
    ['another name', plain, at('PJSIP/asha.rao'), {}, 'trunk (no-phone-known)'],

    ['its call goes out', bare, at('PJSIP/asha'), { ...caller, routing: 'outgoing' }, 'extension (dials-like-a-phone)'],
    [
      'its call stays inside',
      bare,
      at('PJSIP/asha'),
      { ...caller, routing: 'inside' },
      'extension (dials-like-a-phone)',
    ],
    [
      'the leg of an outgoing call',
      bare,
      at('PJSIP/asha'),
      { initiator: 'pbx', routing: 'outgoing' },
      'trunk (no-phone-known)',
    ],

    [
      'called by name for a caller',
      bare,
      at('PJSIP/asha'),
      { initiator: 'pbx', routing: 'incoming', calledBy: 'name' },
      'extension (rung-by-its-name)',
    ],
    [
      'called by name for a colleague',
      bare,
      at('PJSIP/asha'),
      { initiator: 'pbx', routing: 'inside', calledBy: 'name' },
      'extension (rung-by-its-name)',
    ],
    [
      'called by name for an outside number',
      bare,
      at('PJSIP/asha'),
      { initiator: 'pbx', routing: 'outgoing', calledBy: 'name' },
      'trunk (no-phone-known)',
    ],
    ['nothing known', bare, at('PJSIP/asha'), {}, 'trunk (no-phone-known)'],
  ];
  for (const [what, plan, of, more, wanted] of rows) {
    const { side, reason } = partyOf(plan, of, more);
    t.equal(`${side} (${reason.rule})`, wanted, what);
  }
});

t.test('who is at a channel: the extension, the owner of the mobile, the country of the trunk', async (t) => {
  t.match(partyOf(mobiles, at('PJSIP/t'), by('09900112233')), { ext: '1007' });
  t.match(partyOf(plain, at('PJSIP/1001'), {}), { ext: '1001', country: 'IN', format: 'auto', number: null });
  const abroad = planWith(
    `${trunk}\ncountry = 'AE'\nformat = 'national'\nnumber = '+97145551234'\ndial_prefix = ['9']`,
  );
  t.match(partyOf(abroad, at('PJSIP/1x'), {}), {
    ext: null,
    country: 'AE',
    format: 'national',
    number: '+97145551234',
    dialPrefixes: ['9'],
  });
  t.match(partyOf(plain, at('Local/1005@x', { wire: 'w', extension: '1005' }), {}), { side: 'wire', ext: '1005' });
  t.equal(partyOf(plain, at('PJSIP/1001', { domain: 'a.example' }), {}).domain, 'a.example');
  t.equal(partyOf(plain, at('PJSIP/x', { domain: 'a.example' }), {}).domain, null, 'a trunk has none');
});

t.test('of the channel alone: what it shows it was called by', async (t) => {
  const alone = (initiator: ChannelFacts['initiator']) =>
    partyOf(mobiles, at('PJSIP/t', { initiator, dialled: '09900112233' })).reason.rule;
  t.equal(alone('pbx'), 'agent-mobile');
  t.equal(alone(null), 'agent-mobile', 'not told yet: it was called');
  t.equal(alone('endpoint'), 'no-phone-known');
});

t.test('a name that says something else than the evidence is named, and only then', async (t) => {
  const misread = (plan: SourcePlan, of: ChannelFacts, more: Partial<Knowledge> = {}) =>
    misreadName(plan, partyOf(plan, of, more), of)?.side ?? null;
  t.equal(misread(plain, at('PJSIP/80411', { context: 'from-pstn' })), 'trunk');
  t.equal(misread(plain, at('PJSIP/asha', { context: 'from-internal' })), 'extension');
  t.equal(misread(plain, at('PJSIP/1001', { context: 'from-internal' })), null);
  t.equal(misread(plain, at('PJSIP/carrier', { context: 'from-pstn' })), null);
  t.equal(misread(planWith(trunk), at('PJSIP/1001')), null, 'the administrator has said it');
  t.equal(misread(mobiles, at('PJSIP/t'), by('09900112233')), null);
  t.equal(misread(plain, at('Local/1@x', { wire: 'w' })), null);
});

t.test('who began a channel: the surest evidence, whatever came first', async (t) => {
  const birth = (more: Partial<ChannelFacts>, listed = false) => {
    const { value, rule } = weigh(initiatorAtBirth(at('PJSIP/x', more), listed), INITIATOR_RULES);
    return `${value} (${rule})`;
  };
  t.equal(birth({ initiator: 'endpoint' }), 'endpoint (signalling)');
  t.equal(birth({ initiator: 'pbx' }), 'pbx (signalling)');
  t.equal(birth({ initiator: 'pbx' }, true), 'pbx (listed-application)');
  t.equal(birth({ initiator: null }), 'endpoint (extension-at-birth)');
  t.equal(birth({ initiator: null, dialled: null }), 'pbx (extension-at-birth)');
  const said = (rule: string, value: 'endpoint' | 'pbx') => ({ value, rule, fact: '' });
  const all = [
    said('extension-at-birth', 'endpoint'),
    said('listed-application', 'pbx'),
    said('dialled-by-the-pbx', 'endpoint'),
    said('signalling', 'pbx'),
  ];
  for (const [left, wanted] of [
    [4, 'signalling'],
    [3, 'dialled-by-the-pbx'],
    [2, 'listed-application'],
    [1, 'extension-at-birth'],
  ] as const) {
    t.equal(weigh(all.slice(0, left), INITIATOR_RULES).rule, wanted);
    t.equal(weigh(all.slice(0, left).reverse(), INITIATOR_RULES).rule, wanted);
  }
  t.strictSame(
    weigh(all, INITIATOR_RULES).rejected.map(({ rule }) => rule),
    ['dialled-by-the-pbx', 'extension-at-birth'],
    'what says the same is not rejected',
  );
});

t.test('chan_sip and chan_dahdi: what comes after the creation decides', async (t) => {
  const born = (initiator: ChannelFacts['initiator'], dialled: string | null, ...more: CallEvent[][]) => {
    const [record] = recordsOf([calls(0, 'c', 'SIP/carrier', { initiator, dialled }), ...more, ends(9000, 'c')]);
    return concluded(record, 'direction');
  };
  const then = (initiator: 'endpoint' | 'pbx') => [
    on(1, { kind: 'initiated', channel: 'c', initiator, fact: 'Newstate', dialled: null }),
  ];
  const alerting = [on(1, { kind: 'alerting', channel: 'c' } as const)];
  const dialled = [on(1, { kind: 'dial-started', channel: 'c', by: null, number: null, presented: null } as const)];
  const [came, went] = ['Inbound (caller-from-outside)', 'Outbound (outside-number-called-by-the-pbx)'];
  t.equal(born(null, null), went);
  t.equal(born(null, '+918041110001'), came);
  t.equal(born(null, null, then('endpoint')), came);
  t.equal(born(null, '+918041110001', then('pbx')), went);
  t.equal(born(null, '+918041110001', alerting), went);
  t.equal(born(null, '+918041110001', dialled), went);
  t.equal(born('endpoint', '+918041110001', dialled), came, 'it picks up what rings at another: signalling is surer');
});

t.test('the extension of a phone', async (t) => {
  const ext = (endpoint: string, more: Partial<ChannelFacts> = {}, plan = plain, ...meant: readonly string[]) =>
    extensionOf(plan, at(endpoint, more), meant);
  const group = planWith("extensions = ['/^SIP\\/x(?<ext>\\d+)$/']");
  const known = planWith(
    "direct_lines = { '+918041110001' = '99123', '+918041110002' = '124', '+918041110003' = '1001' }",
  );
  t.equal(ext('SIP/x1001', {}, group), '1001', 'the group of the pattern');
  t.equal(ext('SIP/y', { extension: '1002' }, group), '1002', 'what the PBX says');
  t.equal(ext('SIP/x1001', { extension: '1002' }, group), '1001', 'the config first');
  t.equal(ext('sofia/internal/asha.rao'), 'asha.rao', 'the user');
  t.equal(ext('PJSIP/991001'), '1001', 'the browser phone of 1001');
  t.equal(ext('PJSIP/99100'), '99100', 'five digits are a number of their own');
  t.equal(ext('PJSIP/9910'), '9910');
  t.equal(ext('PJSIP/99123', {}, plain, '123'), '123', 'the PBX rang it for 123');
  t.equal(ext('PJSIP/991001', {}, plain, '991001'), '991001', 'the PBX shows it as itself');
  t.equal(ext('PJSIP/991001', {}, plain, '991001', '1001'), '1001');
  t.equal(ext('PJSIP/99123', {}, known), '99123', 'the config has it');
  t.equal(ext('PJSIP/99124', {}, known), '124', 'the config has the desk phone');
  t.equal(ext('PJSIP/991001', {}, planWith("agent_mobiles = { '+919900112233' = '991001' }")), '991001');
});

t.test('the numbers that a phone shows, or in whose name it is rung, tell its extension', async (t) => {
  const rung = (...more: CallEvent[][]) =>
    recordsOf([calls(0, 'c', 'PJSIP/carrier'), ...more, talk(1000, 'c', 'p'), ends(4000, 'c', 'p')])[0]?.agent;
  const place = (exten: string | null) => ({ from: { context: 'ext-local', exten } });
  t.equal(rung(rings(10, 'p', 'PJSIP/99123', 'c')), '99123');
  t.equal(rung(rings(10, 'p', 'PJSIP/99123', 'c', place('123'))), '123');
  t.equal(rung(rings(10, 'p', 'PJSIP/99123', 'c', place(null))), '99123');
  const shows = (number: string | null) => [
    on(20, { kind: 'identity', channel: 'p', caller: { number, name: null }, withheld: false } as const),
  ];
  t.equal(rung(rings(10, 'p', 'PJSIP/99123', 'c'), shows('123')), '123');
  t.equal(rung(rings(10, 'p', 'PJSIP/991001', 'c'), shows('991001')), '991001');
  t.equal(rung(rings(10, 'p', 'PJSIP/99123', 'c'), shows(null)), '99123');
});

t.test('where a call leads', async (t) => {
  /** The routing is seen in what it makes of endpoints that nothing else tells. */
  const routing = (events: readonly CallEvent[][], plan = bare) => {
    const [record] = recordsOf([...events, ends(4000, 'c', 'd')], plan);
    const { direction, agent, agentsRung } = record ?? {};
    return `${direction} ${agent ?? agentsRung?.join() ?? ''}`;
  };
  const from = (number: string | null, dialled: string | null) =>
    calls(0, 'c', 'PJSIP/x', { context: null, dialled, caller: { number, name: null } });
  const to = (number: string | null, endpoint = 'PJSIP/y') => rings(10, 'd', endpoint, 'c', { context: null, number });
  t.equal(routing([from('09845012345', '+918041110001'), to(null)]), 'Inbound y', 'incoming: y was rung');
  t.equal(routing([from('09845012345', '+918041110001'), to('09900112233')]), 'Inbound ', 'led on to a mobile');
  t.equal(routing([from('x', '09845012345'), to('+919845012345')]), 'Outbound x', 'outgoing: what was dialled is sent');
  t.equal(routing([from('08041110001', '09845012345'), to('+919845012345')]), 'Outbound x', 'whatever the phone shows');
  t.equal(routing([from('x', '2002'), to(null)]), 'Internal x', 'inside');
  t.equal(routing([from('1001', '2002'), to(null)]), 'Internal x', 'a short number is that of a phone');
  t.equal(
    routing([from(null, '2002'), to(null)]),
    'Inbound y',
    'a hidden caller and no number of ours: y is rung by its name',
  );
  t.equal(routing([from('09845012345', '2002'), to(null)]), 'Inbound y', 'an outside caller at a short line');
  t.equal(routing([from('x', null), to(null)]), 'Inbound y', 'nothing was dialled');
  t.equal(routing([from('x', '2002')]), 'Internal x', 'nobody was rung');
  t.equal(routing([from('09845012345', '+918041110001')]), 'Inbound ', 'nobody was rung');
  const ours = planWith("extensions = []\ndirect_lines = { '+918041110001' = '1001' }");
  t.equal(
    routing([from('+918041110001', '2002'), to(null)], ours),
    'Inbound y',
    'our own number is not a caller from outside: y is rung by its name',
  );
  const digits = (...legs: CallEvent[][]) =>
    routing(
      [calls(0, 'c', 'PJSIP/80411', { context: null, caller: { number: '09845012345', name: null } }), ...legs],
      plain,
    );
  t.equal(digits(to(null)), 'Inbound y', 'a trunk that is named like a phone');
  t.match(digits(), /^(?:Outbound|Internal) 80411$/, 'nobody was rung: it may be a phone');
  t.match(digits(rings(10, 'd', 'Local/y@x', 'c', { context: null, wire: 'w' })), /80411$/, 'a wire is nobody');
  t.match(digits(calls(10, 'd', 'PJSIP/1002', { linkedId: 'c' })), /80411$/, 'nor is one who called in');
  t.equal(
    routing(
      [
        from('09845012345', '+918041110001'),
        calls(9, 'd', 'PJSIP/1002', { linkedId: 'c', context: null }),
        to('09900112244', 'PJSIP/1002'),
        talk(900, 'c', 'd'),
      ],
      plain,
    ),
    'Inbound 1002',
    'a phone that called in is a phone, though a number is sent in its place',
  );
  t.equal(
    routing([rings(0, 'c', 'PJSIP/x', null, { context: null }), answers(5, 'c'), to('09845012345')]),
    'Outbound ',
    'a call that the PBX was asked for has no routing',
  );
});
