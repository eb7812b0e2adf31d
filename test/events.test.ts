/** What the log says of a call. */
import t from 'tap';
import { table } from '../src/commands/capture/inspect.ts';
import { privacy } from '../src/commands/output.ts';
import { EVENT_NAMES } from '../src/event-names.ts';
import { countEvents, events } from '../src/events.ts';
import { inspectLine } from '../src/inspect.ts';
import type { Log } from '../src/ports.ts';
import { call } from './delivery/fakes.ts';

function logged(withheld: boolean): Readonly<Record<string, unknown>> {
  const written: Readonly<Record<string, unknown>>[] = [];
  const log: Log = { write: (_level, _event, _text, fields = {}) => void written.push(fields) };
  events.callEnded(log, call(1, { withheld }));
  return written[0] ?? {};
}

t.test('a withheld number is not logged, and not listed', async (t) => {
  t.equal(JSON.stringify(logged(false).external), '"***0001"');
  t.equal(JSON.stringify(logged(true).external), '"withheld"');
  t.match(table(call(1), privacy(true)), '+919811000001');
  t.notMatch(table(call(1, { withheld: true }), privacy(true)), /9811000001/);
  const line = JSON.parse(inspectLine(call(1, { withheld: true }), 'a.jsonl', null));
  t.match(line, { withheld: true, externalE164: '+919811000001' }, 'the whole record tells both');
});

t.test('each event is counted by its name, whatever the log shows', async (t) => {
  const written: string[] = [];
  const log = countEvents({ write: (_level, event) => void written.push(event) });
  t.same([...log.told().keys()], EVENT_NAMES, 'all of them are there from the beginning');
  events.callEnded(log, call(1));
  events.callEnded(log, call(2));
  const moved = { call: 'pbx-1', reason: null, code: null, helps: '', crm: 'LeadSquared', activity: null };
  events.callMoved(log, 'parked', moved);
  events.condition(log, 'warn', 'crm-denied', 'Not let in.');
  const counted = [...log.told()].filter(([, n]) => n > 0);
  t.same(counted, [
    ['call-ended', 2],
    ['call-parked', 1],
    ['crm-denied', 1],
  ]);
  t.same(written, ['call-ended', 'call-ended', 'call-parked', 'crm-denied'], 'and written all the same');
  t.equal(countEvents(log), log, 'never twice');
});
