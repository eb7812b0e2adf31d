/** Calls explained: the same calls as the daemon makes, each from what was said of it alone, and what was rejected. */
import t from 'tap';
import { readCapture } from '../../../adapters/host/capture.ts';
import { DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { TopicName } from '../../../src/call/explain/account.ts';
import { type Explained, explainCalls } from '../../../src/call/explain/explain.ts';
import { channelIdOf, eventsOfCall, namesIn } from '../../../src/call/timeline.ts';
import { eventsIn } from '../../../src/inspect.ts';
import { type CallEvent, channelOf } from '../../../src/telephony/call-event.ts';
import { callsOf, readers, type Scenario, scenarios } from '../../support/recordings.ts';
import { calls, dialEnds, ends, hangsUp, planWith, rings, START, talk } from '../../support/told.ts';

const SETS = /^(?:asterisk-22(?:-extra|-local)?|freepbx-17|freeswitch-1\.11)$/;
/** Every so many of the recordings, and those in which the link was lost. */
const EACH = 6;
const ALWAYS = /reconnect|attended|redirect|restart|agent_pool/;

async function eventsOf(scenario: Scenario): Promise<CallEvent[]> {
  const { frames } = await readCapture(new URL('events.jsonl.gz', scenario.directory).pathname);
  const read = readers[scenario.pbx];
  if (read === undefined) throw new Error(scenario.pbx);
  return [...eventsIn(frames, read, scenario.pbx, () => {})];
}

function alone(events: readonly CallEvent[], id: string): CallEvent[] {
  const names = new Set([id, ...eventsOfCall(events, id, 'connected').flatMap((event) => namesIn(event, 'connected'))]);
  return events.filter((event) => {
    const channel = channelOf(event);
    return channel === null || names.has(channel);
  });
}

t.test('each call of the recordings comes out the same from what was said of it alone', async (t) => {
  const some = scenarios().filter(({ set, name }, at) => SETS.test(set) && (ALWAYS.test(name) || at % EACH === 0));
  let compared = 0;
  for (const scenario of some) {
    const records = await callsOf(scenario);
    if (records === null) continue;
    const events = await eventsOf(scenario);
    const until = Math.max(...events.map(({ receivedAt }) => receivedAt)) + 60_000;
    for (const record of records.slice(0, 5)) {
      // What was heard of others tells when a PBX was heard.
      const whole = record.flags.some((flag) => /blind|end-unknown|stepped|late/.test(flag));
      const own = whole ? events : alone(events, channelIdOf(record));
      const found = explainCalls(own, scenario.pbx, scenario.plan, DEFAULT_RULES, until, 'ended');
      const one = found.find((each) => each.record.callSessionId === record.callSessionId);
      t.same(one?.record, record, `${scenario.set} ${scenario.name}`);
      compared += 1;
    }
  }
  t.ok(compared > 30, `${compared} calls`);
});

const PLAN = planWith("extensions = ['PJSIP/1*']");

function only(events: readonly CallEvent[][], until = START + 3_600_000, plan = PLAN): Explained {
  const found = explainCalls(events.flat(), 'pbx', plan, DEFAULT_RULES, until);
  const [one] = found;
  if (one === undefined || found.length > 1) throw new Error(`${found.length} calls`);
  return one;
}

const topic = ({ topics }: Explained, name: TopicName) => topics.find((one) => one.topic === name);

t.test('who rang and did not answer, and what the PBX answered itself, is told as rejected', async (t) => {
  const call = only([
    calls(0, 'c', 'PJSIP/trunk', { dialled: '08041110001', caller: { number: '09845012345', name: null } }),
    rings(1_000, 'p1', 'PJSIP/1001', 'c'),
    dialEnds(9_000, 'p1', 'c', 'no-answer'),
    ends(9_000, 'p1'),
    rings(10_000, 'p2', 'PJSIP/1002', 'c'),
    talk(12_000, 'c', 'p2'),
    hangsUp(20_000, 'c'),
    ends(20_000, 'c', 'p2'),
  ]);
  t.match(topic(call, 'agent'), {
    value: '1002',
    rule: 'who-talked',
    rejected: [{ value: '1001', rule: 'only-rang', fact: 'its phone rang: no-answer' }],
  });
  t.match(topic(call, 'outside number'), {
    value: '+919845012345',
    seen: { number: '09845012345', shape: '09xxxxxxxxx', on: 'PJSIP/trunk' },
    notes: [/a number of IN \(the country of \[\[source\]\] pbx\)/],
  });
  t.match(topic(call, 'answered'), { value: START + 12_000, rejected: [] });
  t.match(topic(call, 'ended'), { notes: ['PJSIP/trunk hung up first.'] });
  t.match(call.legs, [
    { endpoint: 'PJSIP/trunk', side: { value: 'trunk' }, begun: { value: 'endpoint' } },
    { endpoint: 'PJSIP/1001', ext: '1001', side: { value: 'extension' } },
    { endpoint: 'PJSIP/1002', ext: '1002' },
  ]);
  t.equal(call.goingOn, false);
});

t.test('a number that cannot be read names the prefix that would mend it', async (t) => {
  const call = only([
    calls(0, 'p', 'PJSIP/1001', { dialled: '5555' }),
    rings(1_000, 'c', 'PJSIP/trunk', 'p', { number: '555509845012345' }),
    talk(3_000, 'p', 'c'),
    ends(9_000, 'p', 'c'),
  ]);
  const number = topic(call, 'outside number');
  t.equal(number?.value, '555509845012345');
  t.match(number?.notes[0], /reads as no number of IN .* without the 5555 at its beginning it would/);
});

t.test('a call that goes on is told as it stands, one that is over by then is not', async (t) => {
  const begun = [
    calls(0, 'c', 'PJSIP/trunk', { dialled: '08041110001', caller: { number: '09845012345', name: null } }),
    rings(1_000, 'p', 'PJSIP/1001', 'c'),
  ];
  const going = only(begun, START + 5_000);
  t.equal(going.goingOn, true);
  t.match(topic(going, 'whose call'), { value: '1001', rule: 'only-phone-rung' });
  t.equal(only([...begun, ends(6_000, 'c', 'p')]).goingOn, false);
});
