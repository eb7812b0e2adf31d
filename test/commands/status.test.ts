/** What `logcalld status` shows of a PBX. */
import t from 'tap';
import { sourceCells } from '../../src/commands/status.ts';
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
