/** Short numbers that phones dial and a trunk takes: extensions with a mobile behind them, unless the config says otherwise. */
import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import { type CallRecord, shortNumberOf } from '../../src/call/record.ts';
import { planOf } from '../../src/daemon/settings.ts';
import type { ChannelFacts } from '../../src/telephony/call-event.ts';
import { facts } from '../support/facts.ts';

const START = Date.parse('2026-11-25T10:00:00Z');

function planWith(line: string) {
  const [source] = parseConfig(
    `[[source]]\ntype = 'asterisk'\nname = 'pbx'\nusername = 'u'\n${line}\n[leadsquared]\nhost = 'api-in21.leadsquared.com'`,
    'logcalld.toml',
  ).source;
  if (source === undefined) throw new Error('the config has no source');
  return planOf(source);
}

/** Phone 1001 dials `dialled`, and the dialplan sends the call to a trunk. */
function callOf(line: string, dialled: string): CallRecord {
  const stamp = (ms: number) => ({ source: 'pbx', at: START + ms, receivedAt: START + ms });
  const created = (channel: string, endpoint: string, more: Partial<ChannelFacts>) =>
    ({ ...stamp(0), kind: 'channel-created', channel, facts: facts(endpoint, 'a', more) }) as const;
  const calls = new CallTable('pbx', planWith(line), DEFAULT_RULES);
  const phone = { dialled, context: 'from-internal', caller: { number: '1001', name: null } };
  calls.apply(created('a', 'PJSIP/1001', phone));
  calls.apply(
    created('b', 'PJSIP/trunk-out', { initiator: 'pbx', dialled: null, caller: { number: null, name: null } }),
  );
  const from = { context: 'speed', exten: dialled };
  const dial = { kind: 'dial-started', channel: 'b', by: 'a', number: '9845012345', presented: null, from } as const;
  calls.apply({ ...stamp(5), ...dial });
  for (const channel of ['a', 'b'])
    calls.apply({ ...stamp(4000), kind: 'cleared', channel, clearing: { q850: 16, sip: null, text: null } });
  const [record] = calls.advance(START + 60_000).ended;
  if (record === undefined) throw new Error('no call');
  return record;
}

t.test('a speed dial of the config is a call to the customer behind it', async (t) => {
  for (const dialled of ['701', '801', '8123']) {
    const record = callOf("speed_dials = ['701', '8*']", dialled);
    t.match(record, { direction: 'Outbound', externalE164: '+919845012345', agent: '1001' }, dialled);
    t.equal(shortNumberOf(record), null);
  }
});

t.test('any other is internal, and its record tells what was dialled', async (t) => {
  for (const line of ["speed_dials = ['701', '8*']", '']) {
    const record = callOf(line, '7010');
    t.match(record, { direction: 'Internal', external: null });
    t.equal(shortNumberOf(record), '7010');
  }
});

t.test('what cannot be a speed dial is refused', async (t) => {
  for (const wrong of ['9845012345', '*', '7?', '1234567*', '']) {
    t.throws(() => planWith(`speed_dials = ['${wrong}']`), /speed_dials/, wrong);
  }
});
