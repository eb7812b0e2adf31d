/** Recordings of which the PBX tells no file name. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import { callsOf, scenarios } from '../support/recordings.ts';
import { bench, some, times } from './support.ts';

const unnamed = (): CallRecord => some({ flags: ['recording-unnamed'] });
const named = (): CallRecord => some({ recording: 'a.wav' });

t.test('three recorded calls in a row without a name are told, with the line for the PBX', async (t) => {
  const { take, codes, find, logged } = bench();
  take(named(), unnamed(), some(), unnamed());
  t.strictSame(codes(), []);
  const more = bench();
  more.take(named(), ...times(12, unnamed), some());
  const { text, lines, severity } = more.find('recordings-unnamed');
  t.match(text, /^pbx: 12 calls were recorded, and the PBX told no file name, .*module reload cdr_manager\.so/);
  t.strictSame(lines, [
    '# /etc/asterisk/cdr_manager_mapping_custom.conf of the PBX:',
    'recordingfile => recordingfile',
  ]);
  t.equal(severity, 'warning');
  t.throws(() => find('recordings-unnamed'));
  t.strictSame(logged, []);
});

t.test('the first name ends it, also one that comes late', async (t) => {
  const { watch, codes, clock } = bench();
  const calls = times(5, () => ({ ...unnamed(), endedAt: clock.now() }));
  watch.note(calls);
  watch.review();
  t.strictSame(codes(), ['recordings-unnamed']);
  clock.block(8 * 24 * 3_600_000);
  watch.review();
  t.strictSame(codes(), [], 'nothing was recorded for a week');
  watch.note(calls.map((one) => ({ ...one, endedAt: clock.now() })));
  watch.review();
  t.strictSame(codes(), ['recordings-unnamed']);
  const last = calls.at(-1) ?? unnamed();
  watch.note([{ ...last, endedAt: clock.now(), flags: [], recording: 'late.wav', recordings: ['late.wav'] }]);
  watch.review();
  t.strictSame(codes(), []);
});

t.test('where no link is posted it is a notice', async (t) => {
  const { take, find } = bench({}, false);
  take(...times(3, unnamed));
  t.equal(find('recordings-unnamed').severity, 'notice');
});

t.test('a stock FreePBX is told, one call after the other', async (t) => {
  const { watch, codes, clock } = bench();
  const recorded = ['ivr_queue', 'outbound_recorded', 'queue_answered', 'recorded_extension'];
  for (const scenario of scenarios().filter((one) => one.set === 'freepbx-17' && recorded.includes(one.name))) {
    watch.note(((await callsOf(scenario)) ?? []).map((one) => ({ ...one, source: 'pbx', endedAt: clock.now() })));
  }
  watch.review();
  t.strictSame(codes(), ['recordings-unnamed']);
});
