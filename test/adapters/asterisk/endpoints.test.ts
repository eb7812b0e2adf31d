/** Endpoints and contexts, as Asterisk 16 and 22 tell them to users with more or fewer rights. */
import t from 'tap';
import { MOST_ENDPOINTS, RECORDINGS_HINT } from '../../../adapters/asterisk/endpoints.ts';
import { createAsteriskSource } from '../../../adapters/asterisk/source.ts';
import type { EndpointListing } from '../../../src/ports.ts';
import { type AsteriskAnswers, asteriskWith, deviceState } from '../../support/endpoint-pbx.ts';
import { realClock } from './support.ts';

/** What a source learns from such a PBX, and what it asked for that after its list of channels: the look whether it hears is none of it. */
async function learn(answers: AsteriskAnswers): Promise<EndpointListing & { readonly asked: readonly string[] }> {
  const pbx = await asteriskWith(answers);
  const source = createAsteriskSource({
    ...{ name: 'pbx1', host: '127.0.0.1', port: pbx.port, username: 'logcalld', secret: 'pw', clock: realClock },
  });
  await new Promise<void>((resolve) => {
    source.start(({ events }) => {
      if (events.some(({ kind }) => kind === 'snapshot-complete')) resolve();
    });
  });
  const listing = await source.endpoints();
  await source.stop();
  await pbx.close();
  const asked = pbx.asked
    .slice(pbx.asked.indexOf('Status') + 1)
    .filter((one) => one !== 'CoreStatus' && one !== 'BridgeList');
  return { ...listing, asked };
}

const told = ({ endpoints }: EndpointListing) => endpoints.map(({ endpoint, context }) => `${endpoint} ${context}`);

const PEER = ['Event: PeerEntry', 'Channeltype: SIP'];
const STATES = [
  'Queue:sales_pause_PJSIP/1002',
  'PJSIP/trunk-in',
  'Custom:DND1001',
  'PJSIP/asha.rao',
  'PJSIP/gone',
  'SIP/201',
];
const VALUES = {
  'PJSIP_ENDPOINT(trunk-in,context)': 'from-pstn',
  'PJSIP_ENDPOINT(asha.rao,context)': 'from-internal',
  'SIPPEER(2000,context)': 'from-trunk',
  'IAXPEER(branch,context)': 'from-internal',
};

t.test('with the rights of the README', async (t) => {
  const lists = {
    DeviceStateList: STATES.map(deviceState),
    SIPpeers: [[...PEER, 'ObjectName: 2000', 'ChanObjectType: peer', 'Dynamic: no', 'Description: ']],
    IAXpeerlist: [['Event: PeerEntry', 'Channeltype: IAX', 'ObjectName: branch', 'ChanObjectType: peer']],
  };
  const seen = await learn({ lists, values: VALUES });
  t.same(told(seen), [
    'PJSIP/asha.rao from-internal',
    'PJSIP/trunk-in from-pstn',
    'SIP/2000 from-trunk',
    'IAX2/branch from-internal',
  ]);
  t.same(seen.gaps, []);
  t.same(seen.hints, [], 'no FreePBX');
  t.same(
    seen.asked.filter((one) => one.startsWith('Getvar PJSIP')),
    ['asha.rao', 'gone', 'trunk-in'].map((name) => `Getvar PJSIP_ENDPOINT(${name},context)`),
    'states of other things are none of PJSIP',
  );
  t.notOk(
    seen.asked.some((one) => one.startsWith('PJSIPShow')),
    'nothing is asked that would be refused',
  );
});

t.test('with the right to list endpoints, their passwords are not fetched with them', async (t) => {
  const item = (name: string) => ['Event: EndpointList', 'ObjectType: endpoint', `ObjectName: ${name}`, 'Auths: '];
  const lists = {
    PJSIPShowEndpoints: [item('asha.rao'), item('trunk-in'), item('new')],
    DeviceStateList: [deviceState('PJSIP/asha.rao')],
    PJSIPShowEndpoint: [],
  };
  const seen = await learn({ lists, values: VALUES });
  t.same(told(seen), ['PJSIP/asha.rao from-internal', 'PJSIP/new null', 'PJSIP/trunk-in from-pstn']);
  t.same(seen.gaps, []);
  t.notOk(seen.asked.includes('PJSIPShowEndpoint'));
});

t.test('what the rights or the modules do not let it see is said', async (t) => {
  const none = await learn({ lists: {}, values: null });
  t.same(none.endpoints, []);
  t.match(none.gaps, [
    /^The AMI user "logcalld" may not list endpoints, so only those of live calls were seen: "write = reporting" in manager.conf, .* shows all\.$/,
  ]);
  t.same(none.asked, ['Ping', 'ListCommands', 'Logoff']);

  const modules = await learn({ lists: { SIPpeers: [[...PEER, 'ObjectName: 2000']] }, values: VALUES });
  t.same(told(modules), ['SIP/2000 from-trunk']);
  t.match(modules.gaps, [/^Asterisk does not list its PJSIP endpoints, so .* load res_manager_devicestate\.so/]);

  const names = ['a', 'b', 'c', 'd', 'e'];
  const contexts = await learn({
    lists: { DeviceStateList: names.map((name) => deviceState(`PJSIP/${name}`)) },
    values: {},
  });
  t.same(
    told(contexts),
    names.map((name) => `PJSIP/${name} null`),
  );
  t.match(contexts.gaps, [/^Asterisk does not tell the contexts of its PJSIP endpoints: load func_pjsip_endpoint\.so/]);
  t.equal(contexts.asked.filter((one) => one.includes('PJSIP_ENDPOINT')).length, 3, 'not asked again for each');
});

t.test('a name that no function can be given is not asked for', async (t) => {
  const lists = {
    DeviceStateList: [deviceState('PJSIP/a)b'), deviceState('PJSIP/a,b'), deviceState('PJSIP/asha.rao')],
  };
  const seen = await learn({ lists, values: VALUES });
  t.same(told(seen), ['PJSIP/asha.rao from-internal']);
  t.equal(seen.asked.filter((one) => one.includes('PJSIP_ENDPOINT')).length, 1);
});

t.test('ports of cards: analog ones by themselves, ISDN by its span', async (t) => {
  const port = (number: number, signalling: string, context: string) => [
    ...['Event: DAHDIShowChannels', `DAHDIChannel: ${number}`, `Signalling: ${signalling}`, 'SignallingCode: 128'],
    ...[`Context: ${context}`, 'DND: Disabled', 'Alarm: No Alarm', 'Description: '],
  ];
  const span = (order: string) => ['Event: PRIShowSpans', 'Span: 2', 'DChannel: 16', `Order: ${order}`, 'Up: Yes'];
  const lists = {
    DAHDIShowChannels: [
      port(1, 'FXO Kewlstart', 'from-internal'),
      port(5, 'FXS Kewlstart', 'from-analog'),
      port(32, 'ISDN PRI', 'from-digital'),
    ],
    PRIShowSpans: [span('Primary'), span('Secondary')],
    DeviceStateList: [],
  };
  const seen = await learn({ lists, values: {} });
  t.same(told(seen), ['DAHDI/1 from-internal', 'DAHDI/5 from-analog', 'DAHDI/i2 null']);
  t.match(seen.endpoints[2], { line: { side: 'trunk', fact: 'ISDN span 2' } });
  t.ok(seen.endpoints.every(({ kind }) => kind === 'port'));
});

t.test('FreePBX is known by its dialplan', async (t) => {
  const values = { 'DIALPLAN_EXISTS(from-internal-additional)': '1' };
  t.same((await learn({ lists: { DeviceStateList: [] }, values })).hints, [RECORDINGS_HINT]);
  const other = { 'DIALPLAN_EXISTS(from-internal-additional)': '0' };
  t.same((await learn({ lists: { DeviceStateList: [] }, values: other })).hints, []);
});

t.test('many are bounded, and a link that breaks leaves what was learnt', async (t) => {
  const names = Array.from({ length: MOST_ENDPOINTS + 2 }, (_, at) => String(10_000 + at));
  const values = Object.fromEntries(names.map((name) => [`PJSIP_ENDPOINT(${name},context)`, 'from-internal']));
  const lists = { DeviceStateList: names.map((name) => deviceState(`PJSIP/${name}`)) };
  const many = await learn({ lists, values });
  t.equal(many.endpoints.length, MOST_ENDPOINTS);
  t.match(many.gaps, ['Of 1002 PJSIP endpoints only the first 1000 were looked at.']);

  const peers = { DeviceStateList: [deviceState('PJSIP/asha.rao')], SIPpeers: [[...PEER, 'ObjectName: 2000']] };
  const broken = await learn({ lists: peers, values: VALUES, breaksAt: 'SIPpeers' });
  t.same(told(broken), ['PJSIP/asha.rao from-internal']);
  t.match(broken.gaps, [/^The list of endpoints broke off: AMI action SIPpeers was not answered/]);
});
