/** What one call looks like to people, and as a line of inspect. */
import t from 'tap';
import { parseConfig } from '../../../config/load.ts';
import { plainView, showCall } from '../../../src/commands/calls/show.ts';
import { privacy } from '../../../src/commands/output.ts';
import { inspectLine } from '../../../src/inspect.ts';
import { record } from '../../adapters/leadsquared/support.ts';

const config = parseConfig(
  "[[source]]\ntype = 'freeswitch'\nname = 'hq'\n[leadsquared]\nhost = 'api-in21.leadsquared.com'",
  '/etc/logcalld/logcalld.toml',
);

const call = record({
  ringGroup: '600',
  agentDomain: 'a.example',
  recording: '/rec/one.wav',
  recordings: ['/rec/one.wav', '/rec/two.wav'],
});

t.test('queue, ring group, tenant and every recording are shown', async (t) => {
  const nobody = { id: null, name: null, how: 'not looked up yet' };
  const rest = {
    revision: 1,
    delivery: null,
    attempts: [],
    gaps: [],
    events: [],
    lead: nobody,
    user: nobody,
    sent: null,
    body: {},
  };
  const shown = showCall(config, { record: call, ...rest }, plainView(privacy(true)), false);
  const trimmed = shown.map((line) => line.trim());
  for (const line of [
    /^queue +sales$/,
    /^ring group +600$/,
    /^tenant +a\.example$/,
    /^recording +\/rec\/one\.wav, \/rec\/two\.wav$/,
  ]) {
    t.ok(
      trimmed.some((one) => line.test(one)),
      String(line),
    );
  }
});

t.test('the line of inspect', async (t) => {
  const line: unknown = JSON.parse(inspectLine(call, 'a.jsonl', null));
  t.match(line, {
    agent: '1001',
    agentDomain: 'a.example',
    recording: '/rec/one.wav',
    recordings: ['/rec/one.wav', '/rec/two.wav'],
  });
});

t.test('an end that nobody heard is shown with the moments between which it lies', async (t) => {
  const from = Date.parse('2026-11-22T10:00:05Z');
  const nobody = { id: null, name: null, how: 'not looked up yet' };
  const rest = {
    revision: 1,
    delivery: null,
    attempts: [],
    events: [],
    lead: nobody,
    user: nobody,
    sent: null,
    gaps: [],
    body: {},
  };
  const told = (endBetween: { from: number; to: number | null } | null) => {
    const lines = showCall(config, { record: { ...call, endBetween }, ...rest }, plainView(privacy(true)), false);
    return lines.map((line) => line.trim()).find((line) => line.startsWith('end not heard')) ?? null;
  };
  t.match(
    told({ from, to: from + 130_000 }),
    /known to live until \d\d:\d\d:05\.000; over by 2026-11-\d\d \d\d:\d\d:15$/,
  );
  t.match(told({ from, to: null }), /known to live until \d\d:\d\d:05\.000; ended later$/);
  t.equal(told(null), null);
  const line: unknown = JSON.parse(inspectLine({ ...call, endBetween: { from, to: null } }, 'a.jsonl', null));
  t.match(line, { endBetween: { from: '2026-11-22T10:00:05.000Z', to: null } });
});
