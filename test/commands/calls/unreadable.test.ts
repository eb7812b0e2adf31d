/** Frames of the journal, read again. */
import t from 'tap';
import { eventsOf } from '../../../src/commands/calls/history.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';

t.test('a stored frame that cannot be read costs nothing: what was made of it then counts', async (t) => {
  const at = Date.parse('2026-11-22T10:00:00Z');
  const stored: CallEvent = { kind: 'vanished', source: 'pbx', at, receivedAt: at, channel: 'a' };
  const row = { id: 1, source: 'pbx', receivedAt: at, events: [stored], raw: Buffer.from('Content-Length: 5\n\nab') };
  t.strictSame(eventsOf(row, 'freeswitch'), { events: [stored], raw: false });
  t.strictSame(eventsOf({ ...row, raw: Buffer.from('Content-Type: auth/request\n\n') }, 'freeswitch').raw, true);
});
