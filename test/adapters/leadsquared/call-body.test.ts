import fc from 'fast-check';
import t from 'tap';
import { callBody, checkPolicy, lateFacts } from '../../../adapters/leadsquared/call-body.ts';
import { cutText, timeText } from '../../../adapters/leadsquared/format.ts';
import { type CallLogPolicy, DEFAULT_POLICY } from '../../../adapters/leadsquared/policy.ts';
import { problemWithCall } from '../../../adapters/leadsquared/sandbox/calls.ts';
import { openLedger } from '../../../adapters/leadsquared/sandbox/ledger.ts';
import { DEFAULT_RULES, HOST_CLOCK } from '../../../adapters/leadsquared/sandbox/options.ts';
import type { World } from '../../../adapters/leadsquared/sandbox/world.ts';
import type { CallRecord, CallStatus, Direction } from '../../../src/call/record.ts';
import { formatNumber, NUMBER_FORMATS } from '../../../src/telephony/number.ts';
import { anyText } from '../../support/runs.ts';
import { LEAD, record, USER } from './support.ts';

const BOTH = { leadId: LEAD, userId: USER };
const policy = (changes: Partial<CallLogPolicy>): CallLogPolicy => ({ ...DEFAULT_POLICY, ...changes });
const bodyOf = (changes: Partial<CallRecord> = {}, settings: Partial<CallLogPolicy> = {}) =>
  callBody(record(changes), BOTH, policy(settings));

t.test('an inbound call', (t) => {
  t.same(bodyOf(), {
    SourceNumber: '+91-9876543210',
    DestinationNumber: '1001',
    DisplayNumber: '+91-8041234567',
    StartTime: '2026-03-24 09:09:52',
    EndTime: '2026-03-24 09:11:15',
    CallDuration: 74,
    Status: 'Answered',
    Direction: 'Inbound',
    CallSessionId: 'hq-1774343392-1774343392.17',
    LeadId: LEAD,
    UserId: USER,
  });
  t.end();
});

t.test('an outbound call has its parties the other way round, and its number from the trunk', (t) => {
  const body = bodyOf(
    { direction: 'Outbound', did: null, didE164: null, trunk: 'PJSIP/carrier' },
    {
      agentNumbers: new Map([['1001', '+918041230001']]),
      lines: new Map([['PJSIP/carrier', { displayNumber: '+918049999999', callerSource: 'Dialler', tag: 'North' }]]),
    },
  );
  t.match(body, {
    SourceNumber: '+91-8041230001',
    DestinationNumber: '+91-9876543210',
    DisplayNumber: '+91-8049999999',
    CallerSource: 'Dialler',
    Tag: 'North',
    Direction: 'Outbound',
  });
  t.end();
});

t.test('nobody found: no ids are sent', (t) => {
  const body = callBody(record(), { leadId: null, userId: null }, DEFAULT_POLICY);
  t.notOk('LeadId' in body || 'UserId' in body);
  t.end();
});

t.test('numbers in every format; what is not E.164 stays as it came', (t) => {
  const formats = NUMBER_FORMATS.map((numberFormat) => bodyOf({}, { numberFormat }).SourceNumber);
  t.same(formats, ['+91-9876543210', '+919876543210', '919876543210', '9876543210']);
  t.equal(formatNumber('+6561234567', '+CC-NSN'), '+65-61234567');
  t.equal(formatNumber('+12125550123', '+CC-NSN'), '+1-2125550123');
  t.equal(formatNumber('1001', '+CC-NSN'), null, 'an extension is no E.164 number');
  t.equal(formatNumber('+9990001', '+CC-NSN'), null, 'a country code that does not exist');
  t.equal(bodyOf({ externalE164: null, external: '1909' }).SourceNumber, '1909');
  t.equal(bodyOf({ withheld: true }).SourceNumber, 'Anonymous', 'a withheld number is not sent');
  t.equal(bodyOf({ external: null, externalE164: null }).SourceNumber, 'Anonymous');
  t.end();
});

t.test('a number that is withheld appears nowhere in the body', (t) => {
  const recordingUrl = 'https://r.example/{external}/{file}';
  const extraFields = new Map([
    ['CallNotes', 'From {externalName} at {external}, to {did}'],
    ['mx_Caller', '{external}'],
  ]);
  const hidden = { withheld: true, externalName: '09876543210', recording: 'in-17.wav' };
  const body = bodyOf(hidden, { extraFields, recordingUrl });
  t.equal(body.SourceNumber, 'Anonymous');
  t.equal(body.CallNotes, 'From at , to +918041234567');
  t.notMatch(JSON.stringify(body), /9876543210/);
  t.equal(body.ResourceURL, undefined, 'a link needs all of its parts');
  const shown = bodyOf({ ...hidden, withheld: false }, { extraFields, recordingUrl });
  t.match(shown, { SourceNumber: '+91-9876543210', mx_Caller: '+919876543210' });
  t.end();
});

t.test('a call that reached no agent', (t) => {
  const missed: Partial<CallRecord> = { agent: null, status: 'Missed', durationSeconds: 0 };
  t.equal(bodyOf(missed).DestinationNumber, '+91-8041234567', 'the company number');
  t.equal(bodyOf(missed, { noAgent: '9000' }).DestinationNumber, '9000');
  t.end();
});

t.test('duration: conversation, talk or total', (t) => {
  const of = (duration: CallLogPolicy['duration']) => bodyOf({}, { duration }).CallDuration;
  t.same([of('conversation'), of('talk'), of('total')], [74, 70, 83]);
  t.end();
});

t.test('status words', (t) => {
  const all: CallStatus[] = ['Answered', 'Abandoned', 'Missed', 'Busy', 'Voicemail', 'NoAnswer', 'Cancelled', 'Failed'];
  const words = (direction: Direction) => all.map((status) => bodyOf({ direction, status }).Status).join(' ');
  t.equal(words('Inbound'), 'Answered Missed Missed Missed Missed Missed Missed Missed');
  t.equal(
    words('Outbound'),
    'Answered NotAnswered NotAnswered NotAnswered NotAnswered NotAnswered NotAnswered CallFailure',
  );
  const own = { status: { Inbound: { Busy: 'Busy' } } };
  t.equal(bodyOf({ status: 'Busy' }, own).Status, 'Busy');
  t.equal(bodyOf({ status: 'Missed' }, own).Status, 'Missed');
  t.end();
});

t.test('times in UTC, or in a zone', (t) => {
  // 01:55 of the summer, 01:05 of the winter.
  const [startedAt, endedAt] = [Date.parse('2026-11-01T04:25:00Z'), Date.parse('2026-11-01T04:35:00Z')];
  const back = bodyOf({ startedAt, endedAt }, { timeZone: 'America/St_Johns' });
  t.same([back.StartTime, back.EndTime], ['2026-11-01 01:55:00', '2026-11-01 02:05:00'], 'clocks go back in the call');
  const kolkata = bodyOf({}, { timeZone: 'Asia/Kolkata' });
  t.equal(kolkata.StartTime, '2026-03-24 14:39:52');
  t.equal(timeText(Date.parse('2026-01-01T00:00:00Z'), 'America/New_York'), '2025-12-31 19:00:00');
  t.equal(timeText(Date.parse('2026-01-01T00:00:00Z'), 'Europe/London'), '2026-01-01 00:00:00', 'midnight is 00');
  const backwards = bodyOf({ endedAt: record().startedAt - 5000 });
  t.equal(backwards.EndTime, backwards.StartTime, 'a clock set back');
  t.end();
});

t.test('the link to the recording', (t) => {
  const url = (recordingUrl: string, changes: Partial<CallRecord> = {}) =>
    bodyOf(changes, { recordingUrl, recordingTimeZone: 'Asia/Kolkata' }).ResourceURL;
  t.equal(url('https://r.example/{path}'), 'https://r.example/2026/03/24/in-09876543210-1774343392.17.wav');
  const late = { startedAt: Date.parse('2026-03-24T20:00:00Z') };
  t.equal(
    url('https://r.example/{year}/{month}/{day}/{date}/{file}', late),
    'https://r.example/2026/03/25/2026-03-25/in-09876543210-1774343392.17.wav',
    'in the zone of the PBX',
  );
  t.equal(
    url('https://r.example/?f={file}&s={callSessionId}', { recording: '/a b/c&d=#?.wav', callSessionId: 'x/1' }),
    'https://r.example/?f=c%26d%3D%23%3F.wav&s=x%2F1',
  );
  t.equal(url('https://r.example/{path}', { recording: '../../etc/./x' }), 'https://r.example/etc/x');
  t.equal(url('https://r.example/{file}', { recording: null }), undefined);
  t.equal(url('https://r.example/{queue}/{file}', { queue: null }), undefined, 'no link with a hole in it');
  t.end();
});

t.test('all recordings of a call', (t) => {
  const recordings = ['/rec/p 1.wav', '/rec/p2.wav', '/rec/p3.wav'];
  const three = { recording: '/rec/p 1.wav', recordings };
  const recordingUrl = 'https://r.example/{file}';
  const [one, two, last] = ['p%201', 'p2', 'p3'].map((name) => `https://r.example/${name}.wav`);
  const extra = (name: string, template: string) => ({ recordingUrl, extraFields: new Map([[name, template]]) });

  t.match(bodyOf(three, { recordingUrl }), { ResourceURL: one, CallNotes: `Further recordings: ${two} ${last}` });
  const middle = bodyOf({ ...three, recording: '/rec/p2.wav' }, { recordingUrl });
  t.match(
    middle,
    { ResourceURL: two, CallNotes: `Further recordings: ${one} ${last}` },
    'the main one need not be first',
  );
  t.match(bodyOf(three, extra('CallNotes', 'Queue {queue}.')), {
    CallNotes: `Queue sales. Further recordings: ${two} ${last}`,
  });
  const named = bodyOf(three, extra('mx_All', '{recordings} ({files})'));
  t.match(named, { ResourceURL: one, mx_All: `${one} ${two} ${last} (p 1.wav p2.wav p3.wav)` });
  t.notOk('CallNotes' in named, 'a field of the config has them');
  t.notOk('CallNotes' in bodyOf(three, { recordingUrl, moreRecordings: null }));
  t.notOk('CallNotes' in bodyOf({}, { recordingUrl }), 'one recording');
  t.notOk('CallNotes' in bodyOf(three), 'no links at all');
  t.notOk('mx_All' in bodyOf({ recording: null }, extra('mx_All', '{recordings}')));

  const lateOf = (changes: Partial<CallRecord>, settings: Partial<CallLogPolicy>) =>
    lateFacts(record(changes), policy(settings));
  t.same(lateOf(three, { recordingUrl }), {
    recordingUrl: one,
    durationSeconds: 74,
    fields: { CallNotes: `Further recordings: ${two} ${last}` },
  });
  t.same(lateOf({}, { recordingUrl }).fields, {});
  t.same(lateOf({}, extra('mx_Queue', '{queue}')).fields, {});
  t.same(Object.keys(lateOf(three, extra('mx_All', '{files}')).fields ?? {}), ['mx_All']);
  t.same(lateOf({ recording: null, talkSeconds: 41 }, { recordingUrl, duration: 'talk' }), {
    recordingUrl: null,
    durationSeconds: 41,
    fields: {},
  });
  for (const settings of [{ recordingUrl }, extra('CallNotes', 'Queue {queue}.'), extra('mx_All', '{recordings}')]) {
    const body = bodyOf(three, settings);
    const { recordingUrl: url, durationSeconds, fields } = lateOf(three, settings);
    t.match(body, { ...fields, ResourceURL: url, CallDuration: durationSeconds }, 'as the body has them');
  }

  t.throws(
    () => checkPolicy(policy({ recordingUrl: 'https://r.example/{recordings}' })),
    /\{recordings\}.*not exist here/,
  );
  t.throws(() => checkPolicy(policy({ extraFields: new Map([['mx_All', '{recordings}']]) })), /set resource_url/);
  t.throws(() => checkPolicy(policy({ moreRecordings: 'Tag' })), /"Tag"/);
  t.end();
});

t.test('queue, ring group and tenant in extra fields', (t) => {
  const extraFields = new Map([['mx_Team', '{queue}/{ringGroup}/{agent}@{agentDomain}']]);
  const call = { queue: 'sales', ringGroup: '600', agent: '101', agentDomain: 'a.example' };
  t.equal(bodyOf(call, { extraFields }).mx_Team, 'sales/600/101@a.example');
  t.equal(bodyOf({ queue: null }, { extraFields }).mx_Team, '//1001@');
  const agentNumbers = new Map([
    ['101@A.example', '+918041230001'],
    ['101', '+918041230002'],
    ['1001', '+918041230003'],
  ]);
  const agentOf = (agent: string, agentDomain: string | null) =>
    bodyOf({ agent, agentDomain }, { agentNumbers }).DestinationNumber;
  t.equal(agentOf('101', 'a.example'), '+91-8041230001');
  t.same([agentOf('101', 'b.example'), agentOf('101', null)], ['101', '101'], 'another tenant is somebody else');
  t.equal(agentOf('1001', 'a.example'), '+91-8041230003');
  t.end();
});

t.test('extra fields, and policies that can not work', (t) => {
  const extraFields = new Map([
    ['CallNotes', 'Queue {queue}, {externalName}'],
    ['Empty', '{queue}'],
  ]);
  const body = bodyOf({ queue: null, externalName: 'Asha\n<b>' }, { extraFields });
  t.equal(body.CallNotes, 'Queue , Asha b');
  t.notOk('Empty' in body);
  const broken: [Partial<CallLogPolicy>, RegExp][] = [
    [{ timeZone: 'Asia/Atlantis' }, /zone "Asia\/Atlantis"/],
    [{ recordingUrl: 'https://r.example/{fiel}' }, /\{fiel\}.*use date/],
    [{ recordingUrl: 'ftp://r.example/{file}' }, /https/],
    [{ extraFields: new Map([['LeadId', 'x']]) }, /"LeadId"/],
    [{ extraFields: new Map([['Notes', '{toString}']]) }, /\{toString\}/],
  ];
  for (const [settings, message] of broken) t.throws(() => checkPolicy(policy(settings)), { message });
  t.doesNotThrow(() => checkPolicy(policy({ extraFields, recordingUrl: 'https://r.example/{file}' })));
  t.end();
});

t.test('a cut never splits a character', (t) => {
  t.equal(cutText('a'.repeat(51), 50), 'a'.repeat(50));
  t.equal(cutText(`${'a'.repeat(49)}😀`, 50), 'a'.repeat(49));
  t.equal(cutText(`${'a'.repeat(48)}😀`, 50), `${'a'.repeat(48)}😀`);
  t.end();
});

const world: World = {
  rules: { ...DEFAULT_RULES, extraFields: ['CallNotes'] },
  leads: new Map([[LEAD, { id: LEAD, phone: null }]]),
  byNumber: new Map(),
  users: [{ id: USER, firstName: 'A', email: 'a@example.com' }],
  activities: new Map(),
  ledger: openLedger(null),
  newId: () => LEAD,
  now: HOST_CLOCK.now,
  monotonic: HOST_CLOCK.monotonic,
};

t.test('an internal call is told with both of its extensions, and with none that the PBX did not tell', (t) => {
  const talk = (ext: string) => ({ ext, from: 0, to: 1000 });
  const inside = {
    direction: 'Internal',
    external: null,
    externalE164: null,
    agent: '1001',
    responsible: '1001',
  } as const;
  t.match(bodyOf({ ...inside, agentsRung: ['1002', '1003'], agentsTalked: [talk('1001'), talk('1002')] }, {}), {
    ...{ SourceNumber: '1001', DestinationNumber: '1002', Direction: 'Outbound' },
  });
  t.match(bodyOf({ ...inside, agentsRung: ['1002', '1003'], agentsTalked: [] }, {}), { DestinationNumber: '1003' });
  const alone = bodyOf({ ...inside, agentsRung: [], agentsTalked: [] }, {});
  t.match(alone, { SourceNumber: '1001' });
  t.notOk('DestinationNumber' in alone);
  t.end();
});

t.test('whatever the call and the settings hold, the body is one that LeadSquared takes', (t) => {
  const text = fc.oneof(anyText(80), fc.constantFrom('<script>x', 'a\u0000b', '\ud800'));
  const maybe = fc.option(text);
  const moment = fc.integer({ min: 0, max: 4_102_444_800_000 });
  const e164 = fc.option(fc.integer({ min: 1000, max: 999_999_999_999 }).map((digits) => `+${digits}`));
  const call = fc.record({
    direction: fc.constantFrom<Direction>('Inbound', 'Outbound', 'Internal'),
    status: fc.constantFrom<CallStatus>('Answered', 'Missed', 'Failed'),
    external: maybe,
    externalE164: e164,
    externalName: maybe,
    did: maybe,
    didE164: e164,
    agent: maybe,
    recording: maybe,
    recordings: fc.array(text, { maxLength: 3 }),
    withheld: fc.boolean(),
    startedAt: moment,
    endedAt: moment,
    durationSeconds: fc.integer({ min: 0, max: 100_000 }),
  });
  const settings = fc.record({
    timeZone: fc.constantFrom('UTC', 'Asia/Kolkata', 'America/St_Johns'),
    numberFormat: fc.constantFrom(...NUMBER_FORMATS),
    duration: fc.constantFrom<CallLogPolicy['duration']>('conversation', 'talk', 'total'),
    recordingUrl: fc.constantFrom(null, 'https://r.example/{date}/{path}?f={file}&a={agent}'),
    defaultLine: fc.record({ callerSource: text, tag: text }),
    extraFields: fc.constantFrom(new Map<string, string>(), new Map([['CallNotes', '{externalName}/{did}/{files}']])),
  });
  fc.assert(
    fc.property(call, settings, (changes, chosen) => {
      // What lacks one of its extensions is not posted.
      const inside = changes.direction === 'Internal' ? { agent: '1001', agentsRung: ['1002'] } : {};
      const body = bodyOf({ ...changes, ...inside }, chosen);
      const problem = problemWithCall(world, body);
      if (String(body.CallerSource ?? '').length > 50) return false;
      const times = [body.StartTime, body.EndTime].map(String);
      if (!times.every((time) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(time))) return false;
      if (problem !== null) throw new Error(`${problem.body}\n${JSON.stringify(body)}`);
      return Object.values(body).every((value) => String(value).isWellFormed());
    }),
    { numRuns: 120 },
  );
  t.end();
});
