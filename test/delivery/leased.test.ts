/** A post leaves while its row is leased, or not at all: who had it leased next may post it, too. */
import t from 'tap';
import { post } from '../../src/delivery/steps/post.ts';
import type { Run, StepParts } from '../../src/delivery/steps/step.ts';
import { LEASE_MS } from '../../src/delivery/store.ts';
import { type Asking, onPermit, UNLIMITED } from '../../src/permits/port.ts';
import { call, FakeClock, reply } from './fakes.ts';

/** One run of the step, of which the commit of the intent takes so long. */
async function run(commitMs: number): Promise<{ sent: number; event: unknown; leasedMs: number }> {
  const clock = new FakeClock();
  const seen = { sent: 0, leasedMs: 0 };
  const steady = (): number => clock.monotonic();
  const parts = {
    clock,
    steady,
    permits: UNLIMITED,
    leads: { forget: async () => undefined },
    outbox: {
      async begin({ leaseUntil }: { leaseUntil: number }) {
        seen.leasedMs = leaseUntil - steady();
        clock.block(commitMs);
        return 'begun';
      },
    },
    crm: {
      callLog: {
        body: () => ({}),
        lateFacts: () => ({ recordingUrl: null, durationSeconds: null }),
        post: (_: unknown, asking: Asking) =>
          onPermit(UNLIMITED, asking, async (leaves) => {
            if (!leaves()) return null;
            seen.sent += 1;
            return reply('accepted', { activityId: 'a' });
          }),
      },
    },
  } as unknown as StepParts;
  const row = { id: 1, state: 'pending', step: 'post', tries: 0, record: call(1), sessionId: 'pbx:1:1' };
  const asking = { priority: 'live' };
  const { outcome } = await post(parts, { row, owner: 'a', asking, heard: () => undefined } as unknown as Run);
  return { ...seen, event: outcome.kind === 'done' ? outcome.event : outcome.kind };
}

t.test('within the lease, which begins anew with the intent', async (t) => {
  t.same(await run(LEASE_MS - 1), { sent: 1, event: 'accepted', leasedMs: LEASE_MS });
});

t.test('after it, nothing leaves, and the row is free again', async (t) => {
  t.same(await run(LEASE_MS), { sent: 0, event: 'released', leasedMs: LEASE_MS });
});
