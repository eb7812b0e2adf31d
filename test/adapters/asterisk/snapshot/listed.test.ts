/** Live channels as Asterisk lists them: who began them, what they dialled, the queue they wait in. */
import t from 'tap';
import { normalise } from '../../../../adapters/asterisk/events/normalise.ts';
import { parsePacketText } from '../../../../adapters/asterisk/link/packet.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');

function item(headers: Readonly<Record<string, string>>) {
  const all: Record<string, string> = {
    ...{ Event: 'Status', Channel: 'PJSIP/airtel-00000002', ChannelStateDesc: 'Up', CallerIDNum: '09845012345' },
    ...{ ConnectedLineNum: '<unknown>', Context: 'ext-queues', Exten: '601', Uniqueid: '1795341590.2', DNID: '' },
    ...{ BridgeID: '', Application: 'Queue', Data: '601,tT,,,300', Seconds: '10', ...headers },
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const packet = parsePacketText(`${lines.join('')}\r\n`);
  return packet === null ? [] : normalise(packet, 'pbx', NOW);
}

t.test('a channel that has dialled nothing was called, whatever it does since then', async (t) => {
  const facts = { initiator: 'pbx', dialled: '09845012345', contextMoved: true };
  t.match(item({}), [{ kind: 'snapshot-channel', facts }]);
  t.match(item({ Channel: 'SIP/airtel-00000002' }), [{ facts: { initiator: 'endpoint' } }], 'chan_sip tells no "s"');
  t.match(item({ DNID: '+918041110001' }), [{ facts: { initiator: 'endpoint', dialled: '+918041110001' } }]);
  t.match(item({ DNID: 's' }), [{ facts: { initiator: 'endpoint', dialled: null } }], 'called in, without a number');
});

t.test('a channel that rings was called, whatever called it', async (t) => {
  t.match(item({ Application: '', ChannelStateDesc: 'Ringing', DNID: '1005' }), [{ facts: { initiator: 'pbx' } }]);
});

t.test('a caller who waits in a queue is in it', async (t) => {
  t.match(item({ DNID: '+918041110001' }), [{ kind: 'snapshot-channel' }, { kind: 'queued', queue: '601' }]);
  t.equal(item({ BridgeID: 'x' }).length, 1, 'he talks already');
  t.equal(item({ Application: 'Dial', Data: 'PJSIP/1002' }).length, 1);
});
