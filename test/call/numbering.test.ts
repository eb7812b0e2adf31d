/** Which line was called, which number a call was sent to, and what hidden numbers become. */
import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import { isOwnNumber, outgoingNumber, ownerOf, suggestDialPrefix, type Writing } from '../../src/call/numbering.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { planOf } from '../../src/daemon/settings.ts';
import type { CallEvent, ChannelFacts } from '../../src/telephony/call-event.ts';
import { facts } from '../support/facts.ts';

/** A plan from a config, so that the settings are tried with it. */
function planFrom(country: string, lines: readonly string[], trunk = ''): SourcePlan {
  const table = lines.map((line, n) => `'${line}' = '${1001 + n}'`).join('\n');
  const text = `[[source]]
type = 'asterisk'
name = 'pbx'
username = 'logcalld'
country = '${country}'
[source.direct_lines]
${table}
[[source.trunk]]
match = ['PJSIP/trunk*']
${trunk}
[leadsquared]
host = 'api-in21.leadsquared.com'
`;
  const [source] = parseConfig(text, '/etc/logcalld/logcalld.toml').source;
  if (source === undefined) throw new Error('the config has no source');
  return planOf(source);
}

const home = (country: string, more: Partial<Writing> = {}): Writing => ({ country, format: 'auto', ...more });

t.test('a line is the same in every way of writing it, and no other', async (t) => {
  const table: readonly (readonly [
    country: string,
    line: string,
    same: readonly string[],
    other: readonly string[],
  ])[] = [
    [
      'IN',
      '+918041110001',
      [
        ...['+918041110001', '08041110001', '8041110001', '918041110001', '00918041110001', '0091 80 4111 0001'],
        ...['+918041110001;npdi;rn=+911234567890', 'sip:+918041110001@10.0.0.1:5060;user=phone', '0918041110001'],
        ...['tel:08041110001;phone-context=+91', '%2B918041110001', '41110001', '0001', '10001'],
      ],
      [
        ...['+918041110002', '8041110002', '+448041110001', '+11234567890', '41110002', '001', '1', 's', 'reception'],
        ...['sip:+911234567890;npdi;rn=+918041110001@10.0.0.1', '+0001', '*0001'],
      ],
    ],
    ['US', '+14155550123', ['4155550123', '14155550123', '+14155550123'], ['+444155550123', '+914155550123']],
    ['GB', '+442079460123', ['02079460123', '442079460123', '2079460123', '79460123'], ['+12079460123', '02079460124']],
    [
      'SG',
      '+6591234567',
      ['91234567', '6591234567', '+6591234567', '006591234567', '4567'],
      ['+919591234567', '81234567'],
    ],
    ['DE', '+4930123456', ['030123456', '4930123456', '+4930123456', '123456'], ['0301234567', '+4989123456']],
    ['AE', '+97145551234', ['045551234', '45551234', '97145551234'], ['025551234']],
    // In this country a number as delivered could as well be a foreign mobile.
    ['IN', '+916591234567', ['6591234567', '06591234567'], ['+6591234567']],
    // A number range that the numbering plan does not know.
    ['IN', '+911409876543', ['1409876543', '01409876543', '911409876543'], ['1409876544']],
    ['IN', '+911800123456', ['1800123456'], ['1800123457']],
  ];
  for (const [country, line, same, other] of table) {
    const plan = planFrom(country, [line]);
    for (const did of same) t.equal(ownerOf(plan, did), '1001', `${line} as ${did}`);
    for (const did of other) t.equal(ownerOf(plan, did), null, `${line} is not ${did}`);
  }
  t.equal(ownerOf(planFrom('IN', ['+918041110001']), null), null);
});

t.test('an end that several lines share belongs to none of them', async (t) => {
  const plan = planFrom('IN', ['+918041110001', '+912241110001', '+918041110002']);
  t.equal(ownerOf(plan, '0001'), null);
  t.equal(ownerOf(plan, '41110001'), null);
  t.equal(ownerOf(plan, '0002'), '1003');
  t.equal(ownerOf(plan, '2241110001'), '1002');
  t.equal(
    ownerOf(planFrom('IN', ['+918041110001'], "number = '+912241110001'"), '0001'),
    null,
    'the number of a trunk is a line as well',
  );
});

t.test('a line is read by the country and the format of the trunk it came over', async (t) => {
  const plan = planFrom('IN', ['+97145551234', '+6591234567']);
  t.equal(ownerOf(plan, '045551234', home('AE')), '1001');
  t.equal(ownerOf(plan, '91234567', home('SG')), '1002');
  t.equal(ownerOf(plan, '6591234567', home('IN', { format: 'national' })), null, 'a number of India there');
});

t.test('own numbers are compared alike; an end alone is nobody', async (t) => {
  const plan = planFrom('IN', ['+918041110001'], "number = '+918041110099'");
  for (const number of ['+918041110099', '08041110099', '918041110001']) t.ok(isOwnNumber(plan, number), number);
  for (const number of ['0001', '41110001', '+14041110001']) t.notOk(isOwnNumber(plan, number), number);
});

t.test('the number a call was sent to', async (t) => {
  const none = home('IN');
  const code = home('IN', { dialPrefixes: ['9', '1234#', '12'] });
  const table: readonly (readonly [Writing, string | null, string | null, string | null, string | null, string])[] = [
    // trunk, sent, dialled -> number, E.164, rule
    [none, '09845012345', '09845012345', '09845012345', '+919845012345', 'sent'],
    [none, '+919845012345', '9845012345', '+919845012345', '+919845012345', 'sent'],
    [none, '+14155550132', '0014155550132', '+14155550132', '+14155550132', 'sent'],
    [none, '09845012345;phone-context=+91', null, '+919845012345', '+919845012345', 'sent'],
    [none, 'sip:+919845012345@10.0.0.1', null, '+919845012345', '+919845012345', 'sent'],
    [code, '1234#9845012345', '9845012345', '9845012345', '+919845012345', 'dial-prefix'],
    [code, '1209845012345', null, '09845012345', '+919845012345', 'dial-prefix'],
    [code, '909845012345', null, '09845012345', '+919845012345', 'dial-prefix'],
    [code, '9+14155550132', null, '+14155550132', '+14155550132', 'dial-prefix'],
    [code, '9845012345', null, '9845012345', '+919845012345', 'sent'],
    [code, '9001', null, '9001', null, 'raw'],
    [code, null, '909845012345', '09845012345', '+919845012345', 'dialled'],
    [none, '1234#9845012345', '09845012345', '9845012345', '+919845012345', 'after-code'],
    [none, '#31#09845012345', null, '09845012345', '+919845012345', 'after-code'],
    [none, '1234#9845012345', '09900012345', '9845012345', '+919845012345', 'after-code'],
    [none, '12349845012345', '09845012345', '09845012345', '+919845012345', 'dialled'],
    [none, '19845012345', '9845012345', '9845012345', '+919845012345', 'dialled'],
    [none, '+19845012345', '9845012345', '+19845012345', '+19845012345', 'sent'],
    [none, '19845012345', null, '19845012345', '+19845012345', 'sent'],
    [none, '7777', '09845012345', '09845012345', '+919845012345', 'dialled'],
    [none, null, '09845012345', '09845012345', '+919845012345', 'dialled'],
    [home('AE', { format: 'international' }), null, '0501234567', '0501234567', '+971501234567', 'dialled'],
    [home('AE', { format: 'international' }), '971501234567', null, '971501234567', '+971501234567', 'sent'],
    // Digits alone do not tell where a prefix ends: a misdialled number must not become somebody else's.
    [none, '98450123456', null, '98450123456', null, 'raw'],
    [none, '12349845012345', null, '12349845012345', null, 'raw'],
    [none, '1234#5678', '1005', '1234#5678', null, 'raw'],
    [none, null, '1005', null, null, 'raw'],
    [none, null, null, null, null, 'raw'],
  ];
  for (const [trunk, sent, dialled, number, e164, rule] of table) {
    t.strictSame(outgoingNumber(sent, dialled, trunk), { number, e164, rule }, `${sent} for ${dialled}`);
  }
});

t.test('the beginning that hides numbers is found when several have it', async (t) => {
  const mobiles = ['9845012345', '09900012345', '8041110001', '+14155550132'];
  const sent = (prefix: string) => mobiles.map((number) => prefix + number);
  t.equal(suggestDialPrefix(sent('1234#'), 'IN'), '1234#');
  t.equal(suggestDialPrefix(sent('7700'), 'IN'), '7700');
  t.equal(suggestDialPrefix([...sent('*67'), '1909', '12'], 'IN'), '*67');
  t.equal(suggestDialPrefix(sent(''), 'IN'), null, 'they can be read');
  t.equal(suggestDialPrefix(sent('1234#').slice(0, 2), 'IN'), null, 'too few');
  t.equal(suggestDialPrefix(Array(5).fill('1234#9845012345'), 'IN'), null, 'one number, five times');
  t.equal(suggestDialPrefix(['1909', '112', '*43', '98450'], 'IN'), null);
  t.equal(suggestDialPrefix([], 'IN'), null);
});

const START = Date.parse('2026-11-22T10:00:00Z');
const stamp = (ms: number) => ({ source: 'pbx', at: START + ms, receivedAt: START + ms });
const created = (channel: string, endpoint: string, more: Partial<ChannelFacts> = {}): CallEvent => ({
  ...stamp(0),
  kind: 'channel-created',
  channel,
  facts: facts(endpoint, 'a', more),
});

function recordOf(plan: SourcePlan, ...events: readonly CallEvent[]): CallRecord | undefined {
  const calls = new CallTable('pbx', plan, DEFAULT_RULES);
  for (const event of events) calls.apply(event);
  for (const channel of ['a', 'b']) {
    calls.apply({ ...stamp(4000), kind: 'cleared', channel, clearing: { q850: 16, sip: null, text: null } });
  }
  return calls.advance(START + 10_000).ended[0];
}

t.test('an outgoing call has the number that was meant, with the prefix of its trunk', async (t) => {
  const call = (plan: SourcePlan, sent: string | null, dialled: string) =>
    recordOf(
      plan,
      created('a', 'PJSIP/1001', { dialled, context: 'from-internal', caller: { number: '1001', name: null } }),
      created('b', 'PJSIP/trunk-out', { initiator: 'pbx', dialled: null, caller: { number: null, name: null } }),
      { ...stamp(5), kind: 'dial-started', channel: 'b', by: 'a', number: sent, presented: '08041110001;npdi' },
    );
  const plain = planFrom('IN', ['+918041110001']);
  t.match(call(plain, '1234#9845012345', '09845012345'), { direction: 'Outbound', externalE164: '+919845012345' });
  t.match(call(plain, null, '09845012345'), { external: '09845012345', externalE164: '+919845012345' });
  t.match(call(plain, null, '1005'), { external: null, externalE164: null, did: '08041110001' });
  const prefixed = planFrom('IN', [], "dial_prefix = ['7700']");
  t.match(call(prefixed, '770009845012345', '*1005'), { external: '09845012345', externalE164: '+919845012345' });
});

t.test('an incoming call: the line without parameters, the number kept though it is withheld', async (t) => {
  const plan = planFrom('IN', ['+918041110001']);
  const call = (more: Partial<ChannelFacts>, ...events: readonly CallEvent[]) =>
    recordOf(plan, created('a', 'sofia/external/carrier', more), ...events);
  const ported = { did: '+918041110001', didE164: '+918041110001', responsible: '1001' };
  t.match(call({ dialled: '+918041110001;npdi;rn=+911234567890' }), ported);
  t.match(call({ dialled: '0001' }), { did: '0001', didE164: '+918041110001', responsible: '1001' });
  t.match(call({ dialled: '0002' }), { did: '0002', didE164: null, responsible: null });
  const hidden = { direction: 'Inbound', withheld: true, external: '+919845012345', externalE164: '+919845012345' };
  t.match(call({ withheld: true }), hidden);
  const identity = { kind: 'identity', caller: { number: null, name: null }, withheld: true } as const;
  t.match(call({}, { ...stamp(1), channel: 'a', ...identity }), hidden, 'told a moment later');
  t.match(call({ caller: { number: '0000000000', name: null } }), { withheld: true, externalE164: null });
  t.match(call({ caller: { number: '1909', name: null } }), { withheld: false, external: '1909' });
});
