import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadScript } from '../../../adapters/freeswitch/player/script.ts';
import { type Scenario, scenarios } from '../../support/recordings.ts';
import { recorded } from './scenarios.ts';
import { gapsOf, knowable } from './truth.ts';

const known = scenarios().filter(({ set }) => set === 'freeswitch-1.11');
const named = (name: string): Scenario => {
  const scenario = known.find((one) => one.name === name);
  if (!scenario) throw new Error(`there is no recording ${name}`);
  return scenario;
};
const gapsIn = async ({ directory }: Scenario) =>
  gapsOf((await loadScript(fileURLToPath(new URL('events.jsonl.gz', directory)))).connections);

t.test('every chosen recording has calls that can be known', async (t) => {
  for (const { scenario } of recorded) {
    const one = named(scenario);
    const gaps = await gapsIn(one);
    t.not(knowable(one, gaps, 0, 0).length, 0, scenario);
    t.equal(gaps.length, /midcall/.test(scenario) ? 1 : 0, scenario);
  }
});

t.test('a gap hides one call and the end of another', async (t) => {
  const one = named('esl_reconnect_midcall');
  const [gap] = await gapsIn(one);
  t.match(gap, { from: Number, to: Number });
  const seen = knowable(one, gap ? [gap] : [], 1_000_000, 500);
  t.same(
    seen.map(({ customer }) => customer),
    ['+919845011111', '+971501234567', '+6591234567'],
  );
  t.match(seen[0], { endKnownFrom: 1_000_000 + (gap?.from ?? 0), endKnownBy: 1_000_500 + (gap?.to ?? 0) });
  for (const call of seen.slice(1)) t.equal(call.endKnownBy, undefined, call.customer);
});

t.test('a transferred call is of who had it last, an unanswered one of who was rung', async (t) => {
  t.match(knowable(named('attended_refer'), [], 0, 0), [{ agents: ['1003'], status: 'Answered' }]);
  t.match(knowable(named('in_abandoned_ringing'), [], 0, 0), [{ agents: ['1001'], answeredAt: null }]);
});
