/** Which gaps `status` and `doctor` tell. */
import t from 'tap';
import { gapLines } from '../../src/commands/records/gap-line.ts';
import { lastGaps } from '../../src/daemon/answers/status-reply.ts';
import type { Gap } from '../../src/records/gaps.ts';

const DAY = 86_400_000;
const now = 30 * DAY;
const gap = (id: number, source: string, state: Gap['state'], endedAt: number | null): Gap => ({
  ...{
    id,
    source,
    state,
    beganAt: (endedAt ?? now) - 60_000,
    endedAt,
    listedAt: null,
    reason: 'the link was lost',
    live: 0,
  },
  ...{ filledTo: {}, created: 0, completed: 0, skipped: 0, note: null, settledAt: null },
});

t.test('the last one, and before it what is not over or was not filled in the last week', async (t) => {
  const latest = [
    gap(1, 'a', 'open', null),
    gap(2, 'a', 'unfilled', now - DAY),
    gap(3, 'b', 'filled', now - DAY),
    gap(4, 'b', 'unfilled', now - 8 * DAY),
    gap(5, 'c', 'unfilled', now - 20 * DAY),
  ];
  const gaps = await lastGaps(
    { gaps: { latest: async () => latest } } as unknown as Parameters<typeof lastGaps>[0],
    now,
  );
  t.same(
    gaps.map(({ id }) => id),
    [1, 2, 3, 5],
  );
  const lines = gapLines({ gaps, at: now });
  t.same(
    lines.map((line) => line.slice(0, line.indexOf(':'))),
    ['last gap of a', 'earlier gap of a', 'last gap of b', 'last gap of c'],
  );
});
