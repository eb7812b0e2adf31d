import t, { type Test } from 'tap';
import { type Activity, readActivity } from '../../../adapters/leadsquared/activity.ts';
import { createCallLog } from '../../../adapters/leadsquared/call-log.ts';
import { matchLanded } from '../../../adapters/leadsquared/landed.ts';
import { DEFAULT_POLICY } from '../../../adapters/leadsquared/policy.ts';
import { HOST_CLOCK, type SandboxOptions } from '../../../adapters/leadsquared/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../../adapters/leadsquared/sandbox/sandbox.ts';
import { BACKLOG, clientOf, LEAD, LIVE, landedQuery, OTHER_LEAD, STARTED, USER } from './support.ts';

const LEADS = [
  { id: LEAD, phone: '+91-9876543210' },
  { id: OTHER_LEAD, phone: '+91-9876500000' },
];
const USERS = [{ id: USER, firstName: 'Asha', email: 'asha@example.com' }];
const GONE = '99999999-9999-4999-8999-999999999999';
const RETRIEVE = '/ProspectActivity.svc/Retrieve';
const WINDOW = '/ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent';

async function setUp(t: Test, options: SandboxOptions = {}) {
  const sandbox = await startSandbox({ limit: 1000, leads: LEADS, users: USERS, ...options });
  const client = clientOf(sandbox);
  t.teardown(() => Promise.all([client.close(), sandbox.close()]));
  return { sandbox, log: createCallLog(client, DEFAULT_POLICY) };
}

/** What was carried out of the posts of this call. */
const idsOf = (sandbox: Sandbox, callSessionId: string) =>
  sandbox.ledger.bySession(callSessionId).map(({ activityId }) => activityId);

for (const sourceData of [true, false]) {
  t.test(
    `lost replies are found, lost requests are not (CallSessionId ${sourceData ? '' : 'not '}shown)`,
    async (t) => {
      const { sandbox, log } = await setUp(t, { sourceData });
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
        t.equal((await log.post(body, LIVE)).kind, 'uncertain');
      }
      const wanted = queries.map(({ body }) => idsOf(sandbox, String(body.CallSessionId)));
      t.equal(wanted.flat().length, 3);

      for (const [n, query] of queries.entries()) {
        const { arrivals } = sandbox.stats();
        const byLead = await log.findLanded(query, BACKLOG);
        t.same([byLead.kind, byLead.value?.activityIds], ['accepted', wanted[n]], byLead.message);
        const amongAll = await log.findLanded({ ...query, leadIds: null }, BACKLOG);
        t.same([amongAll.kind, amongAll.value?.activityIds], ['accepted', wanted[n]], amongAll.message);
        t.equal(sandbox.stats().arrivals, arrivals + 2, 'one request each');
      }
      t.match(sandbox.stats().paths, { [RETRIEVE]: 6, [WINDOW]: 6 });
    },
  );
}

t.test('of several leads each is asked, until one of them cannot be', async (t) => {
  const { sandbox, log } = await setUp(t);
  const query = landedQuery({}, LEAD, Date.now());
  await log.post(query.body, LIVE);
  const wanted = idsOf(sandbox, query.record.callSessionId);
  t.same((await log.findLanded({ ...query, leadIds: [OTHER_LEAD, LEAD] }, BACKLOG)).value?.activityIds, wanted);
  t.equal(sandbox.stats().paths[RETRIEVE], 2);
  t.same((await log.findLanded({ ...query, leadIds: [OTHER_LEAD] }, BACKLOG)).value?.activityIds, []);
  sandbox.addFaults({ match: { path: 'Retrieve' }, fault: { kind: 'html', status: 502 } });
  const half = await log.findLanded({ ...query, leadIds: [OTHER_LEAD, LEAD] }, BACKLOG);
  t.same([half.kind, half.value], ['unavailable', null], 'one of two proves nothing');
});

t.test('a lead that is gone cannot be asked, which proves nothing', async (t) => {
  const { sandbox, log } = await setUp(t);
  const query = landedQuery({}, LEAD, Date.now());
  await log.post(query.body, LIVE);
  for (const leadIds of [[GONE], [LEAD, GONE]]) {
    const reply = await log.findLanded({ ...query, leadIds }, BACKLOG);
    t.same([reply.kind, reply.value], ['rejected', null], reply.message);
  }
  t.equal(sandbox.stats().paths[WINDOW], undefined, 'what to do about it is not decided here');
});

t.test('more calls than one page', async (t) => {
  const { sandbox, log } = await setUp(t, { limit: 10_000 });
  const query = (n: number) => landedQuery({ callSessionId: `call-${n}` }, n === 0 ? OTHER_LEAD : LEAD, Date.now());
  const numbers = Array.from({ length: 1001 }, (_, n) => n);
  for (let from = 0; from < numbers.length; from += 100) {
    await Promise.all(numbers.slice(from, from + 100).map((n) => log.post(query(n).body, LIVE)));
  }
  const last = await log.findLanded(query(1000), BACKLOG);
  t.same(last.value?.activityIds, idsOf(sandbox, 'call-1000'), 'a thousand calls of one lead are looked through');
  t.equal(sandbox.stats().paths[RETRIEVE], 10, 'a request for each hundred');
  t.same((await log.findLanded(query(2000), BACKLOG)).value?.activityIds, []);
  for (const n of [3, 1000, 2000]) {
    const reply = await log.findLanded({ ...query(n), leadIds: null }, BACKLOG);
    t.same(reply.value?.activityIds, idsOf(sandbox, `call-${n}`));
  }
  t.equal(sandbox.stats().paths[WINDOW], 6, 'a request for each thousand');

  await log.post(landedQuery({ callSessionId: 'one-more' }, LEAD, Date.now()).body, LIVE);
  const { arrivals } = sandbox.stats();
  const many = await log.findLanded(query(5), BACKLOG);
  t.same([many.kind, many.value], ['rejected', null], 'what is not among those that are read could still be there');
  t.match(many.message, /1001 calls to look through/);
  t.equal(sandbox.stats().arrivals, arrivals + 1, 'which the first page tells');
});

t.test('too many calls of all leads, and a list that never ends', async (t) => {
  const { sandbox, log } = await setUp(t);
  const query = landedQuery({}, null, Date.now());
  const list = (total: number, ids: readonly string[]) => {
    const rows = ids.map((id) => ({ ProspectActivityId: id, CreatedOn: '2026-03-24 09:09:52' }));
    const body = JSON.stringify({ RecordCount: total, List: rows });
    sandbox.addFaults({ match: { path: 'RetrieveByActivityEvent' }, fault: { kind: 'status', status: 200, body } });
  };
  list(10_001, ['a']);
  t.match(await log.findLanded(query, BACKLOG), { kind: 'rejected', value: null, message: /10001 calls/ });
  t.equal(sandbox.stats().arrivals, 1);
  for (const id of 'abcdefghijkl') list(9500, [id]);
  t.match(await log.findLanded(query, BACKLOG), { kind: 'unavailable', value: null, message: /11 of 9500/ });
  t.equal(sandbox.stats().arrivals, 12, 'ten pages, one more as the list may grow, and no more');
});

t.test('what comes in while the pages are read pushes nothing out of sight', async (t) => {
  const { sandbox, log } = await setUp(t);
  const query = landedQuery({}, null, Date.now());
  const list = (total: number, ids: readonly string[]) => {
    const rows = ids.map((id) => ({
      ...{ ProspectActivityId: id, CreatedOn: '2020-03-24 09:09:52' },
      ...(id === 'own' ? { SourceData: JSON.stringify({ CallSessionId: query.body.CallSessionId }) } : {}),
    }));
    const body = JSON.stringify({ RecordCount: total, List: rows });
    sandbox.addFaults({ match: { path: 'RetrieveByActivityEvent' }, fault: { kind: 'status', status: 200, body } });
  };
  const others = Array.from({ length: 1989 }, (_, n) => `other-${n}`);
  list(1990, others.slice(0, 1000));
  // Fifteen came in before this page: the last of those that were there is on a third one.
  list(2005, [...others.slice(1000), ...Array.from({ length: 11 }, (_, n) => `new-${n}`)]);
  list(2005, ['own', 'new-11', 'new-12', 'new-13', 'new-14']);
  t.same((await log.findLanded(query, BACKLOG)).value?.activityIds, ['own']);
});

t.test('a list that can not be read is no proof of absence', async (t) => {
  const { sandbox, log } = await setUp(t);
  for (const [leadId, list] of [
    [null, 'List'],
    [LEAD, 'ProspectActivities'],
  ] as const) {
    const query = landedQuery({}, leadId, Date.now());
    for (const fault of [
      { kind: 'html', status: 502 },
      { kind: 'status', status: 200, body: `{"RecordCount":2,"${list}":[]}` },
      { kind: 'status', status: 200, body: `{"${list}":7,"RecordCount":1}` },
      { kind: 'status', status: 200, body: '[]' },
    ] as const) {
      sandbox.addFaults({ fault });
      const reply = await log.findLanded(query, BACKLOG);
      t.same([reply.kind, reply.value], ['unavailable', null], reply.message);
    }
    sandbox.addFaults({ fault: { kind: 'rate', disguise: '403' } });
    t.equal((await log.findLanded(query, BACKLOG)).kind, 'rate-limited');
    t.same((await log.findLanded(query, BACKLOG)).value, { activityIds: [] });
  }
});

const activity = (changes: Partial<Activity> = {}): Activity => ({
  id: 'a',
  leadId: LEAD,
  callSessionId: null,
  starts: ['2026-03-24 09:09:52'],
  duration: 74,
  users: [USER],
  writtenBy: null,
  numbers: ['919876543210'],
  ...changes,
});

t.test('what counts as the same call', (t) => {
  const query = landedQuery({}, LEAD, STARTED);
  const unknownLead = landedQuery({}, null, STARTED);
  const found = (candidate: Activity, wanted = query) => matchLanded(wanted, [candidate])[0] === 'a';
  t.ok(found(activity()));
  t.ok(found(activity({ duration: null, users: [], numbers: [], leadId: null })), 'what is not told is no objection');
  t.ok(found(activity({ starts: [], callSessionId: query.record.callSessionId })), 'the CallSessionId is enough');
  t.notOk(found(activity({ callSessionId: 'another' })), 'a different CallSessionId');
  t.notOk(found(activity({ starts: ['2026-03-24 09:09:53'] })), 'another second');
  t.notOk(found(activity({ starts: [] })), 'no time at all');
  t.notOk(found(activity({ duration: 75 })), 'another duration');
  t.notOk(found(activity({ leadId: OTHER_LEAD })), 'another lead');
  t.notOk(found(activity({ users: [LEAD] })), 'another agent');
  t.ok(found(activity({ users: [], writtenBy: OTHER_LEAD })), 'who wrote it may be the user of the keys');
  t.ok(found(activity({ users: [OTHER_LEAD], writtenBy: USER })), 'the agent is named as who wrote it');
  t.ok(found(activity({ leadId: OTHER_LEAD }), unknownLead), 'the lead was not known');
  t.notOk(found(activity({ leadId: OTHER_LEAD, numbers: ['919800000000'] }), unknownLead), 'another number');
  t.ok(found(activity({ numbers: ['1001'] }), unknownLead), 'an extension says nothing');
  t.end();
});

t.test('all that can be the call are told, those with its CallSessionId first', (t) => {
  const query = landedQuery({ callSessionId: 'y' }, LEAD, STARTED);
  const like = [activity({ id: 'a' }), activity({ id: 'b' })];
  t.same(matchLanded(query, like), ['a', 'b'], 'of two equal calls either');
  t.same(matchLanded(query, [...like, activity({ id: 'c', callSessionId: 'y' })]), ['c', 'a', 'b']);
  t.same(matchLanded(query, [activity({ callSessionId: 'x' })]), []);
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
  t.same(nested, activity({ callSessionId: 'x', users: [], writtenBy: USER }));
  t.equal(readActivity({ CreatedOn: 'x' }), null, 'no id');
  t.end();
});

t.test('a withheld number is no evidence that a call has arrived', async (t) => {
  const hidden = landedQuery({ withheld: true }, null, STARTED);
  const activity = (id: string, numbers: readonly string[]): Activity => ({
    ...{ id, leadId: null, callSessionId: null, duration: 74, users: [], writtenBy: null, numbers },
    starts: [String(hidden.body.StartTime)],
  });
  t.same(matchLanded(hidden, [activity('other', ['9876543210'])]), [], 'a call of who shows it');
  t.same(matchLanded(hidden, [activity('same', [])]), ['same']);
});

t.test('the time that is looked through is by the clock of LeadSquared, whatever ours shows', async (t) => {
  for (const by of [-7_200_000, 7_200_000]) {
    const theirs = { ...HOST_CLOCK, now: () => Date.now() + by };
    const { sandbox, log } = await setUp(t, { clock: theirs });
    const query = landedQuery({}, null, Date.now());
    sandbox.addFaults({ fault: { kind: 'reset', commit: true } });
    t.equal((await log.post(query.body, LIVE)).kind, 'uncertain');
    const wanted = idsOf(sandbox, query.record.callSessionId);
    t.equal(wanted.length, 1);
    t.same((await log.findLanded(query, BACKLOG)).value?.activityIds, wanted);
    t.equal(sandbox.stats().paths[WINDOW], 2, 'the first answer tells the difference');
    t.same((await log.findLanded(query, BACKLOG)).value?.activityIds, wanted);
    t.equal(sandbox.stats().paths[WINDOW], 3);
  }
});
