/** Several tenants on one switch: the same extension in two domains is two people. */
import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import { planOf } from '../../src/daemon/settings.ts';
import type { CallEvent, ChannelFacts } from '../../src/telephony/call-event.ts';
import { facts } from '../support/facts.ts';

const [source] = parseConfig(
  `[[source]]
type = 'freeswitch'
name = 'fs'
[source.direct_lines]
'+918041110033' = '101@a.example'
'+918041110034' = '101@b.example'
[source.agent_mobiles]
'+919811100002' = '102@b.example'
[leadsquared]
host = 'api-in21.leadsquared.com'
`,
  'logcalld.toml',
).source;
if (source === undefined) throw new Error('no source');
const plan = planOf(source);

const stamp = (ms: number) => ({ source: 'fs', at: 1_795_000_000_000 + ms, receivedAt: 1_795_000_000_000 + ms });
const clearing = { q850: 16, sip: null, text: null };

/** A caller of the DID, and the leg that is rung for him. */
function recordOf(did: string, leg: Partial<ChannelFacts> & { endpoint: string }, answered: boolean) {
  const table = new CallTable('fs', plan, DEFAULT_RULES);
  const line = leg.line === undefined ? { side: 'extension' as const, fact: 'directory user 101' } : leg.line;
  const called = facts(leg.endpoint, 'a', { initiator: 'pbx', dialled: '101', context: 'x', ...leg, line });
  const events: CallEvent[] = [
    {
      ...stamp(0),
      kind: 'channel-created',
      channel: 'a',
      facts: facts('sofia/external/carrier', 'a', { dialled: did }),
    },
    { ...stamp(10), kind: 'channel-created', channel: 'b', facts: called },
    { ...stamp(10), kind: 'dial-started', channel: 'b', by: 'a', number: called.dialled, presented: null },
  ];
  if (answered) {
    for (const channel of ['b', 'a']) events.push({ ...stamp(1000), kind: 'answered', channel });
    for (const channel of ['b', 'a'])
      events.push({ ...stamp(1000), kind: 'bridge-entered', channel, bridge: 'x', bridgeKind: 'talk' });
  }
  for (const channel of ['b', 'a']) events.push({ ...stamp(4000), kind: 'cleared', channel, clearing });
  for (const event of events) table.apply(event);
  return table.advance(stamp(10_000).at).ended[0];
}

t.test('the agent is the extension, and its tenant stands beside it', async (t) => {
  const phone = (domain: string) => ({ endpoint: 'sofia/internal/101', domain });
  t.match(recordOf('+918041110033', phone('a.example'), true), { agent: '101', agentDomain: 'a.example' });
  t.match(recordOf('+918041110034', phone('b.example'), true), { agent: '101', agentDomain: 'b.example' });
});

t.test('a direct line belongs to an extension of one tenant, also when nobody was rung', async (t) => {
  const table = new CallTable('fs', plan, DEFAULT_RULES);
  const caller = facts('sofia/external/carrier', 'a', { dialled: '+918041110034' });
  table.apply({ ...stamp(0), kind: 'channel-created', channel: 'a', facts: caller });
  table.apply({ ...stamp(900), kind: 'cleared', channel: 'a', clearing });
  const missed = { agent: null, responsible: '101', agentDomain: 'b.example' };
  t.match(table.advance(stamp(10_000).at).ended[0], missed);
});

t.test('who is called on the outside telephone that the config names is that agent', async (t) => {
  const mobile = { endpoint: 'sofia/gateway/carrier', dialled: '09811100002', line: null };
  const forwarded = recordOf('+918041110033', mobile, true);
  t.match(forwarded, { direction: 'Inbound', status: 'Answered', agent: '102', agentDomain: 'b.example' });
  t.match(forwarded, { agentsRung: ['102'] });
});
