/**
 * Calls of customers on trunks that are named like phones, in contexts that say nothing: what the caller dialled, whether he hides,
 * and what the PBX did with him tell where he comes from.
 */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { SourcePlan } from '../../../src/call/plan.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { CallEvent, ChannelFacts } from '../../../src/telephony/call-event.ts';
import { compilePattern } from '../../../src/telephony/endpoint.ts';
import { facts } from '../../support/facts.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const stamp = (ms: number) => ({ source: 'pbx', at: START + ms, receivedAt: START + ms });
const clearing = { q850: 16, sip: null, text: null };
const plan: SourcePlan = {
  extensions: [compilePattern('PJSIP/{ext}')].map((one) => ({
    ...one,
    match: (endpoint) => (/\/\d{2,6}$/.test(endpoint) ? one.match(endpoint) : null),
  })),
  trunks: [],
  country: 'IN',
  owners: new Map(),
  own: new Set(),
  mobiles: new Map(),
};
const CUSTOMER = '+919845012345';

/** A channel that calls in, in a context of the company's own. */
function caller(endpoint: string, number: string | null, dialled: string | null): CallEvent {
  const own: Partial<ChannelFacts> = { caller: { number, name: null }, dialled, context: 'incoming' };
  return { ...stamp(0), kind: 'channel-created', channel: 'a', facts: facts(endpoint, 'a', own) };
}

/** A phone is called by its name, and answers. */
function answeredBy(endpoint: string): CallEvent[] {
  const leg = facts(endpoint, 'a', { initiator: 'pbx', dialled: null, context: 'phones' });
  return [
    { ...stamp(100), kind: 'channel-created', channel: 'b', facts: leg },
    { ...stamp(100), kind: 'dial-started', channel: 'b', by: 'a', number: null, presented: null },
    { ...stamp(4000), kind: 'answered', channel: 'b' },
    ...['a', 'b'].map(
      (one) => ({ ...stamp(4000), kind: 'bridge-entered', channel: one, bridge: 'x', bridgeKind: 'talk' }) as const,
    ),
    { ...stamp(9000), kind: 'cleared', channel: 'b', clearing },
  ];
}

function told(...events: CallEvent[]): CallRecord | undefined {
  const calls = new CallTable('pbx', plan, DEFAULT_RULES);
  for (const event of events) calls.apply(event);
  calls.apply({ ...stamp(9000), kind: 'hangup-requested', channel: 'a', clearing });
  calls.apply({ ...stamp(9000), kind: 'cleared', channel: 'a', clearing });
  return calls.advance(START + 60_000).ended[0];
}

const answered: CallEvent = { ...stamp(50), kind: 'answered', channel: 'a' };
const queued: CallEvent = { ...stamp(50), kind: 'queued', channel: 'a', queue: '601' };

t.test('a caller whom the PBX answers, or lets wait, and who leaves before any phone was called', async (t) => {
  for (const taken of [answered, queued]) {
    t.match(told(caller('PJSIP/80411', CUSTOMER, '+918041110001'), taken), {
      direction: 'Inbound',
      status: 'Abandoned',
      externalE164: CUSTOMER,
      did: '+918041110001',
      agent: null,
    });
  }
  const unanswered = told(caller('PJSIP/1001', '+918041110000', '09845012345'));
  t.match(unanswered, { direction: 'Outbound', externalE164: CUSTOMER }, 'a phone that shows the company number');
});

t.test('a caller for whom the carrier delivers no number, or the account of the trunk', async (t) => {
  for (const dialled of [null, '80411']) {
    const record = told(caller('PJSIP/80411', CUSTOMER, dialled), ...answeredBy('PJSIP/100'));
    t.match(record, { direction: 'Inbound', status: 'Answered', externalE164: CUSTOMER, agent: '100' });
  }
  const end = { ...plan, own: new Set(['+918041110001']) };
  const calls = new CallTable('pbx', end, DEFAULT_RULES);
  for (const event of [caller('PJSIP/80411', CUSTOMER, '0001'), ...answeredBy('PJSIP/100')]) calls.apply(event);
  t.match(
    calls.live(START + 5000),
    [{ record: { direction: 'Inbound', agent: '100' } }],
    'the end of a line of the company',
  );
});

t.test('a caller who hides', async (t) => {
  for (const number of [null, 'anonymous', '0000', 'sip:anonymous@anonymous.invalid']) {
    for (const dialled of ['+918041110001', null]) {
      const record = told(caller('PJSIP/80411', number, dialled), ...answeredBy('PJSIP/100'));
      t.match(record, { direction: 'Inbound', withheld: true, externalE164: null, agent: '100' });
    }
  }
});

t.test('whoever is rung by name for a caller on a trunk is at a phone', async (t) => {
  for (const [number, dialled] of [
    ['anonymous', '+918041110001'],
    [CUSTOMER, '0001'],
    [CUSTOMER, null],
  ] as const) {
    const record = told(caller('PJSIP/airtel', number, dialled), ...answeredBy('PJSIP/asha'));
    t.match(record, { direction: 'Inbound', status: 'Answered', agent: 'asha', agentsRung: ['asha'] });
  }
});

t.test('a phone that shows the company number stays one', async (t) => {
  const colleague = told(caller('PJSIP/1001', '+918041110000', '102'), ...answeredBy('PJSIP/102'));
  t.match(colleague, { direction: 'Internal', agent: '1001' });
});
