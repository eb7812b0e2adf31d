/** Agents without a user of the CRM, as `status` tells of them. */
import t from 'tap';
import { strangersOf } from '../../src/delivery/parties/strangers.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const DAY = 86_400_000;
const line = (extension: string, match: 'known' | 'none' | 'not-yet', calls: number, lastAt: number | null) => ({
  ...{ extension, domain: null, match, calls, lastAt },
});

t.test('those who took calls lately, however many; not who is known, who may be, or who left', async (t) => {
  const others = [
    line('1001', 'known', 90, NOW),
    line('1002', 'not-yet', 5, NOW),
    line('1003', 'none', 0, null),
    line('1004', 'none', 70, NOW - 8 * DAY),
  ];
  t.equal(strangersOf(others, NOW), null);
  const many = Array.from({ length: 7 }, (_, n) => line(`20${n}`, 'none', 7 - n, NOW - n * DAY));
  t.match(strangersOf([...many, ...others], NOW), { count: 7, calls: 28, lastAt: NOW, names: { length: 5 } });
  t.same(strangersOf(many.slice(1, 2), NOW)?.names, [{ extension: '201', domain: null }]);
});
