/** Phones, gateways and profiles, in the form in which mod_commands and mod_sofia write them. */
import t from 'tap';
import { createFreeswitchSource } from '../../../adapters/freeswitch/source.ts';
import { createClock } from '../../../adapters/host/clock.ts';
import type { EndpointListing } from '../../../src/ports.ts';
import { freeswitchWith } from '../../support/endpoint-pbx.ts';

async function learn(answers: Readonly<Record<string, string>>) {
  const pbx = await freeswitchWith(answers);
  const clock = createClock({ bootId: 'test' });
  const source = createFreeswitchSource({ name: 'fs', host: '127.0.0.1', port: pbx.port, password: 'pw', clock });
  await new Promise<void>((resolve) => {
    source.start(({ events }) => {
      if (events.some(({ kind }) => kind === 'snapshot-complete')) resolve();
    });
  });
  const listing = await source.endpoints();
  await source.stop();
  await pbx.close();
  return { ...listing, asked: pbx.asked };
}

const told = ({ endpoints }: EndpointListing) =>
  endpoints.map(({ endpoint, domain, context, line }) => [endpoint, domain, context, line?.fact ?? null].join(' '));

const HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n';
const row = (kind: string, name: string, state: string) =>
  `<${kind}>\n<name>${name}</name>\n<type>${kind}</type>\n<data>sip:mod_sofia@10.0.0.1</data>\n<state>${state}</state>\n</${kind}>\n`;
const SOFIA = [
  ...[HEAD, '<profiles>\n', row('profile', 'external', 'RUNNING (0)'), row('gateway', 'carrier1', 'REGED'), '\n'],
  ...[row('alias', '10.0.0.1', 'ALIASED'), row('profile', 'internal', 'RUNNING (0)')],
  ...[row('profile', 'internal', 'RUNNING (0) (TLS)'), '</profiles>\n'],
].join('');
const profile = (name: string, context: string) =>
  `${HEAD}<profile>\n  <profile-info>\n    <name>${name}</name>\n    <dialplan>XML</dialplan>\n    <context>${context}</context>\n  </profile-info>\n</profile>\n`;
const SOFIA_ANSWERS = {
  'sofia xmlstatus': SOFIA,
  'sofia xmlstatus profile internal': profile('internal', 'public'),
  'sofia xmlstatus profile external': profile('external', 'public'),
};
const COLUMNS = 'userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n';
const UNREGISTERED = 'error/user_not_registered';

t.test('a directory of two tenants', async (t) => {
  const users = [
    `101|a.example|a.example|default|sofia/phones/sip:101@10.0.0.7:5060;transport=udp|techsupport|Asha|101`,
    `101|a.example|a.example|sales|sofia/phones/sip:101@10.0.0.7:5060;transport=udp|techsupport|Asha|101`,
    `101|b.example|b.example|default|${UNREGISTERED}||Bela|101`,
    `asha.rao|(null)|a.example|(null)|${UNREGISTERED}|||`,
    `peer1|public|a.example||${UNREGISTERED}|||`,
  ];
  const seen = await learn({
    ...SOFIA_ANSWERS,
    list_users: `${COLUMNS}${users.join('\n')}\n\n+OK\n`,
    'show registrations as json': JSON.stringify({
      row_count: 2,
      rows: [
        { reg_user: '101', realm: 'A.example', token: 'x', url: 'sofia/phones/sip:101@10.0.0.7:5060', expires: '1' },
        { reg_user: '102', realm: 'a.example', token: 'y', url: 'sofia/wss/sip:102@10.0.0.8:5060', expires: '1' },
      ],
    }),
  });
  t.same(told(seen), [
    'sofia/phones/101 a.example a.example SIP account 101',
    'sofia/internal/101 b.example b.example SIP account 101',
    'sofia/internal/asha.rao a.example  SIP account asha.rao',
    'sofia/internal/peer1 a.example public ',
    'sofia/wss/102 a.example  SIP account 102',
    'sofia/gateway/carrier1   gateway carrier1',
    'sofia/external/HOST  public ',
    'sofia/internal/HOST  public ',
  ]);
  t.same(seen.gaps, []);
  t.same(seen.endpoints.map(({ kind }) => kind).slice(-3), ['account', 'guests', 'guests']);
});

t.test('a directory that is not listed: what is registered, and that this is not all', async (t) => {
  const seen = await learn({
    ...SOFIA_ANSWERS,
    list_users: `${COLUMNS}\n+OK\n`,
    'show registrations as json': JSON.stringify({
      row_count: 1,
      rows: [{ reg_user: '1001', realm: 'pbx.example', url: 'sofia/internal/sip:1001@10.0.0.7:5060' }],
    }),
  });
  t.same(told(seen)[0], 'sofia/internal/1001 pbx.example  SIP account 1001');
  t.match(seen.gaps, [
    /^FreeSWITCH does not list the users of its directory .*: only phones that are registered now were seen\.$/,
  ]);
});

t.test('modules that are not loaded, and nothing registered, are no trouble', async (t) => {
  const seen = await learn({ 'show registrations as json': '{"row_count": 0}\n' });
  t.same(seen.endpoints, []);
  t.equal(seen.gaps.length, 1);
  t.same(seen.asked.slice(-3), ['sofia xmlstatus', 'list_users', 'show registrations as json']);
});
