/** What the pages say of extensions, gaps and calls. */
import t from 'tap';
import type { Gap } from '../../src/records/gaps.ts';
import { NOW, pageOn, statusOf } from './fake.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function gapOf(id: number, beganAt: number, endedAt: number | null, more: Partial<Gap> = {}): Gap {
  return {
    ...{ id, source: 'asterisk', beganAt, endedAt, listedAt: null, reason: 'the link was lost', live: 0 },
    ...{
      state: endedAt === null ? 'open' : 'unfilled',
      filledTo: {},
      created: 0,
      completed: 0,
      skipped: 0,
      note: null,
    },
    ...{ settledAt: null, ...more },
  };
}

const LINE = {
  ...{ source: null, domain: null, userId: null, name: null, email: null, note: '', calls: 9, lastAt: NOW },
  held: { parked: 0, skipped: 0 },
};

t.test('an extension is told with the calls that were lost for want of a user, and leads to them', async (t) => {
  const lines = [
    { ...LINE, match: 'none', extension: '1005', domain: 'a.example', held: { parked: 4, skipped: 2 } },
    { ...LINE, match: 'none', extension: '1006', held: { parked: 1, skipped: 0 } },
    { ...LINE, match: 'known', extension: '1007', userId: 'u' },
  ];
  const page = pageOn({ users: async () => ({ lines, count: 1, fetchedAt: NOW }) });
  const { cookie } = await page.login();
  const text = await (await page.ask('/agents', { cookie })).text();
  t.match(text, /2 extensions without a user of LeadSquared took part in 18 calls; 7 calls of theirs are not posted\./);
  const [, first = '', second = '', third = ''] = text.split(/<tr>/).slice(1);
  t.match(first, '/calls?agent=1005%40a.example&amp;state=parked&amp;reason=no-user">4 parked<');
  t.match(first, '/calls?agent=1005%40a.example&amp;state=skipped&amp;reason=skip-no-user">2 skipped<');
  t.match(second, '/calls?agent=1006&amp;state=parked&amp;reason=no-user">1 parked<');
  t.notMatch(second, /skipped/);
  t.notMatch(third, /state=/);
});

t.test('an extension of which the user is not known yet has none, and lacks none', async (t) => {
  const of = { ...LINE, calls: 3 };
  const told = async (...matches: readonly string[]) => {
    const lines = matches.map((match, n) => ({ ...of, match, extension: `100${n}` }));
    const page = pageOn({ users: async () => ({ lines, count: 0, fetchedAt: null }) });
    const { cookie } = await page.login();
    return (await page.ask('/agents', { cookie })).text();
  };
  t.notMatch(await told('not-yet', 'known'), /Every extension has a user/);
  t.match(await told('not-yet', 'known'), /1 extension of which the user is not known yet took part in 3 calls/);
  t.match(await told('not-yet', 'none', 'none'), /2 extensions without a user .* 6 calls\. 1 extension of which/);
  t.match(await told('known'), /Every extension has a user/);
  t.notMatch(await told(), /Every extension has a user/);
});

interface GapsAsked {
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  readonly heard?: readonly string[];
}

/** The gaps page, with the rectangles of the picture as [class, x, width]. */
async function gapsOf(all: readonly Gap[], heardSince: Readonly<Record<string, number | null>>) {
  const names = Object.keys(heardSince);
  const [source] = statusOf().sources;
  const sources = names.flatMap((name) => (source === undefined ? [] : [{ ...source, name }]));
  const page = pageOn(
    {
      gaps: async ({ since = 0, until = NOW, limit, heard }: GapsAsked) => ({
        gaps: [...all]
          .filter((gap) => (gap.endedAt ?? NOW) >= since && gap.beganAt <= until)
          .sort((a, b) => b.beganAt - a.beganAt || b.id - a.id)
          .slice(0, limit),
        ...(heard === undefined ? {} : { heardSince }),
      }),
    },
    statusOf({ sources }),
  );
  const { cookie } = await page.login();
  const text = await (await page.ask('/gaps', { cookie })).text();
  const rects = [...text.matchAll(/<rect class="(\S+)" x="(\S+)" y="\d+" width="(\S+)"/g)];
  return { text, rects: rects.map(([, kind, x, width]) => [kind, Number(x), Number(width)] as const) };
}

t.test('the picture tells nothing to have been heard before the first proof of it', async (t) => {
  const { rects } = await gapsOf([], { old: NOW - 30 * DAY, young: NOW - 3.5 * DAY, never: null });
  t.same(rects, [
    ...[
      ['unknown', 130, 860],
      ['heard', 130, 860],
    ],
    ...[
      ['unknown', 130, 860],
      ['heard', 560, 430],
    ],
    ['unknown', 130, 860],
  ]);
  const gap = gapOf(1, NOW - 3.5 * DAY, NOW - 3 * DAY);
  const pruned = await gapsOf([gap], { asterisk: NOW - DAY });
  t.same(pruned.rects[1], ['heard', 560, 430], 'a gap begins with the last proof');
});

t.test('the picture has all gaps of the week, or says from when on', async (t) => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => gapOf(n, NOW - (n + 1) * 60_000, NOW - n * 60_000 - 1));
  const some = await gapsOf(many(1201), { asterisk: NOW - 30 * DAY });
  t.equal(some.rects.filter(([kind]) => kind === 'gap-unfilled').length, 1201);
  t.match(some.text, /These are the latest 200;/);
  t.notMatch(some.text, /The picture begins/);
  const more = await gapsOf(many(3000), { asterisk: NOW - 30 * DAY });
  t.match(more.text, /The picture begins/);
  const [, heard] = more.rects;
  const oldest = Math.min(...more.rects.slice(2).map(([, x]) => x));
  t.match(heard, ['heard', oldest], 'nothing before is told to have been heard');
  t.notMatch((await gapsOf(many(200), { asterisk: NOW - 30 * DAY })).text, /These are the latest/);
});

t.test('a gap that goes on counts in the browser', async (t) => {
  const beganAt = NOW - 5 * HOUR;
  const page = pageOn({}, statusOf({ gaps: [gapOf(1, beganAt, null)] }));
  const { cookie } = await page.login();
  t.match(
    await (await page.ask('/', { cookie })).text(),
    new RegExp(`data-since="${beganAt}">5 h</span> so far from `),
  );
  const ended = pageOn({}, statusOf({ gaps: [gapOf(1, beganAt, NOW - HOUR)] }));
  const other = await ended.login();
  t.match(await (await ended.ask('/', { cookie: other.cookie })).text(), /<a href="\/gaps">4 h from /);
});
