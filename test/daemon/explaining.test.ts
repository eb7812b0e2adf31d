/** What delivery is said to have made of a call. */
import t from 'tap';
import { explaining } from '../../src/daemon/answers/explaining.ts';
import type { Store } from '../../src/daemon/answers/lookup.ts';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
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
