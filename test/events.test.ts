/** What the log says of a call. */
import t from 'tap';
import { table } from '../src/commands/capture/inspect.ts';
import { events } from '../src/events.ts';
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
  t.match(table(call(1)), '+919811000001');
  t.notMatch(table(call(1, { withheld: true })), /9811000001/);
  const line = JSON.parse(inspectLine(call(1, { withheld: true }), 'a.jsonl', null));
  t.match(line, { withheld: true, externalE164: '+919811000001' }, 'the whole record tells both');
});
