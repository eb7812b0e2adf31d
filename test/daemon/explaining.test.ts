/** What delivery is said to have made of a call. */
import t from 'tap';
import { DEFAULT_POLICY as CALL_LOG_POLICY } from '../../adapters/leadsquared/policy.ts';
import { explaining } from '../../src/daemon/answers/explaining.ts';
import { readers, type Store } from '../../src/daemon/answers/lookup.ts';
import { DEFAULT_POLICY, type UserPolicy } from '../../src/delivery/policy.ts';
import { call } from '../delivery/fakes.ts';

t.test('a lead that was asked for before is told with a time as people read it, the user with his name', async (t) => {
  const record = call(1);
  const askedAt = Date.UTC(2026, 0, 5, 9, 0, 0);
  const delivery = { state: 'delivered', step: null, tries: 1, reason: null, code: null, createdAt: askedAt + 60_000 };
  const lead = { id: 'lead-1', name: 'Asha', ownerId: null };
  const user = { id: 'u-9', name: 'Ravi Menon', email: 'ravi@example.com', active: true, phones: [] };
  const store = {
    sessions: { get: async () => ({ found: 'one', session: { record } }) },
    outbox: { select: async () => [{ ...delivery, leadId: 'lead-1', userId: 'u-9' }], attempts: async () => [] },
    users: { load: async () => ({ users: [user], at: 0 }) },
    leadCache: { get: async () => ({ lead, at: askedAt }), format: async () => null },
  } as unknown as Store;
  const { why } = explaining({ store, policy: DEFAULT_POLICY, clock: { now: () => 0, monotonic: () => 0 } });
  const told = await why({ id: record.callSessionId });
  t.match(told.lead.notes.at(-1), `at ${new Date(askedAt).toLocaleString('sv-SE')}: its answer was used`);
  t.notMatch(JSON.stringify(told), /\dT\d\d:\d\d/);
  t.match(told.user, { value: 'u-9', fact: /^Ravi Menon \(ravi@example\.com\); the owner of the lead/ });
});

t.test('an owner of the lead who is inactive is told where a call has another user, or none', async (t) => {
  const record = call(1, { agent: '1999' });
  const delivery = {
    state: 'delivered',
    step: null,
    tries: 1,
    reason: null,
    code: null,
    createdAt: 0,
    leadId: 'lead-1',
  };
  const lead = { id: 'lead-1', name: 'Asha', ownerId: 'u-gone' };
  const user = (id: string, active: boolean) => ({ id, name: id, email: `${id}@example.com`, active, phones: [] });
  const rejectedOf = async (userId: string | null, unknown: UserPolicy['unknown'], tries = 1) => {
    const store = {
      sessions: { get: async () => ({ found: 'one', session: { record } }) },
      outbox: { select: async () => [{ ...delivery, userId, tries }], attempts: async () => [] },
      users: { load: async () => ({ users: [user('u-gone', false), user('u-9', true)], at: 0 }) },
      leadCache: { get: async () => ({ lead, at: 0 }), format: async () => null },
    } as unknown as Store;
    const policy = { ...DEFAULT_POLICY, user: { ...DEFAULT_POLICY.user, unknown, defaultUser: 'u-9' } };
    const { why } = explaining({ store, policy, clock: { now: () => 0, monotonic: () => 0 } });
    return (await why({ id: record.callSessionId })).user.rejected;
  };
  const fact = 'the owner of the lead: the LeadSquared user u-gone@example.com is inactive';
  const gone = [{ value: 'u-gone', rule: 'inactive-owner', fact }];
  t.same(await rejectedOf('u-9', ['lead-owner', 'default-user', 'park']), gone);
  t.same(await rejectedOf(null, ['lead-owner', 'omit']), gone);
  t.same(await rejectedOf('u-9', ['default-user', 'lead-owner']), [], 'he was not asked for');
  t.same(await rejectedOf(null, ['omit']), []);
  t.same(await rejectedOf('u-gone', ['lead-owner', 'park']), [], 'he was active when it was posted');
  t.same(await rejectedOf(null, ['lead-owner', 'park'], 0), [], 'not posted: its reason tells it');
});

t.test('a lead that the number has is told of a call that never came to its post', async (t) => {
  const record = call(1);
  const lead = { id: 'lead-1', name: 'Asha', ownerId: null };
  const none = { state: 'pending', step: 'look-up', tries: 0, reason: null, code: null, createdAt: 0 };
  const asked = async (more: object, kept: object | null) => {
    const delivery = { ...none, leadId: null, userId: null, ...more };
    const store = {
      sessions: { get: async () => ({ found: 'one', session: { record, revision: 1, createdAt: 0 } }) },
      outbox: { select: async () => [delivery], attempts: async () => [] },
      users: { load: async () => null },
      leadCache: { get: async () => (kept === null ? null : { lead: null, at: 0, ...kept }), format: async () => null },
    } as unknown as Store;
    const parts = {
      ...{ store, policy: DEFAULT_POLICY, clock: { now: () => 0, monotonic: () => 0 }, callLog: CALL_LOG_POLICY },
      ...{ status: () => Promise.reject(new Error('not asked')), readerOf: () => null },
    };
    const journal = { frames: async () => ({ bytes: new Uint8Array(), next: null, damaged: 0 }) };
    const find = { find: async () => ({ found: 'one', id: record.callSessionId }) };
    const all = readers({ ...parts, store: { ...store, journal, calls: find } as unknown as Store });
    const [why, shown] = [await all.why({ id: 'x' }), await all.call({ id: 'x' })];
    return { why: why.lead, shown: shown.lead };
  };
  for (const [state, code] of [
    ['parked', 'no-user'],
    ['skipped', 'skip-filter'],
  ] as const) {
    const { why, shown } = await asked({ state, code, step: null, reason: 'No user.' }, { lead });
    t.match(why, { value: null, rule: 'unposted', rejected: [{ value: 'lead-1', fact: 'Asha has the number' }] });
    t.match(why.fact, `the call was ${state} before it was posted`);
    t.match(shown, { id: 'lead-1', name: 'Asha', how: `has the number; the call was ${state} before it was posted` });
  }
  const parked = { state: 'parked', code: 'no-lead', step: null };
  t.match(await asked(parked, {}), { why: { rule: 'no-lead' }, shown: { how: 'no lead has the number' } });
  const several = { ...parked, code: 'several-leads', reason: '2 leads have this number.' };
  for (const kept of [null, {}, { lead }])
    t.match(await asked(several, kept), {
      why: { fact: '2 leads have this number.' },
      shown: { id: null, how: /^not settled/ },
    });
  const old = await asked({ ...parked, code: 'no-user', reason: 'No user.' }, null);
  t.match(old, { why: { rule: 'parked' }, shown: { how: 'none is known; the call was parked before it was posted' } });
  for (const kept of [null, {}, { lead }]) {
    const { why, shown } = await asked({}, kept);
    t.match([why.rule, shown.how], ['not-yet', 'not looked up yet'], 'a call that waits');
  }
  const posted = await asked({ state: 'delivered', step: null, tries: 1 }, { lead });
  t.match(posted.why.fact, /^no lead had the number when it was posted/);
  t.equal(posted.why.notes.at(-1), 'By now Asha, lead lead-1 has it.');
});

t.test(
  'the age of a call is what it was when it was stored; of one that only a replay would post, what it is now',
  async (t) => {
    const record = call(1);
    const policy = { ...DEFAULT_POLICY, maxAgeMs: 3_600_000 };
    const now = record.endedAt + 2 * 3_600_000;
    const told = async (state: string, createdAt: number) => {
      const row = { state, step: null, tries: 0, reason: null, code: null, createdAt, leadId: null, userId: null };
      const store = {
        sessions: { get: async () => ({ found: 'one', session: { record } }) },
        outbox: { select: async () => [row], attempts: async () => [] },
        users: { load: async () => null },
        leadCache: { get: async () => null, format: async () => null },
      } as unknown as Store;
      const { why } = explaining({ store, policy, clock: { now: () => now, monotonic: () => 0 } });
      return (await why({ id: record.callSessionId })).post.notes.join();
    };
    for (const state of ['pending', 'retrying', 'sending', 'uncertain', 'delivered'])
      t.match(await told(state, record.endedAt), /^No filter/, state);
    for (const state of ['parked', 'skipped'])
      t.match(await told(state, record.endedAt), /ended more than 1 h ago/, state);
  },
);
