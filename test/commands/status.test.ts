/** What `logcalld status` shows of a PBX. */
import t from 'tap';
import { allLogged, deliveryRows, sourceCells } from '../../src/commands/status.ts';
import type { SourceStatus } from '../../src/ports.ts';

const at = 1_800_000_000_000;
const well: SourceStatus = {
  ...{ name: 'pbx', state: 'connected', since: at - 60_000, problem: null },
  ...{ frames: 1_204, unknownEvents: 3, faults: 0, lastFrameAt: at - 3_000 },
};

t.test('a source: what is well, what was left out, and what is wrong', async (t) => {
  t.same(sourceCells(well, at), ['ok  ', 'pbx', 'connected for 1 min', 'last heard 3 s ago, 1204 frames']);
  t.equal(sourceCells({ ...well, faults: 2 }, at)[3], 'last heard 3 s ago, 1204 frames, 2 left out: see the log');
  t.same(
    sourceCells({ ...well, problem: 'It has not listed its live channels.' }, at).filter((_, i) => i !== 2),
    ['FAIL', 'pbx', 'It has not listed its live channels.'],
  );
});

t.test('what LeadSquared and a PBX said is shown without whole numbers', async (t) => {
  const cause = 'The reply is no JSON (HTTP 502: no page /RetrieveLeadByPhoneNumber?phone=9845012345).';
  const states = { pending: 0, sending: 0, retrying: 0, uncertain: 0, delivered: 1, parked: 0, skipped: 0 };
  const reply = {
    ...{ counts: { states, oldestWaiting: null, updatesWaiting: 0 }, unstored: 0, backup: null, strangers: null, at },
    delivery: {
      permits: { tuning: { requests: 25, windowMs: 5000 }, used: 0, usedToday: 3, heldMs: 0 },
      ...{ standing: 'away', cause, paused: false, users: { fetchedAt: null, count: 0 } },
    },
  };
  const lines = deliveryRows(reply as unknown as Parameters<typeof deliveryRows>[0])
    .flat()
    .join('\n');
  t.match(lines, /502: no page .*2345/);
  t.notMatch(lines, '9845012345');
  t.notMatch(sourceCells({ ...well, problem: 'Refused: 9845012345 is no user.' }, at).join(), '9845012345');
});

t.test('the headline says no more than the gaps below it', async (t) => {
  const counts = (parked: number) => ({ states: { parked } }) as unknown as Parameters<typeof allLogged>[0]['counts'];
  const gap = (state: string, endedAt: number | null) =>
    ({ state, endedAt }) as Parameters<typeof allLogged>[0]['gaps'][number];
  const line = (parked: number, ...gaps: readonly ReturnType<typeof gap>[]) =>
    allLogged({ counts: counts(parked), gaps });
  t.equal(line(0), 'Every call is being logged.');
  t.equal(line(0, gap('filled', at), gap('waiting', at)), 'Every call is being logged.');
  const since = new Date(at).toLocaleString('sv-SE');
  t.equal(line(0, gap('unfilled', at - 5_000), gap('unfilled', at)), `Every call is being logged since ${since}.`);
  t.match(line(1, gap('unfilled', at)), `Every call is being logged since ${since}, but for 1 parked one`);
});
