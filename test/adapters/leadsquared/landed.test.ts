import t from 'tap';
import { type Activity, readActivity } from '../../../adapters/leadsquared/activity.ts';
import { createCallLog } from '../../../adapters/leadsquared/call-log.ts';
import { matchLanded } from '../../../adapters/leadsquared/landed.ts';
import { DEFAULT_POLICY } from '../../../adapters/leadsquared/policy.ts';
import { startSandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import { clientOf, LEAD, landedQuery, OTHER_LEAD, STARTED, USER } from './support.ts';

const LEADS = [
  { id: LEAD, phone: '+91-9876543210' },
  { id: OTHER_LEAD, phone: '+91-9876500000' },
];
const USERS = [{ id: USER, firstName: 'Asha', email: 'asha@example.com' }];
const RETRIEVE = '/ProspectActivity.svc/Retrieve';
const WINDOW = '/ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent';

for (const sourceData of [true, false]) {
  t.test(
    `lost replies are found, lost requests are not (CallSessionId ${sourceData ? '' : 'not '}shown)`,
    async (t) => {
      const sandbox = await startSandbox({ limit: 1000, leads: LEADS, users: USERS, sourceData });
      const client = clientOf(sandbox);
      t.teardown(() => Promise.all([client.close(), sandbox.close()]));
      const log = createCallLog(client, DEFAULT_POLICY);
      const before = Date.now();
      // Every second post loses its reply after it was done, the others before.
      const queries = [0, 1, 2, 3, 4, 5].map((n) =>
        landedQuery(
          {
            callSessionId: `call-${n}`,
            direction: n < 4 ? 'Inbound' : 'Outbound',
            startedAt: STARTED + n * 60_000,
            endedAt: STARTED + n * 60_000 + 90_000,
          },
          n % 3 === 0 ? OTHER_LEAD : LEAD,
          before,
        ),
      );
      for (const [n, { body }] of queries.entries()) {
        sandbox.addFaults({ fault: { kind: 'reset', commit: n % 2 === 1 } });
        t.equal((await log.post(body, 'live')).kind, 'uncertain');
      }
      const wanted = queries.map(
        ({ body }) => sandbox.ledger.bySession(String(body.CallSessionId))[0]?.activityId ?? null,
      );
      t.equal(wanted.filter((id) => id !== null).length, 3);

      const { arrivals } = sandbox.stats();
      const all = await log.findLanded(queries, 'backlog');
      t.same(
        all.value?.map(({ activityId }) => activityId),
        wanted,
        all.message,
      );
      t.equal(sandbox.stats().paths[WINDOW], 2, 'one list per direction for all of them');
      t.equal(sandbox.stats().arrivals, arrivals + 2);

      const few = await log.findLanded(queries.slice(1, 3), 'backlog');
      t.same(
        few.value?.map(({ activityId }) => activityId),
        wanted.slice(1, 3),
      );
      t.equal(sandbox.stats().paths[RETRIEVE], 1, 'one lead, one request');
    },
  );
}

t.test('a lead that is gone: the list of all calls is read instead', async (t) => {
  const sandbox = await startSandbox({ limit: 1000, leads: LEADS, users: USERS });
  const client = clientOf(sandbox);
  t.teardown(() => Promise.all([client.close(), sandbox.close()]));
  const log = createCallLog(client, DEFAULT_POLICY);
  const query = landedQuery({}, LEAD, Date.now());
  await log.post(query.body, 'live');
  const gone = { ...query, resolution: { leadId: '99999999-9999-4999-8999-999999999999', userId: USER } };
  const reply = await log.findLanded([gone], 'backlog');
  t.equal(reply.value?.[0]?.activityId, sandbox.ledger.calls()[0]?.activityId, 'found by its CallSessionId');
  t.equal(sandbox.stats().paths[WINDOW], 1);
});

t.test('more calls than one page', async (t) => {
  const sandbox = await startSandbox({ limit: 10_000, leads: LEADS, users: USERS });
  const client = clientOf(sandbox);
  t.teardown(() => Promise.all([client.close(), sandbox.close()]));
  const log = createCallLog(client, { ...DEFAULT_POLICY, landedLeadRequests: 0 });
  const query = (n: number) => landedQuery({ callSessionId: `call-${n}` }, LEAD, Date.now());
  const numbers = Array.from({ length: 1100 }, (_, n) => n);
  for (let from = 0; from < numbers.length; from += 100) {
    await Promise.all(numbers.slice(from, from + 100).map((n) => log.post(query(n).body, 'live')));
  }
  const wanted = [3, 1099, 2000].map(query);
  const reply = await log.findLanded(wanted, 'backlog');
  t.same(
    reply.value?.map(({ activityId }) => activityId),
    [3, 1099, 2000].map((n) => sandbox.ledger.bySession(`call-${n}`)[0]?.activityId ?? null),
  );
  t.equal(sandbox.stats().paths[WINDOW], 2);

  const perLead = createCallLog(client, DEFAULT_POLICY);
  const again = await perLead.findLanded([query(1099)], 'backlog');
  t.equal(again.value?.[0]?.activityId, sandbox.ledger.bySession('call-1099')[0]?.activityId);
  t.equal(sandbox.stats().paths[RETRIEVE], 11, 'the lead has that many calls');
});

t.test('a list that can not be read is no proof of absence', async (t) => {
  const sandbox = await startSandbox({ limit: 1000, leads: LEADS, users: USERS });
  const client = clientOf(sandbox);
  t.teardown(() => Promise.all([client.close(), sandbox.close()]));
  const log = createCallLog(client, DEFAULT_POLICY);
  const query = landedQuery({}, null, Date.now());
  for (const fault of [
    { kind: 'html', status: 502 },
    { kind: 'status', status: 200, body: '{"RecordCount":2,"List":[]}' },
    { kind: 'status', status: 200, body: '{"List":7,"RecordCount":1}' },
    { kind: 'status', status: 200, body: '[]' },
  ] as const) {
    sandbox.addFaults({ fault });
    const reply = await log.findLanded([query], 'backlog');
    t.same([reply.kind, reply.value], ['unavailable', null], reply.message);
  }
  sandbox.addFaults({ fault: { kind: 'rate', disguise: '403' } });
  t.equal((await log.findLanded([query], 'backlog')).kind, 'rate-limited');
  t.same((await log.findLanded([query], 'backlog')).value, [{ activityId: null }]);
  t.same((await log.findLanded([], 'backlog')).value, []);
});

const activity = (changes: Partial<Activity> = {}): Activity => ({
  id: 'a',
  leadId: LEAD,
  callSessionId: null,
  starts: ['2026-03-24 09:09:52'],
  duration: 74,
  users: [USER],
  numbers: ['919876543210'],
  ...changes,
});

t.test('what counts as the same call', (t) => {
  const query = landedQuery({}, LEAD, STARTED);
  const unknownLead = landedQuery({}, null, STARTED);
  const found = (candidate: Activity, wanted = query) => matchLanded([wanted], [candidate])[0]?.activityId === 'a';
  t.ok(found(activity()));
  t.ok(found(activity({ duration: null, users: [], numbers: [], leadId: null })), 'what is not told is no objection');
  t.ok(found(activity({ starts: [], callSessionId: query.record.callSessionId })), 'the CallSessionId is enough');
  t.notOk(found(activity({ callSessionId: 'another' })), 'a different CallSessionId');
  t.notOk(found(activity({ starts: ['2026-03-24 09:09:53'] })), 'another second');
  t.notOk(found(activity({ starts: [] })), 'no time at all');
  t.notOk(found(activity({ duration: 75 })), 'another duration');
  t.notOk(found(activity({ leadId: OTHER_LEAD })), 'another lead');
  t.notOk(found(activity({ users: [LEAD] })), 'another agent');
  t.ok(found(activity({ leadId: OTHER_LEAD }), unknownLead), 'the lead was not known');
  t.notOk(found(activity({ leadId: OTHER_LEAD, numbers: ['919800000000'] }), unknownLead), 'another number');
  t.ok(found(activity({ numbers: ['1001'] }), unknownLead), 'an extension says nothing');
  t.end();
});

t.test('one activity stands for one post', (t) => {
  const twice = [
    landedQuery({ callSessionId: 'x' }, LEAD, STARTED),
    landedQuery({ callSessionId: 'y' }, LEAD, STARTED),
  ];
  t.same(matchLanded(twice, [activity()]), [{ activityId: 'a' }, { activityId: null }]);
  const exact = [activity({ id: 'b' }), activity({ id: 'a', callSessionId: 'y' })];
  t.same(matchLanded(twice, exact), [{ activityId: 'b' }, { activityId: 'a' }], 'ids are matched first');
  t.end();
});

t.test('both spellings of an activity are read', (t) => {
  const flat = readActivity({
    ProspectActivityId: 'a',
    RelatedProspectId: LEAD,
    ActivityEvent: '22',
    CreatedOn: '2026-03-24 09:09:52.000',
    mx_Custom_3: '74',
    ActivityEvent_Note: `Caller{=}09876543210{next}UserId{=}{next}UserId{=}${USER}{next}SourceData{=}`,
  });
  t.same(flat, activity({ numbers: ['09876543210'] }));
  const nested = readActivity({
    Id: 'a',
    EventCode: 22,
    CreatedOn: '2026-03-24T09:09:52',
    RelatedProspectId: LEAD,
    Data: [{ Key: 'Duration', Value: '74' }],
    ActivityFields: {
      ActivityEvent_Note: 'SourceData{=}{"CallSessionId":"x","SourceNumber":"+91-9876543210"}',
      CreatedBy: USER,
    },
  });
  t.same(nested, activity({ callSessionId: 'x' }));
  t.equal(readActivity({ CreatedOn: 'x' }), null, 'no id');
  t.end();
});

t.test('a withheld number is no evidence that a call has arrived', async (t) => {
  const hidden = landedQuery({ withheld: true }, null, STARTED);
  const activity = (id: string, numbers: readonly string[]): Activity => ({
    ...{ id, leadId: null, callSessionId: null, duration: 74, users: [], numbers },
    starts: [String(hidden.body.StartTime)],
  });
  t.same(matchLanded([hidden], [activity('other', ['9876543210'])]), [{ activityId: null }], 'a call of who shows it');
  t.same(matchLanded([hidden], [activity('same', [])]), [{ activityId: 'same' }]);
});
