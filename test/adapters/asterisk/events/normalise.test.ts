/** What single packets of AMI tell: names of channels, states, lists, who hung up. */
import t from 'tap';
import { readAmiFrame } from '../../../../adapters/asterisk/capture.ts';
import {
  endpointOf,
  lineOf,
  socketExtension,
  wiredExtension,
  wireOf,
} from '../../../../adapters/asterisk/events/channel-name.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { concluded, ends, hangsUp, recordsOf } from '../../../support/told.ts';

const NOW = Date.parse('2026-11-22T10:00:10Z');

function read(headers: Readonly<Record<string, string>>, at = NOW): readonly CallEvent[] {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return readAmiFrame(Buffer.from(`${lines.join('')}\r\n`), 'pbx', at);
}

t.test('the channel of text messages between phones is no call', async (t) => {
  const names = { Channel: 'Message/ast_msg_queue', Uniqueid: '1795344641.0', Linkedid: '1795344641.0' };
  for (const Event of ['Newchannel', 'Status', 'Newstate'])
    t.same(read({ Event, ...names, ChannelStateDesc: 'Up' }), [], Event);
});

t.test('the endpoint in the name of a channel, by the driver', async (t) => {
  for (const [name, endpoint] of [
    ['PJSIP/trunk-in-0000001a', 'PJSIP/trunk-in'],
    ['PJSIP/1001-0000001a<ZOMBIE>', 'PJSIP/1001'],
    ['SIP/203.0.113.5-0000001a', 'SIP/203.0.113.5'],
    ['SCCP/1001-0000001A', 'SCCP/1001'],
    ['IAX2/carrier-24757', 'IAX2/carrier'],
    ['IAX2/my-carrier-2', 'IAX2/my-carrier'],
    ['DAHDI/7-1', 'DAHDI/7'],
    ['DAHDI/i1/9845012345-1a', 'DAHDI/i1'],
    ['USTM/1001@phone-0x7f2c', 'USTM/1001@phone'],
    ['MGCP/aaln/1@gw-0', 'MGCP/aaln/1@gw'],
    ['mISDN/1-u12', 'mISDN/1'],
    ['Dongle/d0-0100000000', 'Dongle/d0'],
    ['Other/x-0000001a', 'Other/x'],
    ['Other/x-1a', 'Other/x-1a'],
    ['PJSIP/no-suffix', 'PJSIP/no-suffix'],
    ['Local/1001@phones-0000001a;1', 'Local/1001@phones'],
  ] as const) {
    t.equal(endpointOf(name), endpoint, name);
  }
});

t.test('channels for the own use of Asterisk, and whom they stand for', async (t) => {
  t.equal(wireOf('Local/1001@phones-0000001a;1'), wireOf('Local/1001@phones-0000001a;2'));
  for (const name of ['Announcer/ARI-1', 'CBAnn/8000-1;1', 'Snoop/x-1', 'DAHDI/pseudo-1'])
    t.type(wireOf(name), 'string', name);
  for (const name of ['PJSIP/Local-1', 'DAHDI/7-1', 'Localized/1-1']) t.equal(wireOf(name), null, name);
  for (const [endpoint, ext] of [
    ['Local/1005@followme', '1005'],
    ['Local/FMPR-1005@from-internal', '1005'],
    ['Local/FMGL-1005#@from-internal', '1005'],
    ['Local/RG-502-1005@from-internal', '1005'],
    ['Local/LC-1005@from-internal', '1005'],
    ['Local/09845012345@outbound', null],
    ['Local/7@x', null],
    ['Local/s@x', null],
    ['PJSIP/1005', null],
  ] as const) {
    t.equal(wiredExtension(endpoint), ext, endpoint);
  }
  t.equal(socketExtension('DAHDI/7-1', '1007'), '1007');
  t.equal(socketExtension('DAHDI/7-1', '09845012345'), null, 'a number of the network is no extension');
  t.equal(socketExtension('DAHDI/7-1', null), null);
  t.equal(socketExtension('PJSIP/1001-00000001', '1007'), null, 'the name tells it');
  t.match(lineOf('DAHDI/i2/9845012345-1a'), { side: 'trunk', fact: 'ISDN span 2' });
  t.match(lineOf('Quectel/q0-0100000000'), { side: 'trunk' });
  t.equal(lineOf('DAHDI/7-1'), null);
});

const row = (channel: string, id: string, more: Readonly<Record<string, string>>) => ({
  Event: 'Status',
  Channel: channel,
  ChannelStateDesc: 'Up',
  Uniqueid: `1795341605.${id}`,
  Linkedid: '1795341605.2',
  Seconds: '5',
  ...more,
});

t.test('a row of a list', async (t) => {
  const facts = (more: Readonly<Record<string, string>>) => {
    const [event] = read(row('PJSIP/x-00000001', '2', more));
    return event?.kind === 'snapshot-channel' ? event.facts : null;
  };
  const dialled = { Application: 'AppDial', ConnectedLineNum: '+918041110001' };
  t.match(facts({ ...dialled, CallerIDNum: '+919845012345' }), {
    initiator: 'pbx',
    dialled: '+919845012345',
    caller: { number: '+918041110001' },
  });
  t.match(facts({ ...dialled, CallerIDNum: 's' }), { dialled: null }, 'where a dialplan starts is no number');
  t.match(facts({ Application: 'Queue', CallerIDNum: '+919845012345', DNID: '+918041110001' }), {
    initiator: 'endpoint',
    dialled: '+918041110001',
    contextMoved: true,
  });
  t.match(facts({ Application: 'Dial', Data: 'PJSIP/1001&PJSIP/+971501234567@trunk-out,30,tT' }), {
    dialled: '+971501234567',
  });
  t.match(
    facts({ Application: 'Dial', Data: 'PJSIP/1234#9845012345@trunk-out' }),
    { dialled: '1234#9845012345' },
    'behind a code',
  );
  t.match(
    facts({ Application: 'Dial', Data: 'PJSIP/1001@trunk-out' }),
    { dialled: null },
    'too short for an outside number',
  );
  t.match(facts({ Application: 'Playback', Data: 'PJSIP/+971501234567@trunk-out' }), { dialled: null });
});

t.test(
  'an agent who is logged in gives his linked id to the callers he is given: they called all the same',
  async (t) => {
    const agent = row('PJSIP/1004-00000001', '2', {
      Application: 'AgentLogin',
      CallerIDNum: '1004',
      DNID: '*22',
      Context: 'from-internal',
      BridgeID: 'b',
    });
    const caller = row('PJSIP/carrier-00000002', '9', {
      Application: 'AgentRequest',
      CallerIDNum: '+919845012345',
      DNID: '+918041110001',
      Context: 'from-trunk',
      BridgeID: 'b',
    });
    for (const rows of [
      [agent, caller],
      [caller, agent],
    ]) {
      const events = [...rows.flatMap((one) => read(one)), ...read({ Event: 'StatusComplete' })];
      const ids = ['1795341605.9', '1795341605.2'];
      const [record] = recordsOf([events, ends(20_000, ...ids)]);
      t.match(record, { direction: 'Inbound', external: '+919845012345', did: '+918041110001', agent: '1004' });
    }
  },
);

t.test('chan_iax2 tells a request of the far end when the PBX has ended the call', async (t) => {
  const packet = (Event: string) =>
    read({ Event, Channel: 'IAX2/carrier-1', Uniqueid: 'c', Linkedid: 'c', Cause: '16' });
  t.match(packet('HangupRequest'), [{ kind: 'hangup-requested', by: undefined }]);
  t.match(packet('SoftHangupRequest'), [{ kind: 'hangup-requested', by: 'pbx' }]);
  const call = (...hangups: readonly (readonly CallEvent[])[]) => {
    const created = read({
      Event: 'Newchannel',
      Channel: 'IAX2/carrier-1',
      ChannelStateDesc: 'Ring',
      CallerIDNum: '+919845012345',
      Exten: '+918041110001',
      Context: 'from-trunk',
      Uniqueid: 'c',
      Linkedid: 'c',
    });
    return concluded(recordsOf([created, ...hangups, ends(20_000, 'c')])[0], 'status');
  };
  t.equal(
    call(packet('HangupRequest'), packet('SoftHangupRequest'), packet('HangupRequest')),
    'Abandoned (caller-hung-up)',
  );
  t.equal(call(packet('SoftHangupRequest'), packet('HangupRequest')), 'Missed (pbx-gave-up)');
  t.equal(call(hangsUp(10_000, 'c')), 'Abandoned (caller-hung-up)');
});

t.test('calls that the PBX was asked to make', async (t) => {
  const begin = { Event: 'DialBegin', DestChannel: 'PJSIP/1001-00000001', DestUniqueid: '1.1', DialString: '1001' };
  t.match(read(begin), [{ kind: 'dial-started', channel: '1.1', by: null, asked: 'PJSIP/1001' }]);
  const response = { Event: 'OriginateResponse', Channel: 'PJSIP/1001', Exten: '09845012345', Uniqueid: '<unknown>' };
  t.match(read(response), [{ kind: 'originated', channel: 'PJSIP/1001', exten: '09845012345' }], 'nobody took it');
  t.match(read({ ...response, Uniqueid: '1.1' }), [{ kind: 'originated', channel: '1.1' }], 'it was taken');
  t.match(read({ ...response, Exten: '' }), [{ exten: null }], 'for an application');
  t.match(read({ Event: 'OriginateResponse', Uniqueid: '<unknown>' }), []);
});

t.test('ISDN lines do not tell that the far end has hung up', async (t) => {
  for (const [Channel, untold] of [
    ['DAHDI/i1/9845012345-1a', true],
    ['DAHDI/7-1', undefined],
    ['PJSIP/carrier-0000001a', undefined],
  ] as const) {
    const [event] = read({ Event: 'Newchannel', Uniqueid: '1.1', Channel, ChannelStateDesc: 'Ring' });
    t.equal(event?.kind === 'channel-created' ? event.facts.hangsUpUntold : null, untold, Channel);
  }
});

t.test('a caller who asked for privacy, where channelvars has it', async (t) => {
  const phone = { Uniqueid: '1.1', Linkedid: '1.1', Channel: 'PJSIP/carrier-00000001', CallerIDNum: '+919845012345' };
  const began = {
    ...phone,
    Event: 'Newchannel',
    ChannelStateDesc: 'Ring',
    Exten: '08041110001',
    Context: 'from-trunk',
  };
  const up = { ...phone, Event: 'Newstate', ChannelStateDesc: 'Up' };
  const over = { ...phone, Event: 'Hangup', Cause: '16' };
  const withheld = (...packets: Readonly<Record<string, string>>[]) =>
    recordsOf([packets.flatMap((packet) => read(packet))])[0]?.withheld;
  t.equal(withheld(began, up, over), false, 'it is not told');
  for (const [told, wanted] of [
    ['CALLERID(pres)=prohib_passed_screen', true],
    ['CALLERID(num-pres)=prohib', true],
    ['CALLERPRES()=prohib_not_screened', true],
    ['CALLERID(pres)=allowed_passed_screen', false],
    ['CALLERID(pres)=unavailable', false],
    ['CALLERID(pres)=', false],
  ] as const) {
    t.equal(withheld({ ...began, ChanVariable: told }, up, over), wanted, told);
    t.equal(withheld(began, { ...up, ChanVariable: told }, over), wanted, `${told}, when the channel has it`);
  }
  const later = { ...phone, Event: 'BridgeLeave', BridgeUniqueid: 'b', ChanVariable: 'CALLERID(pres)=prohib' };
  t.equal(withheld(began, up, later, over), false, 'what the dialplan does later is not his wish');
});

t.test('a message was left, also one that is deleted at once; who listens to a mailbox leaves none', async (t) => {
  const caller = { Uniqueid: '1795358031.0', Linkedid: '1795358031.0', Channel: 'PJSIP/carrier-00000001' };
  const kinds = (headers: Readonly<Record<string, string>>) => read(headers).map(({ kind }) => kind);
  const state = { Event: 'MessageWaiting', Mailbox: '1001@default', New: '0', Old: '0' };
  for (const Waiting of ['0', '1'])
    t.strictSame(kinds({ ...state, Waiting, ...caller, Context: 'sub-dial-ext' }), ['voicemail-left'], Waiting);
  t.strictSame(kinds({ ...state, Waiting: '1' }), [], 'the state of a mailbox');

  const phone = { Uniqueid: '1795358031.0', Linkedid: '1795358031.0', Channel: 'PJSIP/1001-00000001' };
  const began = { ...phone, Event: 'Newchannel', ChannelStateDesc: 'Ring', Exten: '*97', Context: 'phones' };
  const over = { ...phone, Event: 'Hangup', Cause: '16', Context: 'phones' };
  const status = (...packets: Readonly<Record<string, string>>[]) =>
    concluded(recordsOf([packets.flatMap((packet) => read(packet))])[0], 'status');
  const told = { ...state, ...phone, Waiting: '1' };
  t.equal(status(began, { ...told, Context: 'phones' }, over), 'Voicemail (message-left)');
  for (const [what, packets] of [
    ['FreePBX', [began, { ...told, Context: 'app-vmmain' }, over]],
    ['the dialplan is heard', [began, { ...phone, Event: 'Newexten', Application: 'VoiceMailMain' }, told, over]],
    ['its record', [began, told, over, { Event: 'Cdr', UniqueID: '1795358031.0', LastApplication: 'VoiceMailMain' }]],
  ] as const)
    t.equal(status(...packets), 'NoAnswer (how-the-leg-ended)', what);
});
