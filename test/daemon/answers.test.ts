/** What is done, and told, by the request. */
import t from 'tap';
import { type HandlerParts, handlersOf } from '../../src/daemon/answers/handlers.ts';
import type { Store } from '../../src/daemon/answers/lookup.ts';

t.test('what is taken note of is what was meant: the calls, the database, or both', async (t) => {
  const done: string[] = [];
  const over: string[] = [];
  const store = {
    upkeep: { acknowledge: async () => done.push('notices') },
    outbox: {
      acknowledge: async ({ seen }: { seen?: number }) =>
        seen === 0 ? null : [{ code: 'rejected', count: done.push('calls'), fresh: 1 }],
    },
  } as unknown as Store;
  const conditions = { set: (code: string) => over.push(code) };
  const { acknowledge } = handlersOf({ store, conditions, clock: { now: () => 0 } } as unknown as HandlerParts);
  t.match(await acknowledge({ of: 'calls' }), { notices: 0, parked: [{ code: 'rejected' }] });
  t.same(done.splice(0), ['calls']);
  t.same(over.splice(0), ['calls-parked']);
  t.match(await acknowledge({ of: 'notices' }), { parked: [] });
  t.same(done.splice(0), ['notices']);
  t.notOk(over.splice(0).includes('calls-parked'));
  await acknowledge({});
  t.same(done.splice(0), ['calls', 'notices']);
  await t.rejects(acknowledge({ seen: 0 }), { status: 409, message: /Nothing was noted/ });
  t.same(done, [], 'more calls than were seen: nothing is noted of the database either');
  t.ok(over.includes('calls-parked') && over.includes('database-lost'));
});

t.test('since when a PBX was heard is told by what is kept of it, else by when its link stood', async (t) => {
  const first: Readonly<Record<string, number>> = { talks: 1000 };
  const last: Readonly<Record<string, { at: number }>> = { talks: { at: 9000 }, quiet: { at: 5000 } };
  const store = {
    gaps: { list: async () => [], lastHeard: async ({ source }: { source: string }) => last[source] ?? null },
    journal: { firstFrameAt: async ({ source }: { source: string }) => first[source] ?? null },
  } as unknown as Store;
  const { gaps } = handlersOf({ store } as unknown as HandlerParts);
  const found = await gaps({ limit: 1, calls: false, heard: ['talks', 'quiet', 'never'] });
  t.same(found, { gaps: [], heardSince: { talks: 1000, quiet: 5000, never: null } });
  t.same(await gaps({ limit: 1, calls: false }), { gaps: [] });
});
