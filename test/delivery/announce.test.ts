import t from 'tap';
import { announcing, type LoggedCall } from '../../src/delivery/announce.ts';
import { remedyOf } from '../../src/delivery/parked/reasons.ts';
import type { DeliveryState } from '../../src/delivery/states.ts';
import type { Claim, Delivery, Outbox, Settlement } from '../../src/delivery/store.ts';
import type { Log } from '../../src/ports.ts';

t.test('each call that arrives, fails or is parked gets one line with its id and the reason', async (t) => {
  const lines: unknown[] = [];
  const log: Log = { write: (level, event, text, fields) => lines.push([level, event, text, fields]) };
  const rows = [1, 2, 3].map(
    (id) => ({ id, sessionId: `pbx-${id}`, trigger: 'live', record: { endedAt: 4_000 } }) as Delivery,
  );
  const logged: LoggedCall[] = [];
  const outbox = announcing(
    {
      claim: async () => ({ rows, unreadable: [], interrupted: 0 }),
      settle: async ({ items }: { items: readonly Settlement[] }) => items.map(({ id }) => id !== 3),
    } as unknown as Outbox,
    'LeadSquared',
    log,
    (call) => logged.push(call),
  );
  await outbox.claim({} as Claim & { checkAt: number });
  const step = (id: number, state: DeliveryState, reason: string | null = null): Settlement => ({
    id,
    owner: 'me',
    from: { state: 'sending', step: 'post' },
    to: { state, step: null },
    revision: 1,
    now: 6_500,
    dueAt: 0,
    reason,
  });
  await outbox.settle({
    items: [
      { ...step(1, 'delivered'), activityId: 'a-1' },
      { ...step(2, 'parked', 'MXInvalidInput.'), code: 'rejected' },
      step(3, 'parked', 'lost the race'),
    ],
  });
  await outbox.settle({ items: [step(1, 'pending')] });
  t.strictSame(lines, [
    ['info', 'call-logged', 'Logged in LeadSquared.', { call: 'pbx-1', activity: 'a-1' }],
    [
      'warn',
      'call-parked',
      `Parked until somebody sends it again: MXInvalidInput. What helps: ${remedyOf('rejected').helps}; then logcalld replay pbx-2.`,
      { call: 'pbx-2', code: 'rejected' },
    ],
  ]);
  t.strictSame(logged, [{ latencyMs: 2_500, replayed: false }], 'of those that arrived also since when they are over');
});

t.test('what waits for its next attempt is not remembered, and is told of again when that fails', async (t) => {
  const texts: string[] = [];
  const log: Log = { write: (_level, event, _text, fields) => texts.push(`${event} ${fields?.call}`) };
  let claimed: readonly Delivery[] = [];
  const outbox = announcing(
    {
      claim: async () => ({ rows: claimed, unreadable: [], interrupted: 0 }),
      settle: async ({ items }: { items: readonly Settlement[] }) => items.map(({ id }) => id !== 3),
    } as unknown as Outbox,
    'LeadSquared',
    log,
  );
  const claim = async (...ids: readonly number[]) => {
    claimed = ids.map((id) => ({ id, sessionId: `pbx-${id}` }) as Delivery);
    await outbox.claim({} as Claim & { checkAt: number });
  };
  const settle = async (...steps: readonly (readonly [id: number, to: DeliveryState])[]) =>
    outbox.settle({
      items: steps.map(([id, state]) => ({
        ...{ id, owner: 'me', from: { state: 'sending', step: 'post' }, to: { state, step: null }, revision: 1 },
        ...{ now: 0, dueAt: 0, reason: null },
      })),
    });
  await claim(1, 2, 3);
  await settle([1, 'retrying'], [2, 'uncertain']);
  // Nobody has taken these up: what is said of them now says somebody who knows them.
  await settle([1, 'parked'], [2, 'parked']);
  await claim(1);
  await settle([1, 'retrying']);
  t.strictSame(texts, ['call-retrying pbx-1', 'call-uncertain pbx-2', 'call-retrying pbx-1']);
});
