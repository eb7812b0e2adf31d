/** Sequences of ESL events -> finished calls: one story for each rule. */
import t from 'tap';
import { answer, greeting, Story } from './normalise-support.ts';

/** An answered call of A at phone B (1001), up to the talk. */
function talking(story = new Story()): Story {
  return story.caller(0, 'A').rings(40, 'B', '1001', 'A').answers(1200, 'B').answers(1220, 'A').bridges(1220, 'A', 'B');
}

t.test('inbound, answered', async (t) => {
  const records = talking().ends(4200, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(4210, 'B').records();
  t.match(records, [
    {
      callSessionId: 'fs-A',
      direction: 'Inbound',
      status: 'Answered',
      external: '+919845012345',
      did: '+918041110001',
      agent: '1001',
      agentsRung: ['1001'],
      durationSeconds: 3,
      flags: [],
      legs: 2,
    },
  ]);
});

t.test('not answered: the status does not follow the cause of the caller', async (t) => {
  const rung = () => new Story().caller(0, 'A').rings(40, 'B', '1001', 'A');
  const status = (story: Story) => story.records().map((record) => record.status);
  t.same(status(rung().ends(900, 'B', 'ORIGINATOR_CANCEL').ends(900, 'A', 'ORIGINATOR_CANCEL', 'recv_cancel')), [
    'Abandoned',
  ]);
  t.same(status(rung().ends(900, 'B', 'USER_BUSY').ends(900, 'A', 'NORMAL_CLEARING', 'send_refuse')), ['Busy']);
  t.same(status(rung().ends(900, 'B', 'NO_ANSWER').ends(900, 'A', 'NORMAL_CLEARING', 'send_refuse')), ['Missed']);
  t.same(status(new Story().caller(0, 'A').ends(10, 'A', 'NORMAL_CLEARING', 'send_refuse')), ['Missed']);
  t.same(
    status(rung().ends(900, 'B', 'INCOMPATIBLE_DESTINATION').ends(900, 'A', 'NORMAL_CLEARING', 'send_refuse')),
    ['Missed'],
    'the PBX had no media ports',
  );
  t.same(status(new Story().caller(0, 'A').answers(10, 'A').ends(2600, 'A', 'NORMAL_CLEARING', 'recv_bye')), [
    'Abandoned',
  ]);
});

t.test('ring group: who answered is who is in the bridge', async (t) => {
  const story = new Story().caller(0, 'A');
  story.rings(40, 'B', '1001', 'A').rings(40, 'C', '1002', 'A').answers(1200, 'B').answers(1200, 'C', 'A');
  const records = story.bridges(1210, 'A', 'C').ends(1220, 'B', 'LOSE_RACE').ends(3000, 'C').ends(3000, 'A').records();
  t.match(records, [{ agent: '1002', agentsRung: ['1001', '1002'], status: 'Answered' }]);
});

t.test('early media: a bridge does not mean answered', async (t) => {
  const early = () => new Story().dials(0, 'A', '1001', '+919845012345').outside(0, 'B', '+919845012345', 'A');
  const answered = early().bridges(160, 'A', 'B').answers(2160, 'B').answers(2180, 'A').ends(4700, 'B').ends(4700, 'A');
  t.match(answered.records(), [
    { direction: 'Outbound', status: 'Answered', agent: '1001', durationSeconds: 3, did: '+918041110001' },
  ]);
  const failed = early().bridges(160, 'A', 'B').ends(3000, 'B', 'NO_USER_RESPONSE', 'recv_refuse');
  t.match(failed.ends(3000, 'A', 'NORMAL_CLEARING', 'send_refuse').records(), [
    { status: 'NoAnswer', answeredAt: null },
  ]);
});

t.test('outbound: who gave up', async (t) => {
  const call = () => new Story().dials(0, 'A', '1001', '09845012345').outside(10, 'B', '09845012345', 'A');
  t.match(call().ends(900, 'A', 'ORIGINATOR_CANCEL', 'recv_cancel').ends(950, 'B', 'ORIGINATOR_CANCEL').records(), [
    { status: 'Cancelled', external: '09845012345', externalE164: '+919845012345', trunk: 'sofia/gateway/trunk_in' },
  ]);
  t.match(call().ends(900, 'B', 'USER_BUSY', 'recv_refuse').ends(900, 'A', 'USER_BUSY', 'send_refuse').records(), [
    { status: 'Busy' },
  ]);
  t.match(new Story().dials(0, 'A', '1001', '12345').ends(50, 'A', 'NO_ROUTE_DESTINATION', 'send_refuse').records(), [
    { direction: 'Outbound', status: 'Failed', external: '12345' },
  ]);
});

t.test('failover: two trunk legs are one call', async (t) => {
  const story = new Story().dials(0, 'A', '1001', '09845012345').outside(10, 'B', '09845012345', 'A');
  story.ends(200, 'B', 'NORMAL_TEMPORARY_FAILURE').outside(210, 'C', '09845012345', 'A').answers(900, 'C', 'A');
  t.match(story.bridges(900, 'A', 'C').ends(2000, 'C').ends(2000, 'A').records(), [{ status: 'Answered', legs: 3 }]);
});

t.test('queue: an agent who is rung in vain is part of the call of the caller', async (t) => {
  const member = { variable_cc_side: 'agent', variable_cc_member_session_uuid: 'A' };
  const story = new Story().caller(0, 'A').answers(10, 'A');
  story.custom(20, 'callcenter::info', {
    'CC-Action': 'member-queue-start',
    'CC-Queue': 'support',
    'CC-Member-Session-UUID': 'A',
  });
  story.rings(100, 'B', '1006', null, member).ends(5100, 'B', 'NO_ANSWER');
  story.rings(8000, 'C', '1007', null, member).answers(9000, 'C').bridges(9050, 'A', 'C');
  t.match(story.ends(12_000, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(12_000, 'C').records(), [
    {
      direction: 'Inbound',
      agent: '1007',
      agentsRung: ['1006', '1007'],
      queue: 'support',
      status: 'Answered',
      legs: 3,
    },
  ]);
});

t.test('fifo: tied before the bridge, and the agent is leg A of it', async (t) => {
  const member = { variable_fifo_name: 'billing', variable_fifo_bridge_uuid: 'A' };
  const rung = () => new Story().caller(0, 'A').answers(10, 'A').rings(800, 'B', '1004', null, member);
  t.match(rung().answers(1800, 'B').bridges(1820, 'B', 'A').ends(4300, 'A').ends(4320, 'B').records(), [
    { agent: '1004', status: 'Answered' },
  ]);
  t.match(rung().ends(2000, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(2010, 'B', 'ORIGINATOR_CANCEL').records(), [
    { agentsRung: ['1004'], status: 'Abandoned' },
  ]);
  const anybody = new Story()
    .rings(0, 'B', '1004', null, { variable_fifo_name: 'billing' })
    .ends(900, 'B', 'NO_ANSWER');
  t.match(anybody.records(), [{ direction: 'Internal' }], 'not an outbound call to the number it showed');
});

t.test('attended transfer: the consultation is folded in, and nothing is reported early', async (t) => {
  const story = talking().event(3300, 'CHANNEL_HOLD', 'B');
  story.dials(3900, 'C', '1001', '1003').rings(3910, 'D', '1003', 'C').answers(4900, 'D', 'C').bridges(4950, 'C', 'D');
  story.ends(7000, 'C').event(7020, 'CHANNEL_UNHOLD', 'B').ends(7030, 'B').bridges(7060, 'A', 'D');
  t.match(story.ends(12_000, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(12_010, 'D').records(), [
    { direction: 'Inbound', agent: '1003', agentsRung: ['1001', '1003'], legs: 4 },
  ]);
});

t.test('attended transfer before the answer', async (t) => {
  const story = talking().dials(3900, 'C', '1001', '1003').rings(3910, 'D', '1003', 'C');
  story.ends(5000, 'C', 'ATTENDED_TRANSFER').ends(5010, 'B').answers(9000, 'D').bridges(9020, 'A', 'D');
  t.match(story.ends(12_000, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(12_010, 'D').records(), [
    { agent: '1003', legs: 4 },
  ]);
});

t.test('attended transfer to an outside number: two customers are two calls', async (t) => {
  const story = talking().dials(3900, 'C', '1001', '00971501234567').outside(3910, 'D', '00971501234567', 'C');
  story.answers(4900, 'D', 'C').bridges(4950, 'C', 'D').ends(7000, 'C').ends(7030, 'B').bridges(7060, 'A', 'D');
  const records = story.ends(10_000, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(10_050, 'D').records();
  t.match(records, [
    { direction: 'Inbound', agent: '1001', external: '+919845012345' },
    { direction: 'Outbound', agent: '1001', external: '00971501234567' },
  ]);
});

t.test('att_xfer: the phone dials on, and A is the agent in the last bridge', async (t) => {
  const story = talking().rings(5900, 'C', '1003', 'B', { 'Caller-Caller-ID-Number': '1001' });
  story
    .answers(7100, 'C')
    .bridges(7150, 'B', 'C')
    .ends(9100, 'B', 'NORMAL_CLEARING', 'recv_bye')
    .bridges(9200, 'C', 'A');
  t.match(story.ends(11_600, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(11_610, 'C').records(), [
    { agent: '1003', agentsRung: ['1001', '1003'], status: 'Answered', legs: 3 },
  ]);
});

t.test('transfer to an outside number is part of the call', async (t) => {
  const story = talking()
    .ends(3200, 'B')
    .outside(3300, 'C', '09845066666', 'A')
    .answers(4400, 'C')
    .bridges(4420, 'A', 'C');
  t.match(story.ends(7000, 'A').ends(7010, 'C').records(), [{ direction: 'Inbound', agent: '1001', legs: 3 }]);
});

t.test('intercept: the phone that takes the call is its agent, and its leg may live on', async (t) => {
  const story = new Story().caller(0, 'A').rings(40, 'B', '1001', 'A').dials(1600, 'C', '1003', '**1001');
  story.answers(1610, 'C', 'A').ends(1640, 'B', 'PICKED_OFF').bridges(1680, 'C', 'A');
  const records = story.ends(4600, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(5600, 'C').records();
  t.match(records, [{ agent: '1003', agentsRung: ['1001'], external: '+919845012345' }]);
  t.equal(records[0]?.durationSeconds, 3, 'it ends with the customer');
});

t.test('parking', async (t) => {
  const parked = () =>
    talking().ends(3200, 'B').custom(3210, 'valet_parking::info', { 'Unique-ID': 'A', Action: 'hold' });
  const fetched = parked().dials(6000, 'C', '1002', '5901').answers(6000, 'C').bridges(6010, 'A', 'C');
  t.match(fetched.ends(9000, 'A').ends(9000, 'C').records(), [{ agent: '1002', agentsRung: ['1001'] }]);
  t.match(parked().ends(9000, 'A', 'NORMAL_CLEARING', 'recv_bye').records(), [{ agent: '1001', status: 'Answered' }]);
});

t.test('conference: no bridge but that of the room, and no call but of its own for each caller', async (t) => {
  const enter = (story: Story, at: number, id: string, Action = 'add-member') =>
    story.custom(at, 'conference::maintenance', { 'Unique-ID': id, 'Conference-Unique-ID': 'R', Action });
  const story = new Story().caller(0, 'A').answers(10, 'A');
  enter(story, 20, 'A').caller(900, 'B', '+6591234567').answers(900, 'B');
  enter(story, 910, 'B').dials(1700, 'C', '1001', '3500').answers(1700, 'C');
  enter(story, 1710, 'C').ends(4700, 'A', 'NORMAL_CLEARING', 'recv_bye');
  enter(story, 5700, 'C', 'del-member').ends(5710, 'C', 'NORMAL_CLEARING', 'recv_bye').ends(6200, 'B');
  const records = story.records().filter((record) => record.direction === 'Inbound');
  t.match(records, [
    { external: '+919845012345', agent: '1001', talkSeconds: 3 },
    { external: '+6591234567', agent: '1001', talkSeconds: 4 },
  ]);
});

t.test('loopback: what is dialled behind it is part of the call', async (t) => {
  const story = () => {
    const begun = new Story()
      .caller(0, 'A')
      .loopback(10, 'B', 'C', '1009', 'A')
      .loopback(10, 'D', 'E', '09845055555', 'A');
    return begun.rings(20, 'F', '1009', 'C').outside(20, 'G', '09845055555', 'E');
  };
  const desk = story().answers(1600, 'F').answers(1640, 'B', 'C').bridges(1650, 'C', 'F').answers(1660, 'A');
  desk
    .bridges(1670, 'A', 'B')
    .ends(1670, 'D', 'LOSE_RACE')
    .ends(1670, 'E', 'LOSE_RACE')
    .ends(1680, 'G', 'ORIGINATOR_CANCEL');
  // Shorter than the two seconds after which loopback bows out.
  const short = desk.ends(3000, 'F').ends(3000, 'C').ends(3000, 'B').ends(3010, 'A').records();
  t.match(short, [{ direction: 'Inbound', agent: '1009', agentsRung: ['1009'], status: 'Answered', legs: 3 }]);

  const race = story()
    .bridges(200, 'C', 'F')
    .bridges(210, 'A', 'B')
    .ends(220, 'D', 'LOSE_RACE')
    .ends(220, 'E', 'LOSE_RACE');
  race.ends(230, 'G', 'LOSE_RACE').ends(20_000, 'F', 'NO_ANSWER').ends(20_000, 'C').ends(20_000, 'B');
  t.match(race.ends(20_010, 'A', 'NORMAL_CLEARING', 'send_refuse').records(), [{ status: 'Missed', answeredAt: null }]);
});

t.test('voicemail behind a loopback: the message is told on its far half', async (t) => {
  const story = new Story().caller(0, 'A').rings(10, 'P', '1002', 'A').ends(4000, 'P', 'NO_ANSWER');
  story.loopback(4010, 'B', 'C', 'voicemail', 'A').answers(4020, 'C', 'B', 'A').bridges(4030, 'A', 'B');
  story.ends(9000, 'A', 'NORMAL_CLEARING', 'recv_bye');
  story.custom(9000, 'vm::maintenance', { 'Unique-ID': 'C', 'VM-Action': 'leave-message', 'VM-User': '1002' });
  t.match(story.ends(9010, 'B').ends(9010, 'C').records(), [
    { status: 'Voicemail', agent: null, agentsRung: ['1002'] },
  ]);
});

t.test('click-to-call', async (t) => {
  const first = () => new Story().rings(0, 'A', '1001', null, { 'Caller-Caller-ID-Number': '+971501234567' });
  const both = first()
    .answers(1000, 'A')
    .outside(1100, 'B', '+971501234567', 'A')
    .answers(2700, 'B')
    .bridges(2720, 'A', 'B');
  t.match(both.ends(5700, 'A').ends(5700, 'B').records(), [
    { direction: 'Outbound', external: '+971501234567', agent: '1001', status: 'Answered', durationSeconds: 3 },
  ]);
  t.match(first().ends(3500, 'A', 'NO_ANSWER', 'send_cancel').records(), [
    { direction: 'Outbound', external: '+971501234567', agent: '1001', status: 'NoAnswer' },
  ]);
  const customer = new Story().outside(0, 'A', '+971501234567', null).answers(1000, 'A').rings(1100, 'B', '1001', 'A');
  t.match(customer.answers(2000, 'B').bridges(2020, 'A', 'B').ends(4000, 'A').ends(4000, 'B').records(), [
    { direction: 'Outbound', external: '+971501234567', agent: '1001', status: 'Answered' },
  ]);
});

t.test('a dialer bridges two legs that knew nothing of each other', async (t) => {
  const story = new Story().outside(0, 'A', '+971501234567', null).answers(1000, 'A');
  story.rings(1500, 'B', '1001', null, { 'Caller-Caller-ID-Number': '+918041110001' }).answers(2500, 'B');
  t.match(story.bridges(2600, 'A', 'B').ends(5000, 'A').ends(5000, 'B').records(), [
    { direction: 'Outbound', external: '+971501234567', agent: '1001', durationSeconds: 2 },
  ]);
});

t.test('a supervisor who listens is no call to be posted', async (t) => {
  const story = talking().rings(2000, 'S', '1005', null, { 'Caller-Caller-ID-Number': '1005' }).answers(2500, 'S');
  const records = story.ends(4000, 'A').ends(4000, 'B').ends(4500, 'S').records();
  t.match(
    records.filter((record) => record.direction !== 'Internal'),
    [{ agent: '1001', agentsRung: ['1001'] }],
  );
});

t.test('the same number twice at a time is two calls', async (t) => {
  const story = talking().caller(100, 'X').rings(110, 'Y', '1002', 'X').answers(900, 'Y', 'X').bridges(920, 'X', 'Y');
  const records = story.ends(3000, 'A').ends(3000, 'B').ends(3100, 'X').ends(3100, 'Y').records();
  t.same(records.map((record) => record.agent).sort(), ['1001', '1002']);
});

t.test('a phone that forwards to a mobile with 302', async (t) => {
  const story = new Story().caller(0, 'A').rings(10, 'B', '1001', 'A');
  story.ends(200, 'B', 'REDIRECTION_TO_NEW_DESTINATION', 'recv_refuse', {
    variable_sip_redirected_to: '<sip:09845088888@x>',
  });
  story
    .outside(210, 'C', '09845088888', 'A', { variable_dialed_user: '1001' })
    .answers(1500, 'C', 'A')
    .bridges(1520, 'A', 'C');
  t.match(story.ends(4000, 'A').ends(4000, 'C').records(), [
    { direction: 'Inbound', status: 'Answered', agent: '1001', agentsRung: ['1001'], agentsTalked: [] },
  ]);
});

t.test('a renamed leg is the same leg', async (t) => {
  const story = talking().custom(2000, '', {}).event(2000, 'CHANNEL_UUID', 'N', { 'Old-Unique-ID': 'A' });
  const records = story
    .ends(4000, 'N', 'NORMAL_CLEARING', 'recv_bye', { 'Call-Direction': 'inbound' })
    .ends(4000, 'B')
    .records();
  t.match(records, [{ callSessionId: 'fs-A', agent: '1001', legs: 2, flags: [] }]);
});

t.test('a leg that is heard of only at its end', async (t) => {
  const ends = (raw: string) => raw.includes('CHANNEL_HANGUP_COMPLETE');
  const answered = talking().ends(4200, 'B').ends(4210, 'A', 'NORMAL_CLEARING', 'recv_bye');
  t.match(answered.records(ends), [
    { callSessionId: 'fs-A', direction: 'Inbound', agent: '1001', durationSeconds: 3, flags: ['blind-interval'] },
  ]);
  const busy = new Story().dials(0, 'A', '1001', '09845012345').outside(0, 'B', '09845012345', 'A');
  busy.ends(900, 'B', 'ORIGINATOR_CANCEL').ends(900, 'A', 'ORIGINATOR_CANCEL', 'recv_cancel');
  t.match(busy.records(ends), [{ direction: 'Outbound', status: 'Cancelled', agent: '1001' }]);
  const loser = new Story().rings(0, 'B', '1001', 'A').ends(900, 'B', 'LOSE_RACE');
  t.match(
    loser.records(ends),
    [{ direction: 'Inbound', external: '+919845012345', agent: null, flags: ['blind-interval'] }],
    'what is left of a call that nobody saw is that of the caller whom the phone was shown',
  );
  t.same(answered.ends(5000, 'A').records().length, 1, 'a repeated end is no new call');
});

t.test('after a gap the list of channels says what was missed', async (t) => {
  const story = talking(new Story().raw(0, greeting));
  const missed = new Story()
    .caller(3000, 'X')
    .rings(3010, 'Y', '1002', 'X')
    .answers(4000, 'Y', 'X')
    .bridges(4020, 'X', 'Y');
  const rows = ['X', 'Y'].map((id) => ({
    uuid: id,
    direction: id === 'X' ? 'inbound' : 'outbound',
    name: missed.dump(6010, id)['Channel-Name'],
    callstate: 'ACTIVE',
    call_uuid: 'X',
  }));
  story.raw(6000, greeting).raw(6010, answer(JSON.stringify({ row_count: 2, rows })));
  for (const id of ['X', 'Y']) story.raw(6020, answer(JSON.stringify(missed.dump(6020, id))));
  for (const id of ['X', 'Y']) {
    const known = { ...missed.dump(9500, id), 'Event-Name': 'CHANNEL_HANGUP_COMPLETE' };
    story.ends(9500, id, 'NORMAL_CLEARING', id === 'X' ? 'recv_bye' : 'send_bye', known);
  }
  t.match(story.records(), [
    { callSessionId: 'fs-A', agent: '1001', flags: ['blind-interval', 'end-unknown'] },
    { callSessionId: 'fs-X', agent: '1002', flags: ['blind-interval'], durationSeconds: 6 },
  ]);
});

t.test('another Core-UUID: every older leg is over', async (t) => {
  const story = talking();
  const after = new Story('core-2').caller(20_000, 'X').ends(21_000, 'X', 'NORMAL_CLEARING', 'recv_cancel');
  const first = story.records();
  t.same(first, [], 'still going on');
  const records = story.merge(after).records();
  t.match(records, [
    { callSessionId: 'fs-A', status: 'Answered', flags: ['end-unknown'] },
    { callSessionId: 'fs-X', status: 'Abandoned', flags: [] },
  ]);
});

t.test('an agent who leaves a conference first is not forgotten before the customers have left', async (t) => {
  const room = (story: Story, at: number, id: string) =>
    story.custom(at, 'conference::maintenance', {
      'Unique-ID': id,
      'Conference-Unique-ID': 'R',
      Action: 'add-member',
    });
  const story = new Story().caller(0, 'A').answers(10, 'A');
  room(story, 20, 'A').dials(1000, 'C', '1001', '3500').answers(1000, 'C');
  room(story, 1010, 'C').ends(5000, 'C', 'NORMAL_CLEARING', 'recv_bye').event(60_000, 'CHANNEL_HOLD', 'A');
  t.same(story.records(), [], 'the internal call waits as well');
  const records = story.ends(90_000, 'A', 'NORMAL_CLEARING', 'recv_bye').records();
  t.match(
    records.find((record) => record.direction === 'Inbound'),
    { agent: '1001', talkSeconds: 4 },
  );
  t.equal(records.length, 2);
});

t.test('legs of which only the end was seen find the call they belong to', async (t) => {
  const dialer = new Story().outside(0, 'A', '+971501234567', null).answers(1000, 'A');
  dialer
    .rings(1500, 'B', '1001', null, { 'Caller-Caller-ID-Number': '1001' })
    .answers(2500, 'B')
    .bridges(2600, 'A', 'B');
  dialer.ends(5000, 'B').ends(5020, 'A');
  t.match(
    dialer.records((raw) => raw.includes('CHANNEL_HANGUP_COMPLETE')),
    [{ direction: 'Outbound', agent: '1001' }],
  );

  const onward = talking().outside(5900, 'C', '09845066666', 'B').answers(7100, 'C').bridges(7150, 'A', 'C');
  onward.ends(8000, 'B').ends(9000, 'C').ends(9000, 'A', 'NORMAL_CLEARING', 'recv_bye');
  const unseen = (raw: string) => !raw.includes('"Unique-ID":"C"') || raw.includes('CHANNEL_HANGUP_COMPLETE');
  t.match(
    onward.records(unseen),
    [{ callSessionId: 'fs-A', direction: 'Inbound', legs: 3 }],
    'the originator is a leg of another call uuid',
  );
});

t.test('what the PBX does under the call uuid of a reported call is another call', async (t) => {
  const story = talking().ends(4000, 'A').ends(4000, 'B');
  story.outside(20_000, 'C', '09845066666', null, { 'Channel-Call-UUID': 'A' }).ends(21_000, 'C', 'NO_ANSWER');
  t.same(
    story.records().map((record) => record.callSessionId),
    ['fs-A', 'fs-C'],
  );
});

t.test('a question about one channel tells more than the list', async (t) => {
  const missed = new Story().dials(0, 'A', '1001', '09845012345').outside(10, 'B', '09845012345', 'A');
  const rows = ['A', 'B'].map((id) => ({
    uuid: id,
    direction: id === 'A' ? 'inbound' : 'outbound',
    name: missed.dump(0, id)['Channel-Name'],
    callstate: 'RINGING',
    call_uuid: 'A',
  }));
  const story = new Story().raw(500, greeting).raw(510, answer(JSON.stringify({ row_count: 2, rows })));
  for (const id of ['A', 'B']) story.raw(520, answer(JSON.stringify(missed.dump(520, id))));
  for (const id of ['B', 'A']) story.ends(900, id, 'NO_ANSWER', 'send_refuse', { 'Call-Direction': 'outbound' });
  t.match(story.records(), [{ trunk: 'sofia/gateway/trunk_in', external: '09845012345', status: 'NoAnswer' }]);
});

t.test(
  'of an enterprise originate the list tells too little of its legs; the questions about them say whose they are',
  async (t) => {
    const missed = new Story().caller(0, 'A');
    for (const [id, ext] of [
      ['B', '1001'],
      ['C', '1002'],
    ] as const) {
      missed.rings(10, id, ext, null, { variable_originating_leg_uuid: 'A' });
    }
    const rows = ['A', 'B', 'C'].map((id) => ({
      uuid: id,
      direction: id === 'A' ? 'inbound' : 'outbound',
      name: missed.dump(0, id)['Channel-Name'],
      callstate: 'RINGING',
      call_uuid: id,
    }));
    const story = new Story().raw(500, greeting).raw(510, answer(JSON.stringify({ row_count: 3, rows })));
    for (const id of ['A', 'B', 'C']) story.raw(520, answer(JSON.stringify(missed.dump(520, id))));
    for (const id of ['B', 'C', 'A']) {
      const whole = { ...missed.dump(3000, id), 'Event-Name': 'CHANNEL_HANGUP_COMPLETE' };
      story.ends(3000, id, 'ORIGINATOR_CANCEL', id === 'A' ? 'recv_cancel' : 'send_cancel', whole);
    }
    t.match(story.records(), [{ callSessionId: 'fs-A', status: 'Abandoned', agentsRung: ['1001', '1002'], legs: 3 }]);
  },
);

t.test('staggered ringing: a phone whose turn did not come was not rung, whenever the link was made', async (t) => {
  const address = { variable_sip_destination_url: 'sip:1002@127.0.0.1:5102' };
  const invited = { ...address, variable_sip_outgoing_contact_uri: '<sip:mod_sofia@127.0.0.1:5060>' };
  const rung = (more: Readonly<Record<string, string>>) => {
    const story = new Story().caller(0, 'A').rings(10, 'B', '1001', 'A').rings(20, 'C', '1002', 'A', more);
    story.ends(4000, 'C', 'ORIGINATOR_CANCEL').ends(4000, 'B', 'ORIGINATOR_CANCEL');
    story.ends(4000, 'A', 'ORIGINATOR_CANCEL', 'recv_cancel');
    const heard = story.records((raw) => !(raw.includes('"Unique-ID":"C"') && raw.includes('CHANNEL_CREATE')));
    return heard.map(({ agentsRung, legs }) => ({ agentsRung, legs }));
  };
  t.strictSame(rung(address), [{ agentsRung: ['1001'], legs: 2 }]);
  t.strictSame(
    rung(invited),
    [{ agentsRung: ['1001', '1002'], legs: 3 }],
    'one that was called before the link was made',
  );
});
