import t from 'tap';
import { createCallLog } from '../../../adapters/leadsquared/call-log.ts';
import { createDirectory, DEFAULT_DIRECTORY_POLICY } from '../../../adapters/leadsquared/directory.ts';
import { type CallLogPolicy, DEFAULT_POLICY } from '../../../adapters/leadsquared/policy.ts';
import type { SandboxOptions } from '../../../adapters/leadsquared/sandbox/options.ts';
import { startSandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import { BACKGROUND, BACKLOG, clientOf, LEAD, LIVE, OTHER_LEAD, record, USER } from './support.ts';

async function setUp(
  t: { teardown(run: () => Promise<unknown>): void },
  options: SandboxOptions,
  policy = {},
  callLog: Partial<CallLogPolicy> = {},
) {
  const sandbox = await startSandbox({ limit: 1000, ...options });
  const client = clientOf(sandbox);
  t.teardown(() => Promise.all([client.close(), sandbox.close()]));
  const directory = createDirectory(client, { ...DEFAULT_DIRECTORY_POLICY, ...policy });
  return { sandbox, client, directory, log: createCallLog(client, { ...DEFAULT_POLICY, ...callLog }) };
}

const ASHA = { id: LEAD, phone: '+91-9876543210', firstName: 'Asha', lastName: 'Rao', ownerId: USER };

t.test('a lead by phone', async (t) => {
  const { sandbox, directory } = await setUp(t, { leads: [ASHA] });
  const found = await directory.findLeads('919876543210', LIVE);
  t.same(found.value, [{ id: LEAD, name: 'Asha Rao', ownerId: USER, phone: '+91-9876543210', mobile: null }]);
  t.same((await directory.findLeads('9999999999', LIVE)).value, []);
  sandbox.addFaults({
    fault: { kind: 'mx', status: 404, type: 'MXLeadNotFoundException', message: 'Lead not found' },
  });
  const nobody = await directory.findLeads('9999999999', LIVE);
  t.same([nobody.kind, nobody.value], ['accepted', []], 'an account that says 404 for nobody');
  for (const body of ['[]', '{"Status":"Error","ExceptionType":"LeadNotFound","ExceptionMessage":"No lead"}']) {
    sandbox.addFaults({ fault: { kind: 'status', status: 404, body } });
    const none = await directory.findLeads('9999999999', LIVE);
    t.same([none.kind, none.value], ['accepted', []], body);
  }
  for (const body of ['Endpoint not found.', '', '{"Message":"No HTTP resource was found"}', '[{"ProspectID":"x"}]']) {
    sandbox.addFaults({ fault: { kind: 'status', status: 404, body } });
    t.equal((await directory.findLeads('9999999999', LIVE)).kind, 'denied', body);
  }
  sandbox.addFaults({ fault: { kind: 'status', status: 200, body: '{"Leads":[]}' } });
  t.equal((await directory.findLeads('9999999999', LIVE)).kind, 'unavailable', 'no list');
});

t.test('the plus of a number arrives as a plus', async (t) => {
  const { directory } = await setUp(t, { leads: [ASHA], phoneMatch: 'exact' });
  t.equal((await directory.findLeads('+91-9876543210', LIVE)).value?.length, 1);
  t.equal((await directory.findLeads('919876543210', LIVE)).value?.length, 0);
});

t.test('all leads with a number', async (t) => {
  const leads = [
    ASHA,
    { id: OTHER_LEAD, phone: null, mobile: '+91-9876543210' },
    { id: USER, phone: '+91-9800000000' },
  ];
  const { sandbox, directory } = await setUp(t, { leads }, { leadSearch: 'all' });
  const found = await directory.findLeads('+91-9876543210', LIVE);
  t.same(
    found.value?.map(({ id }) => id),
    [LEAD, OTHER_LEAD],
  );
  const everybody = leads.map(({ id, phone }) => ({ ProspectID: id, Phone: phone }));
  sandbox.addFaults({ times: 0, fault: { kind: 'status', status: 200, body: JSON.stringify(everybody) } });
  const unfiltered = await directory.findLeads('+91-9876543210', LIVE);
  t.same(
    unfiltered.value?.map(({ id }) => id),
    [LEAD],
    'a search that was not understood answers with everybody',
  );
});

t.test('capture finds or makes a lead', async (t) => {
  const { sandbox, directory } = await setUp(t, { leads: [ASHA] });
  t.equal((await directory.captureLead('+91-9876543210', 'Call', LIVE)).value, LEAD);
  const made = await directory.captureLead('+91-9800000000', 'x'.repeat(60), LIVE);
  t.equal(made.kind, 'accepted');
  t.equal(sandbox.leads.get(made.value ?? '')?.source?.length, 50);
  t.equal((await directory.captureLead('+91-9800000000', null, LIVE)).value, made.value, 'safe to repeat');
  sandbox.addFaults({ fault: { kind: 'status', status: 200, body: '{"Status":"Success","Message":{"Id":"only"}}' } });
  t.equal((await directory.captureLead('+91-9800000000', null, LIVE)).value, 'only');
  sandbox.addFaults({ fault: { kind: 'status', status: 200, body: '{"Status":"Success"}' } });
  t.equal((await directory.captureLead('+91-9800000000', null, LIVE)).kind, 'uncertain', 'no id in the reply');
});

const USERS = [
  { id: USER, firstName: 'Asha', lastName: 'Rao', email: 'asha@example.com', fields: { TelephonyAgentId: '1001' } },
  { id: LEAD, firstName: 'Ravi', email: 'ravi@example.com', active: false, fields: { PhoneMain: '+91-80, 1002' } },
];

t.test('users, with and without their numbers', async (t) => {
  const plain = await setUp(t, { users: USERS });
  t.match((await plain.directory.users(BACKGROUND)).value, [
    { id: USER, name: 'Asha Rao', email: 'asha@example.com', active: true, phones: [] },
    { id: LEAD, name: 'Ravi', active: false },
  ]);
  const fields = { userPhoneFields: ['TelephonyAgentId', 'PhoneMain'] };
  const phones = await setUp(t, { users: USERS }, fields);
  t.same(
    (await phones.directory.users(BACKGROUND)).value?.map((user) => user.phones),
    [['1001'], ['+91-80', '1002']],
  );
  phones.sandbox.addFaults({ match: { path: 'AdvancedSearch' }, fault: { kind: 'html', status: 502 } });
  t.equal((await phones.directory.users(BACKGROUND)).kind, 'unavailable', 'the last good list stays in use');
  for (const body of ['{}', '{"Status":"Success"}', '{"Users":"none"}']) {
    phones.sandbox.addFaults({ match: { path: 'AdvancedSearch' }, fault: { kind: 'status', status: 200, body } });
    t.equal((await phones.directory.users(BACKGROUND)).kind, 'unavailable', `no list of users is no user: ${body}`);
  }

  const unknown = await setUp(t, { users: USERS }, { userPhoneFields: ['TeamName'] });
  const reply = await unknown.directory.users(BACKGROUND);
  t.equal(reply.value?.length, 2, 'a field that does not exist does not cost the list');
  t.match(reply.message, /without their numbers.*invalid Attributes/);
});

t.test('more users than one page', async (t) => {
  const many = Array.from({ length: 1001 }, (_, n) => ({
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    firstName: `U${n}`,
    email: `u${n}@example.com`,
    fields: { TelephonyAgentId: String(n) },
  }));
  const { directory } = await setUp(t, { users: many }, { userPhoneFields: ['TelephonyAgentId'] });
  t.same((await directory.users(BACKGROUND)).value?.at(-1)?.phones, ['1000']);
});

t.test('late facts of a posted call', async (t) => {
  const { sandbox, log } = await setUp(t, {});
  const posted = await log.post(log.body(record(), { leadId: null, userId: null }), LIVE);
  const id = posted.value?.activityId ?? '';
  const updated = await log.update(id, { recordingUrl: 'https://r.example/1.wav', durationSeconds: 80.4 }, BACKLOG);
  t.same([updated.kind, updated.value], ['accepted', { activityId: id }]);
  t.match(sandbox.ledger.entries().at(-1), {
    kind: 'update',
    body: { ActivityId: id, RecordingURL: 'https://r.example/1.wav', CallDuration: '80' },
  });
  t.equal((await log.update(LEAD, { recordingUrl: null, durationSeconds: 1 }, BACKLOG)).kind, 'rejected');
});

t.test('further recordings go where the account takes them, and cost the call nothing where it does not', async (t) => {
  const recordingUrl = 'https://r.example/{file}';
  const TWO = { recording: '1.wav', recordings: ['1.wav', '2.wav'] };
  const NOTES = 'Further recordings: https://r.example/2.wav';
  for (const extraFields of [['CallNotes'], []]) {
    const taken = extraFields.length > 0;
    const { sandbox, log } = await setUp(t, { extraFields }, {}, { recordingUrl });
    const post = (callSessionId: string) =>
      log.post(log.body(record({ ...TWO, callSessionId }), { leadId: null, userId: null }), LIVE);
    const first = await post('a');
    t.equal(first.kind, 'accepted');
    const { body } = sandbox.ledger.entries().at(-1) ?? {};
    t.equal(body?.ResourceURL, 'https://r.example/1.wav');
    t.equal(body?.CallNotes, taken ? NOTES : undefined);
    if (!taken) t.match(first.message, /Accepted without CallNotes.*rejects.*CallNotes/);
    t.same(first.value?.leftOut, taken ? undefined : ['CallNotes'], 'what is stored is what was written');
    const next = log.body(record({ ...TWO, callSessionId: 'b' }), { leadId: null, userId: null });
    t.same(
      [next.CallNotes, log.lateFacts(record(TWO)).fields],
      taken ? [NOTES, { CallNotes: NOTES }] : [undefined, {}],
    );
    await post('b');
    t.equal(sandbox.stats().arrivals, taken ? 2 : 3, 'what was refused once is not tried again');

    const late = { recordingUrl: 'https://r.example/1.wav', durationSeconds: null, fields: { CallNotes: NOTES } };
    const updated = await log.update(first.value?.activityId ?? '', late, BACKLOG);
    t.match(updated, { kind: 'accepted', value: { leftOut: taken ? undefined : ['CallNotes'] } });
    const update = sandbox.ledger.entries().at(-1);
    t.match(update, { kind: 'update', body: { RecordingURL: 'https://r.example/1.wav' } });
    t.equal(update?.body.CallNotes, taken ? NOTES : undefined);
    t.equal((await log.update(LEAD, late, BACKLOG)).kind, 'rejected', 'refused for another reason');
  }
  const own = await setUp(t, {}, {}, { recordingUrl, extraFields: new Map([['CallNotes', 'Queue {queue}']]) });
  const refused = await own.log.post(own.log.body(record(TWO), { leadId: null, userId: null }), LIVE);
  t.match(refused, { kind: 'rejected', message: /CallNotes/ }, 'a field of the config is not left out in silence');
});

t.test('the probe tells whose keys these are, and the right host', async (t) => {
  const { log } = await setUp(t, { users: USERS });
  t.match((await log.probe(BACKGROUND)).value?.text, /^The keys are good: asha@example\.com .* code 91\.$/);
  const elsewhere = await setUp(t, { users: USERS, rightHost: 'api-in21.leadsquared.com' });
  t.match((await elsewhere.log.probe(BACKGROUND)).value?.text, /API host is api-in21\.leadsquared\.com/);
  const denied = await elsewhere.directory.users(BACKGROUND);
  t.equal(denied.kind, 'denied');
  t.match(denied.message, /set the LeadSquared host to api-in21\.leadsquared\.com/);
});
