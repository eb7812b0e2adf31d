/** A post leaves while its row is leased, or not at all: who had it leased next may post it, too. */
import t from 'tap';
import { post } from '../../src/delivery/steps/post.ts';
import type { Run, StepParts } from '../../src/delivery/steps/step.ts';
import { LEASE_MS } from '../../src/delivery/store.ts';
import { type Asking, onPermit, type Permits } from '../../src/permits/port.ts';
import { call, FakeClock, reply } from './fakes.ts';

/** Each for one request, and good for ever. */
const ONE_EACH: Permits = {
  async acquire() {
    let used = false;
    return {
      ...{ id: 0, until: Number.POSITIVE_INFINITY, waitedMs: 0 },
      get used() {
        return used;
      },
      start() {
        const first = !used;
        used = true;
        return first;
      },
      [Symbol.dispose]: () => undefined,
    };
  },
  refused: () => undefined,
};

/**
 * One run of the step, of which the commit of the intent takes so long. `refusedMs`: the first request is refused, and the second one, with
 * less in it, gets its permit so much later.
 */
async function run(
  commitMs: number,
  refusedMs: number | null = null,
): Promise<{ sent: number; event: unknown; leasedMs: number }> {
  const clock = new FakeClock();
  const seen = { sent: 0, leasedMs: 0 };
  const steady = (): number => clock.monotonic();
  const parts = {
    clock,
    steady,
    permits: ONE_EACH,
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
        async post(_: unknown, asking: Asking) {
          const send = () =>
            onPermit(ONE_EACH, asking, async (leaves) => {
              if (!leaves()) return null;
              seen.sent += 1;
              return reply('accepted', { activityId: 'a' });
            });
          if (refusedMs === null) return send();
          await onPermit(ONE_EACH, asking, async (leaves) => (leaves() ? reply('rejected', null) : null));
          clock.block(refusedMs);
          return send();
        },
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

t.test('so is each further request of the same post', async (t) => {
  t.same(await run(0, LEASE_MS - 1), { sent: 1, event: 'accepted', leasedMs: LEASE_MS });
  t.same(await run(0, LEASE_MS), { sent: 0, event: 'released', leasedMs: LEASE_MS });
});
