/** Conditions: said once, shown as they are now, each source for itself. */
import t from 'tap';
import { createConditions } from '../../src/health/conditions.ts';

function bench() {
  const log: unknown[][] = [];
  let now = 0;
  const conditions = createConditions({ write: (...entry) => log.push(entry) }, { now: () => ++now });
  return { conditions, log };
}

t.test('a text that counts is logged once and shown as it is now', async (t) => {
  const { conditions, log } = bench();
  for (const n of [5, 6, 7]) {
    conditions.set('callers-hidden', `${n} callers`, 'warning', {
      source: 'a',
      lines: ["x = 'y'"],
      gist: 'g',
    });
  }
  t.strictSame(conditions.raised(), [
    { code: 'callers-hidden', severity: 'warning', text: '7 callers', source: 'a', lines: ["x = 'y'"], since: 1 },
  ]);
  t.strictSame(log, [['warn', 'callers-hidden', '5 callers', { pbx: 'a', lines: ["x = 'y'"] }]]);
  conditions.set('callers-hidden', '7 callers', 'notice', { source: 'a', gist: 'g' });
  t.equal(log.at(-1)?.[0], 'notice', 'how bad it is, is news');
});

t.test('without a gist each text is news; over is told once', async (t) => {
  const { conditions, log } = bench();
  conditions.set('storage-full', 'no space');
  conditions.set('storage-full', 'no space');
  conditions.set('storage-full', 'read-only');
  conditions.set('storage-full', null);
  conditions.set('storage-full', null);
  t.strictSame(log, [
    ['error', 'storage-full', 'no space', undefined],
    ['error', 'storage-full', 'read-only', undefined],
    ['notice', 'storage-full', 'Over: read-only', undefined],
  ]);
  t.strictSame(conditions.raised(), []);
});

t.test('what is over at one PBX stands at the other', async (t) => {
  const { conditions } = bench();
  for (const source of ['a', 'b']) conditions.set('callers-hidden', source, 'warning', { source });
  conditions.set('callers-hidden', null, 'warning', { source: 'a' });
  t.strictSame(
    conditions.raised().map(({ source }) => source),
    ['b'],
  );
});
