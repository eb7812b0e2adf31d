/** What `check-config` tells of phones and trunks before the first call, and that its remedies work. */
import t from 'tap';
import { parseConfig } from '../../../config/load.ts';
import { parseUsers } from '../../../config/users.ts';
import { endpointFindings, readingsOf, type Seen, shortened } from '../../../src/commands/check/endpoints.ts';
import type { Finding } from '../../../src/commands/check/finding.ts';
import { checkSource } from '../../../src/commands/check/reach.ts';
import { type Census, userFindings } from '../../../src/commands/check/users.ts';
import { planOf } from '../../../src/daemon/settings.ts';
import type { ListedEndpoint } from '../../../src/ports.ts';
import { Secret } from '../../../src/secret.ts';
import type { ChannelFacts } from '../../../src/telephony/call-event.ts';
import { asteriskWith, deviceState } from '../../support/endpoint-pbx.ts';

/** The first source of a config with these lines in it. */
function sourceWith(lines: readonly string[], type = 'asterisk') {
  const user = type === 'asterisk' ? ["username = 'logcalld'"] : [];
  const text = [
    `[[source]]\ntype = '${type}'\nname = 'pbx1'`,
    ...user,
    ...lines,
    "[leadsquared]\nhost = 'api-in21.leadsquared.com'",
  ];
  const [source] = parseConfig(text.join('\n'), 'logcalld.toml').source;
  if (source === undefined) throw new Error('no source');
  return source;
}

const account = (endpoint: string, more: Partial<ListedEndpoint> = {}): ListedEndpoint => ({
  ...{ endpoint, context: null, line: null, domain: null, kind: 'account' },
  ...more,
});
const born = (context: string, ...endpoints: readonly string[]) => endpoints.map((one) => account(one, { context }));
const seenWith = (endpoints: readonly ListedEndpoint[], gaps: readonly string[] = []): Seen => ({
  ...{ listing: { endpoints, gaps, hints: [] }, live: [] },
});

function findingsOf(seen: Seen, lines: readonly string[] = [], whole = false, type = 'asterisk'): Finding[] {
  const plan = planOf(sourceWith(lines, type));
  return endpointFindings('pbx1', plan, seen, readingsOf(plan, seen), whole);
}

const lineOf = ({ level, about, text }: Finding): string => `${level} ${about.replace(' of pbx1', '')}: ${text}`;

t.test('each endpoint with the rule and the fact that decide', async (t) => {
  const phones = Array.from({ length: 12 }, (_, at) => `PJSIP/${1001 + at}`);
  const endpoints = [
    ...born('from-internal', ...phones),
    ...born('from-pstn', 'PJSIP/carrier'),
    ...born('incoming', 'PJSIP/airtel', 'PJSIP/201', 'PJSIP/voip'),
    account('DAHDI/i1', { line: { side: 'trunk', fact: 'ISDN span 1' }, kind: 'port' }),
  ];
  const told = findingsOf(seenWith(endpoints), ["[[source.trunk]]\nmatch = ['PJSIP/voip*']"]).map(lineOf);
  const pattern = '/^(?:PJSIP|SIP|IAX2|SCCP)\\/(?<ext>\\d{2,6})$/';
  t.same(told, [
    'ok phones: 12 by birth-context, context from-internal: PJSIP/1001, PJSIP/1002, PJSIP/1003, PJSIP/1004, PJSIP/1005 and 7 more',
    `ok phones: 1 by extension-setting, extensions ${pattern}: PJSIP/201`,
    'ok trunks: 1 by birth-context, context from-pstn: PJSIP/carrier',
    'ok trunks: 1 by trunk-setting, [[source.trunk]] match PJSIP/voip*: PJSIP/voip',
    'ok trunks: 1 by line, ISDN span ...: DAHDI/i1',
    'info trunks: 1 taken for trunks until calls show more, as nothing says that it is a phone: PJSIP/airtel. If one is a phone, add it to "extensions".',
  ]);
  t.match(findingsOf(seenWith(endpoints), [], true).map(lineOf)[0], /PJSIP\/1005, PJSIP\/1006.*PJSIP\/1012$/, 'all');
});

t.test('many facts of one rule stand with their endpoints', async (t) => {
  const trunks = ['a', 'b', 'c', 'd'].flatMap((name) => born(`from-trunk-sip-${name}`, `SIP/${name}`));
  const told = findingsOf(seenWith([...trunks, ...born('from-internal', 'SIP/201')])).map(lineOf);
  t.equal(
    told[1],
    `ok trunks: 4 by birth-context: ${['a', 'b', 'c', 'd'].map((one) => `SIP/${one} (context from-trunk-sip-${one})`).join(', ')}`,
  );
});

t.test('live channels stand in for what is not listed, and no gap is hidden', async (t) => {
  const live = (endpoint: string, context: string): ChannelFacts => ({
    ...{ name: `${endpoint}-1`, endpoint, linkedId: '1', initiator: null, caller: { number: null, name: null } },
    ...{ dialled: null, context, contextMoved: true, extension: null, wire: null, withheld: false },
  });
  const seen: Seen = {
    listing: { endpoints: born('from-internal', 'PJSIP/1001'), gaps: ['The AMI user may not.'], hints: ['A hint.'] },
    live: [live('PJSIP/1001', 'from-pstn'), live('SCCP/1005', 'macro-dial'), live('SIP/carrier', 'from-trunk')],
  };
  t.same(findingsOf(seen).map(lineOf), [
    'info endpoints: The AMI user may not.',
    'ok phones: 1 by birth-context, context from-internal: PJSIP/1001',
    'ok phones: 1 by extension-setting, extensions /^(?:PJSIP|SIP|IAX2|SCCP)\\/(?<ext>\\d{2,6})$/: SCCP/1005',
    'ok trunks: 1 by birth-context, context from-trunk: SIP/carrier',
    'info recordings: A hint.',
  ]);
});

t.test('a PBX without a phone is wrong, unless there may be others', async (t) => {
  const trunks = born('from-pstn', 'PJSIP/carrier');
  t.match(findingsOf(seenWith(trunks)).map(lineOf)[0], /^warn phones: none of its endpoints is taken for a phone/);
  t.notOk(findingsOf(seenWith(trunks, ['not all'])).some(({ level }) => level === 'warn'));
  t.same(findingsOf(seenWith([])), []);
});

t.test('FreeSWITCH: accounts of two tenants, a gateway, and whoever calls without an account', async (t) => {
  const user = (ext: string, domain: string) =>
    account(`sofia/internal/${ext}`, {
      domain,
      context: domain,
      line: { side: 'extension', fact: `SIP account ${ext}` },
    });
  const endpoints = [
    ...[user('101', 'a.example'), user('101', 'b.example'), user('102', 'b.example')],
    account('sofia/gateway/carrier', { line: { side: 'trunk', fact: 'gateway carrier' } }),
    account('sofia/external/HOST', { context: 'public', kind: 'guests' }),
  ];
  t.same(findingsOf(seenWith(endpoints), [], false, 'freeswitch').map(lineOf), [
    'ok phones: 3 by line, SIP account ...: sofia/internal/101@a.example, sofia/internal/101@b.example, sofia/internal/102@b.example',
    'ok trunks: 1 by line, gateway ...: sofia/gateway/carrier',
    'ok trunks: 1 by no-phone-known, nothing says that sofia/external/HOST is a phone: sofia/external/HOST',
  ]);
});

t.test('names that say something else: the lines, put into the config, end the warning', async (t) => {
  const contexts = { 1001: 'from-internal', 'asha.rao': 'from-internal', 80411: 'from-pstn', trunk: 'from-pstn' };
  const names = Object.keys(contexts);
  const pbx = await asteriskWith({
    lists: { DeviceStateList: names.map((name) => deviceState(`PJSIP/${name}`)) },
    values: Object.fromEntries(
      Object.entries(contexts).map(([name, value]) => [`PJSIP_ENDPOINT(${name},context)`, value]),
    ),
  });
  t.teardown(pbx.close);
  const look = async (lines: readonly string[]): Promise<Finding[]> => {
    const source = sourceWith([`port = ${pbx.port}`, ...lines]);
    const { seen, ...found } = await checkSource(source, new Secret('pw'), []);
    t.match(found, { level: 'ok', text: /logged in, 0 live channels/ });
    return seen === null ? [] : endpointFindings('pbx1', planOf(source), seen, readingsOf(planOf(source), seen), false);
  };
  const before = await look([]);
  const warning = before.find(({ level }) => level === 'warn');
  t.match(warning, {
    about: 'names of pbx1',
    text: 'The PBX shows something else than the names say: PJSIP/80411 is a trunk (context from-pstn), PJSIP/asha.rao is a phone (context from-internal). It is followed; these lines of the config settle it:',
  });
  const after = await look(warning?.lines ?? []);
  t.same(after.map(lineOf), [
    'ok phones: 2 by birth-context, context from-internal: PJSIP/1001, PJSIP/asha.rao',
    'ok trunks: 1 by trunk-setting, [[source.trunk]] match PJSIP/80411: PJSIP/80411',
    'ok trunks: 1 by birth-context, context from-pstn: PJSIP/trunk',
  ]);
});

function census(
  source: string,
  endpoints: readonly ListedEndpoint[],
  more: { complete?: boolean; lines?: string[] } = {},
): Census {
  const plan = planOf(sourceWith(more.lines ?? []));
  return { source, plan, readings: readingsOf(plan, seenWith(endpoints)), complete: more.complete ?? true };
}

const users = (...lines: readonly string[]) => ({
  ...{ file: 'users.csv', unknown: ['lead-owner', 'park'] },
  rows: parseUsers(
    ['extension,user,source,domain', ...lines.map((one) => one + ',,'.slice(one.split(',').length - 2))].join('\n'),
    'users.csv',
  ),
});

t.test('phones without a line in the users file', async (t) => {
  const phones = born('from-internal', ...Array.from({ length: 9 }, (_, at) => `PJSIP/${1001 + at}`), 'PJSIP/991001');
  const port = account('DAHDI/1', { context: 'from-internal', kind: 'port' });
  const pbx = census('pbx1', [...phones, port, ...born('from-pstn', 'PJSIP/80411')]);
  t.same(userFindings([pbx], users('1001,a', '1002,b'), false).map(lineOf), [
    'info users: 7 of 9 phones have no line in users.csv: 1003, 1004, 1005, 1006, 1007 and 2 more. For their calls [leadsquared.user] unknown counts: lead-owner, park.',
  ]);
  t.same(userFindings([pbx], users('1002,b,pbx2'), true).map(lineOf), [
    'warn users: none of the phones (1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009) has a line in users.csv: write its column "extension" as the PBX does.',
  ]);
  const all = Array.from({ length: 9 }, (_, at) => `${1001 + at},u${at}`);
  t.same(userFindings([pbx], users(...all), false), []);
});

t.test('lines without a phone, where all phones are known', async (t) => {
  const one = census('pbx1', born('from-internal', 'PJSIP/1001'), {
    lines: ["[source.agent_mobiles]\n'+919811100002' = '1005'"],
  });
  const two = census('pbx2', born('from-internal', 'PJSIP/2001'));
  const file = users('1001,a', '2001,b', '1002,c', '1005,mobile', '2001,d,pbx1', '1001,e,pbx2', '7,f,pbx3');
  const told = (found: readonly Census[]) =>
    userFindings(found, file, false).filter(({ about }) => about === 'users file');
  t.same(told([one, two]).map(lineOf), [
    'info users file: 1001 (pbx2), 1002, 2001 (pbx1) have lines in users.csv, but no phone was found for them.',
  ]);
  const partly = { ...two, complete: false };
  t.same(told([one, partly]).map(lineOf), [
    'info users file: 2001 (pbx1) has a line in users.csv, but no phone was found for it.',
  ]);
});

t.test('tenants: the domain of a line and that of a phone', async (t) => {
  const user = (ext: string, domain: string) =>
    account(`sofia/internal/${ext}`, { domain, line: { side: 'extension', fact: `SIP account ${ext}` } });
  const pbx = census('pbx1', [user('101', 'a.example'), user('101', 'b.example'), user('102', 'a.example')]);
  const told = (...lines: readonly string[]) => userFindings([pbx], users(...lines), false).map(lineOf);
  t.match(told('101,a,,A.example', '102,b'), [
    'info users: 1 of 3 phones has no line in users.csv: 101@b.example. For their calls',
  ]);
  t.same(told('101,a', '102,b'), [], 'lines without a domain are for each');
  t.match(told('101,a,,a.example', '101,b,,b.example', '102,c', '101,d,,c.example'), [
    'info users file: 101@c.example has a line in users.csv, but no phone was found for it.',
  ]);
});

t.test('a list of names', async (t) => {
  t.equal(shortened(['PJSIP/10', 'PJSIP/9', 'PJSIP/9'], false), 'PJSIP/9, PJSIP/10');
  t.equal(shortened(['1', '2', '3', '4', '5', '6'], false), '1, 2, 3, 4, 5, 6', 'one more is named as well');
  t.equal(shortened(['1', '2', '3', '4', '5', '6', '7'], false), '1, 2, 3, 4, 5 and 2 more');
  t.equal(shortened(['a\u001b[2Jb'], false).includes('\u001b'), false, 'nothing in a name steers the terminal');
});
