import t from 'tap';
import { announcing } from '../../src/delivery/announce.ts';
import type { DeliveryState } from '../../src/delivery/states.ts';
import type { Claim, Delivery, Outbox, Settlement } from '../../src/delivery/store.ts';
import type { Log } from '../../src/ports.ts';

t.test('each call that arrives, fails or is parked gets one line with its id and the reason', async (t) => {
  const lines: unknown[] = [];
  const log: Log = { write: (level, event, text, fields) => lines.push([level, event, text, fields]) };
  const rows = [1, 2, 3].map((id) => ({ id, sessionId: `pbx-${id}` }) as Delivery);
  const outbox = announcing(
    {
      claim: async () => ({ rows, interrupted: 0 }),
      settle: async ({ items }: { items: readonly Settlement[] }) => items.map(({ id }) => id !== 3),
    } as unknown as Outbox,
    'LeadSquared',
    log,
  );
  await outbox.claim({} as Claim & { checkAt: number });
  const step = (id: number, state: DeliveryState, reason: string | null = null): Settlement => ({
    id,
    owner: 'me',
    from: { state: 'sending', step: 'post' },
    to: { state, step: null },
    revision: 1,
    now: 0,
    dueAt: 0,
    reason,
  });
  await outbox.settle({
    items: [
      { ...step(1, 'delivered'), activityId: 'a-1' },
      step(2, 'parked', 'MXInvalidInput.'),
      step(3, 'parked', 'lost the race'),
    ],
  });
  await outbox.settle({ items: [step(1, 'pending')] });
  t.strictSame(lines, [
    ['info', 'call-logged', 'Logged in LeadSquared.', { call: 'pbx-1', activity: 'a-1' }],
    [
      'warn',
      'call-parked',
      'Parked until somebody sends it again (logcalld replay): MXInvalidInput.',
      { call: 'pbx-2' },
    ],
  ]);
});
