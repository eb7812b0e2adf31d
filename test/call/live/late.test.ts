/** What is remembered of finished calls for facts that come late. */
import t from 'tap';
import { LateFacts } from '../../../src/call/live/late.ts';
import { record } from '../../adapters/sqlite/support.ts';

t.test('a call that was erased is remembered no longer, and others are', async (t) => {
  const late = new LateFacts();
  const answered = { status: 'Answered' as const, recording: null, recordings: [] };
  late.remember(record('theirs', answered), [{ id: 'a' }, { id: 'b' }]);
  late.remember(record('others', answered), [{ id: 'c' }]);
  late.correct([], ['theirs']);
  t.same(late.calls(), ['others']);
  const recording = (channel: string) =>
    ({ kind: 'recording', source: 'pbx', channel, at: 1, receivedAt: 1, file: `${channel}.wav` }) as const;
  t.same(late.take(recording('a')), []);
  t.match(late.take(recording('c')), [{ callSessionId: 'others', recording: 'c.wav' }]);
});
