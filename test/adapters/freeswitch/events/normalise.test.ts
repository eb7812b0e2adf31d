/** One ESL event -> call events, and the facts of channels. */
import t from 'tap';
import { readEslFrame } from '../../../../adapters/freeswitch/capture.ts';
import { isKnownEvent } from '../../../../adapters/freeswitch/events/normalise.ts';
import { answer, greeting, type Headers, micros, read, START, Story } from './normalise-support.ts';

const inbound: Headers = {
  'Event-Name': 'CHANNEL_CREATE',
  'Core-UUID': 'core-1',
  'Unique-ID': 'A',
  'Channel-Call-UUID': 'A',
  'Channel-Name': 'sofia/external/+919845012345@sip.carrier.lab',
  'Call-Direction': 'inbound',
  'Caller-Caller-ID-Number': '+919845012345',
  'Caller-Caller-ID-Name': 'Ravi',
  'Caller-Destination-Number': '+918041110001',
  'Caller-Context': 'public',
  'Event-Date-Timestamp': micros(128),
  'Caller-Channel-Created-Time': micros(105),
};

function factsOf(headers: Headers) {
  const event = read({ ...inbound, ...headers })[0];
  if (event?.kind !== 'channel-created') throw new Error('no channel-created');
  return event.facts;
}

t.test('the caller, the DID and the time of creation are read at CHANNEL_CREATE', async (t) => {
  const [event] = read(inbound);
  t.match(event, { kind: 'channel-created', channel: 'A', at: START + 105, receivedAt: START, boot: 'core-1' });
  t.match(factsOf({}), {
    linkedId: 'A',
    initiator: 'endpoint',
    caller: { number: '+919845012345', name: 'Ravi' },
    dialled: '+918041110001',
    extension: null,
    wire: null,
    withheld: false,
  });
  t.equal(read(inbound).length, 1, 'a leg that called the PBX was dialled by nobody');
});

t.test('endpoints', async (t) => {
  const endpoint = (name: string, more: Headers = {}) => factsOf({ 'Channel-Name': name, ...more }).endpoint;
  const out = { 'Call-Direction': 'outbound' };
  t.equal(endpoint('sofia/external/+919845012345@sip.carrier.lab'), 'sofia/external/sip.carrier.lab');
  t.equal(endpoint('sofia/external/anonymous@10.0.0.9:5060'), 'sofia/external/10.0.0.9');
  t.equal(endpoint('sofia/internal/1001@pbx.lab'), 'sofia/internal/1001');
  t.equal(endpoint('sofia/internal/asha@pbx.lab', { variable_sip_auth_username: 'asha' }), 'sofia/internal/asha');
  t.equal(endpoint('sofia/external/0098@x', { variable_sip_gateway: 'carrier' }), 'sofia/gateway/carrier');
  t.equal(endpoint('sofia/external/00971501234567', { ...out, variable_sip_gateway_name: 'gw' }), 'sofia/gateway/gw');
  t.equal(
    endpoint('sofia/internal/x8k2j1@10.0.0.5:5060', { ...out, variable_dialed_user: '1001' }),
    'sofia/internal/1001',
    'a phone may have registered under any contact',
  );
  t.equal(
    endpoint('sofia/external/09845088888@10.0.0.9:5060', { ...out, variable_dialed_user: '1001' }),
    'sofia/external/10.0.0.9',
    'dialed_user is inherited by the number a phone forwards to',
  );
  t.equal(endpoint('loopback/1009-a', out), 'loopback/1009');
});

t.test('both halves of a loopback are one wire, and stand for the extension in its name', async (t) => {
  const a = factsOf({ 'Channel-Name': 'loopback/1009-a', variable_other_loopback_leg_uuid: 'B' });
  const b = factsOf({ 'Channel-Name': 'loopback/1009-b', 'Unique-ID': 'B', variable_other_loopback_leg_uuid: 'A' });
  t.equal(a.wire, b.wire);
  t.not(a.wire, null);
  t.equal(a.extension, '1009');
  t.equal(factsOf({ 'Channel-Name': 'loopback/09845055555-a' }).extension, null, 'an outside number');
  t.not(factsOf({ 'Channel-Name': 'loopback/voicemail-a' }).wire, null);
});

t.test('a caller who asked for privacy', async (t) => {
  t.ok(factsOf({ 'Caller-Privacy-Hide-Number': 'true' }).withheld, 'although the number is shown to the PBX');
  t.ok(factsOf({ 'Caller-Caller-ID-Number': 'anonymous' }).withheld);
});

t.test('a leg rung for a waiting caller belongs to that caller', async (t) => {
  const agent = { 'Call-Direction': 'outbound', 'Unique-ID': 'B', 'Channel-Call-UUID': 'B' };
  t.equal(factsOf({ ...agent, variable_cc_member_session_uuid: 'A' }).linkedId, 'A');
  t.equal(factsOf({ ...agent, variable_fifo_name: 'billing', variable_fifo_bridge_uuid: 'A' }).linkedId, 'A');
  t.same(
    factsOf({ ...agent, variable_fifo_name: 'billing' }).caller,
    { number: null, name: null },
    'a fifo leg for whoever comes first was not meant for the number it shows',
  );
});

t.test('a rung leg tells who dialled it', async (t) => {
  const [, dial] = read({
    ...inbound,
    'Call-Direction': 'outbound',
    'Unique-ID': 'B',
    'Other-Type': 'originator',
    'Other-Leg-Unique-ID': 'A',
    'Caller-Destination-Number': '1001',
  });
  t.match(dial, { kind: 'dial-started', channel: 'B', by: 'A', number: '1001', presented: '+919845012345' });
});

t.test('a bridge is entered by both of its legs under one id, whichever is A', async (t) => {
  const bridge = (a: string, b: string) =>
    read({ 'Event-Name': 'CHANNEL_BRIDGE', 'Unique-ID': a, 'Bridge-A-Unique-ID': a, 'Bridge-B-Unique-ID': b });
  const events = bridge('A', 'B');
  t.match(events, [
    { kind: 'bridge-entered', channel: 'A', bridgeKind: 'talk' },
    { kind: 'bridge-entered', channel: 'B', bridgeKind: 'talk' },
  ]);
  const ids = [...events, ...bridge('B', 'A')].map((event) => ('bridge' in event ? event.bridge : null));
  t.equal(new Set(ids).size, 1);
  t.same(read({ 'Event-Name': 'CHANNEL_BRIDGE', 'Unique-ID': 'A' }), [], 'without its legs it says nothing');
});

t.test('the end of a leg: cause, who ended it, and its whole life', async (t) => {
  const ended = (more: Headers) => read({ ...inbound, 'Event-Name': 'CHANNEL_HANGUP_COMPLETE', ...more });
  const events = ended({
    'Hangup-Cause': 'NORMAL_CLEARING',
    variable_hangup_cause_q850: '16',
    variable_sip_term_status: '200',
    variable_sip_hangup_disposition: 'recv_bye',
    'Caller-Channel-Hangup-Time': micros(4300),
    'Caller-Channel-Answered-Time': micros(1200),
    // What transfers and pickups have made of the identity by then.
    'Caller-Caller-ID-Number': '1003',
    'Caller-Orig-Caller-ID-Number': '+919845012345',
    'Caller-Destination-Number': '1002',
    variable_sip_req_user: '+918041110001',
  });
  t.match(events[0], {
    kind: 'cleared',
    at: START + 4300,
    clearing: { q850: 16, sip: 200, text: 'NORMAL_CLEARING' },
    history: {
      createdAt: START + 105,
      answeredAt: START + 1200,
      bridge: null,
      facts: { caller: { number: '+919845012345' }, dialled: '+918041110001', linkedId: 'A' },
    },
  });
  t.match(events[1], { kind: 'hangup-requested', at: START + 4300 });
  const byPbx = ended({ variable_sip_hangup_disposition: 'send_bye' });
  t.match(
    byPbx.filter(({ kind }) => kind === 'hangup-requested'),
    [{ by: 'pbx', alone: true }],
  );
  t.notOk(
    ended({}).some(({ kind }) => kind === 'hangup-requested'),
    'it does not say who',
  );
});

t.test('how a dial attempt ended', async (t) => {
  const result = (cause: string, more: Headers = {}) => {
    const event = read({
      'Event-Name': 'CHANNEL_HANGUP_COMPLETE',
      'Unique-ID': 'B',
      'Call-Direction': 'outbound',
      'Hangup-Cause': cause,
      ...more,
    }).find((one) => one.kind === 'dial-ended');
    return event?.kind === 'dial-ended' ? event.result : null;
  };
  t.equal(result('USER_BUSY'), 'busy');
  t.equal(result('NO_ANSWER'), 'no-answer');
  t.equal(result('ALLOTTED_TIMEOUT'), 'no-answer');
  t.equal(result('ORIGINATOR_CANCEL'), 'cancel');
  t.equal(result('LOSE_RACE'), 'elsewhere');
  t.equal(result('PICKED_OFF'), 'elsewhere');
  t.equal(result('INCOMPATIBLE_DESTINATION'), 'failed');
  t.equal(result('NORMAL_CLEARING', { 'Caller-Channel-Answered-Time': micros(1) }), 'answer');
});

t.test('a phone that answers 302 names the number to call instead', async (t) => {
  const events = read({
    'Event-Name': 'CHANNEL_HANGUP_COMPLETE',
    'Unique-ID': 'B',
    'Call-Direction': 'outbound',
    'Hangup-Cause': 'REDIRECTION_TO_NEW_DESTINATION',
    variable_sip_redirected_to: '<sip:09845088888@pbx.lab;user=phone>',
  });
  t.match(
    events.find((event) => event.kind === 'dial-ended'),
    { forwardedTo: '09845088888' },
  );
});

t.test('recordings: finished, not empty, not a message in a mailbox', async (t) => {
  const stop = (file: string, ms: string) =>
    read({ 'Event-Name': 'RECORD_STOP', 'Unique-ID': 'A', 'Record-File-Path': file, variable_record_ms: ms });
  t.match(stop('/rec/a.wav', '3000'), [{ kind: 'recording', channel: 'A', file: '/rec/a.wav' }]);
  t.same(stop('/rec/a.wav', '0'), []);
  t.same(stop('/storage/voicemail/default/pbx.lab/1002/msg.wav', '3000'), []);
  t.match(
    read({
      ...inbound,
      'Event-Name': 'CHANNEL_HANGUP_COMPLETE',
      variable_cc_record_filename: '/rec/queue.wav',
    }).filter((event) => event.kind === 'recording'),
    [{ channel: 'A', file: '/rec/queue.wav' }],
  );
});

t.test('modules', async (t) => {
  const custom = (subclass: string, headers: Headers) =>
    read({ 'Event-Name': 'CUSTOM', 'Event-Subclass': subclass, ...headers });
  const queue = { 'CC-Queue': 'support', 'CC-Member-Session-UUID': 'A' };
  t.match(custom('callcenter::info', { ...queue, 'CC-Action': 'member-queue-start' }), [
    { kind: 'queued', channel: 'A', queue: 'support' },
  ]);
  const left = { ...queue, 'CC-Action': 'member-queue-end', 'CC-Cause': 'Cancel' };
  t.match(custom('callcenter::info', { ...left, 'CC-Cancel-Reason': 'BREAK_OUT' }), [{ reason: 'left' }]);
  for (const [reason, state, wanted] of [
    ['BREAK_OUT', 'hangup', 'left'],
    ['NONE', 'hangup', 'left'],
    ['BREAK_OUT', 'answered', null],
    ['EXIT_WITH_KEY', 'answered', null],
    ['TIMEOUT', 'answered', 'timeout'],
    ['NO_AGENT_TIMEOUT', 'answered', 'timeout'],
    ['NO_AGENT_TIMEOUT', 'hangup', 'timeout'],
  ] as const) {
    const told = { ...left, 'CC-Cancel-Reason': reason, 'Answer-State': state };
    t.match(custom('callcenter::info', told), [{ reason: wanted }], `${reason} ${state}`);
  }
  t.match(custom('callcenter::info', { ...left, 'CC-Cause': 'Terminated' }), [{ reason: 'answered' }]);
  t.same(custom('callcenter::info', { ...queue, 'CC-Action': 'agent-offering' }), []);
  t.match(custom('vm::maintenance', { 'Unique-ID': 'A', 'VM-Action': 'leave-message', 'VM-User': '1002' }), [
    { kind: 'voicemail-left', channel: 'A', mailbox: '1002' },
  ]);
  t.same(custom('vm::maintenance', { 'VM-Action': 'mwi-update' }), []);
  const member = { 'Unique-ID': 'A', 'Conference-Unique-ID': 'C1' };
  t.match(custom('conference::maintenance', { ...member, Action: 'add-member' }), [
    { kind: 'bridge-entered', channel: 'A', bridge: 'C1', bridgeKind: 'conference' },
  ]);
  t.match(custom('conference::maintenance', { ...member, Action: 'del-member' }), [
    { kind: 'bridge-left', channel: 'A', bridge: 'C1' },
  ]);
  t.same(custom('conference::maintenance', { ...member, Action: 'start-talking' }), []);
  t.match(custom('valet_parking::info', { 'Unique-ID': 'A', Action: 'hold', 'Valet-Extension': '5901' }), [
    { kind: 'parked', channel: 'A', slot: '5901' },
  ]);
  t.match(custom('valet_parking::info', { 'Unique-ID': 'A', Action: 'bridge', 'Bridge-To-UUID': 'C' }), [
    { kind: 'linked', channel: 'A', channels: ['C'] },
  ]);
  t.same(custom('sofia::register', {}), []);
  t.same(custom('constructor', { 'Unique-ID': 'A' }), []);
});

t.test('hold, rename, transfer', async (t) => {
  t.match(read({ ...inbound, 'Event-Name': 'CHANNEL_HOLD' }), [{ kind: 'held', at: START + 128 }]);
  t.match(read({ ...inbound, 'Event-Name': 'CHANNEL_UNHOLD' }), [{ kind: 'retrieved' }]);
  t.match(read({ 'Event-Name': 'CHANNEL_UUID', 'Unique-ID': 'N', 'Old-Unique-ID': 'A' }), [
    { kind: 'renamed', channel: 'A', to: 'N' },
  ]);
  const manner = (more: Headers) =>
    read({ ...inbound, 'Event-Name': 'CHANNEL_HANGUP_COMPLETE', ...more }).find((one) => one.kind === 'transferred');
  const replaced = { variable_transfer_disposition: 'recv_replace' };
  t.match(manner({ ...replaced, variable_endpoint_disposition: 'BLIND_TRANSFER' }), { manner: 'blind' });
  t.match(manner(replaced), { manner: 'attended' });
  t.equal(
    manner({ variable_transfer_history: '1:x:bl_xfer:1001/default/XML' }),
    undefined,
    'the dialplan moved the call',
  );
});

t.test('the frames of a capture that are no events', async (t) => {
  t.match(readEslFrame(greeting, 'fs', START), [{ kind: 'source-connected', boot: null, bootedAt: null }]);
  t.same(readEslFrame(Buffer.from('Content-Type: command/reply\nReply-Text: +OK accepted\n\n'), 'fs', START), []);
  t.same(readEslFrame(answer('+OK up\n'), 'fs', START), []);
  t.match(readEslFrame(answer('{"row_count": 0}\n'), 'fs', START), [{ kind: 'snapshot-complete' }]);
  t.same(
    readEslFrame(
      answer('{"row_count":1,"rows":[{"uuid":"A","name":"x","callstate":"ACTIVE","b_uuid":"B"}]}'),
      'fs',
      START,
    ),
    [],
    'the list of calls misses channels that only ring',
  );
  t.same(readEslFrame(answer('{"row_count":1,"rows":[{"reg_user":"1001"}]}'), 'fs', START), []);
});

t.test('a live channel in the answers', async (t) => {
  const row = {
    uuid: 'B',
    direction: 'outbound',
    name: 'sofia/internal/1002@127.0.0.1:5102',
    created_epoch: String(START / 1000 - 9),
    callstate: 'RINGING',
    call_uuid: 'A',
    initial_cid_num: '+919845012345',
    initial_dest: '1002',
  };
  t.match(readEslFrame(answer(JSON.stringify({ row_count: 1, rows: [row] })), 'fs', START), [
    {
      kind: 'snapshot-channel',
      channel: 'B',
      answered: false,
      createdAt: START - 9000 + 500,
      facts: { linkedId: 'A', endpoint: 'sofia/internal/1002', initiator: 'pbx' },
    },
    { kind: 'snapshot-complete' },
  ]);
  const story = new Story().caller(0, 'A').rings(10, 'B', '1001', 'A').answers(900, 'B', 'A').bridges(920, 'A', 'B');
  t.match(readEslFrame(answer(JSON.stringify(story.dump(5000, 'B'))), 'fs', START + 5000), [
    {
      kind: 'snapshot-channel',
      channel: 'B',
      createdAt: START + 10,
      answered: true,
      answeredAt: START + 900,
      bridgedAt: START + 920,
      bridge: 'A~B',
      facts: { linkedId: 'A' },
    },
  ]);
  const { variable_signal_bond: _, ...over } = story.dump(5000, 'B');
  t.match(readEslFrame(answer(JSON.stringify(over)), 'fs', START), [{ bridge: null }], 'the bridge is over');
});

t.test('known events', async (t) => {
  t.ok(isKnownEvent('CHANNEL_BRIDGE'));
  t.ok(isKnownEvent('HEARTBEAT'));
  t.notOk(isKnownEvent('constructor'));
  t.notOk(isKnownEvent('SOMETHING_NEW'));
});

t.test('a leg that rings is one that was called; a caller only hears it ring', async (t) => {
  const progress = (direction: string) =>
    read({ 'Event-Name': 'CHANNEL_PROGRESS', 'Unique-ID': 'a', 'Call-Direction': direction });
  t.match(progress('outbound'), [{ kind: 'alerting', channel: 'a' }]);
  t.strictSame(progress('inbound'), []);
});

t.test('a customer who was called first and put through to an agent is still the one who was called', async (t) => {
  const ended = (more: Headers) => {
    const [event] = read({
      'Event-Name': 'CHANNEL_HANGUP_COMPLETE',
      'Unique-ID': 'a',
      'Call-Direction': 'outbound',
      'Channel-Name': 'sofia/external/+919845012345',
      'Caller-Destination-Number': '1001',
      variable_sip_to_user: '+919845012345',
      ...more,
    });
    return event?.kind === 'cleared' ? event.history?.facts.dialled : null;
  };
  t.equal(ended({ 'Caller-RDNIS': '+919845012345' }), '+919845012345');
  t.equal(ended({}), '1001', 'not put through: what was called');
  t.equal(ended({ 'Caller-RDNIS': '+919845012345', variable_sip_to_user: '' }), '1001');
});
