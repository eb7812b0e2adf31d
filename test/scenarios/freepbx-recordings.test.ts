/**
 * Recordings of FreePBX: as it is installed no event names their files; with the line that README.md advises, each Cdr event has
 * a header `recordingfile`, and the file lands on the call.
 */
import t from 'tap';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { inspectFrames, type RecordedFrame } from '../../src/inspect.ts';
import { framesOf, scenarioOf } from '../support/cdr.ts';
import { readers, type Scenario } from '../support/recordings.ts';

/** Channels whose call records have the file in the PBX's own table `cdr`; in the others the column is empty. */
const RECORDED: Readonly<Record<string, readonly string[]>> = {
  ivr_queue: ['1795623266.98', '1795623272.102'],
  outbound_recorded: ['1795623760.201'],
  queue_answered: ['1795623074.29', '1795623074.27'],
  queue_rona: ['1795623093.39'],
  recorded_extension: ['1795623997.246'],
  ringgroup_hunt: ['1795624209.292'],
};

/** The frames as cdr_manager writes them when its mapping has the column: one header more, empty where the column is. */
function mapped(frames: readonly RecordedFrame[], header: string, of: (channel: string) => string): RecordedFrame[] {
  return frames.map((frame) => {
    const text = Buffer.from(frame.raw).toString('latin1');
    const channel = /^UniqueID: (.*)$/im.exec(text.replaceAll('\r', ''))?.[1];
    if (!/^Event: Cdr\r?$/m.test(text) || channel === undefined) return frame;
    const raw = text.replace(/\r\n\r\n$/, `\r\n${header}: ${of(channel)}\r\n\r\n`);
    return { ...frame, raw: Buffer.from(raw, 'latin1') };
  });
}

function callsOf({ pbx, plan }: Scenario, frames: readonly RecordedFrame[]): readonly CallRecord[] {
  const read = readers[pbx];
  if (read === undefined) throw new Error(`no reader for ${pbx}`);
  return inspectFrames(frames, read, pbx, plan, DEFAULT_RULES).records;
}

/** What is said of recordings, call by call; a call completed later is told again and counts as it is then. */
function told(records: readonly CallRecord[]) {
  const last = new Map(records.map((record) => [record.callSessionId, record]));
  return [...last.values()].map(({ recording, recordings, flags }) => ({ recording, recordings, flags }));
}

for (const [name, channels] of Object.entries(RECORDED)) {
  t.test(name, async (t) => {
    const scenario = scenarioOf('freepbx-17', name);
    const path = scenario.truth[0]?.recording ?? '';
    const file = path.slice(path.lastIndexOf('/') + 1);
    t.match(file, /\.wav$/);
    for (const stream of ['events.jsonl.gz', 'events-filtered.jsonl.gz']) {
      const frames = await framesOf(scenario, stream);
      t.strictSame(
        told(callsOf(scenario, frames)),
        [{ recording: null, recordings: [], flags: ['recording-unnamed'] }],
        'as it is installed: recorded, and no name',
      );
      for (const header of ['recordingfile', 'RecordingFile']) {
        const named = mapped(frames, header, (channel) => (channels.includes(channel) ? file : ''));
        t.strictSame(told(callsOf(scenario, named)), [{ recording: file, recordings: [file], flags: [] }], header);
      }
    }
  });
}

t.test('a call that nobody answered has no recording, and nothing is missing', async (t) => {
  const scenario = scenarioOf('freepbx-17', 'queue_abandoned');
  const frames = await framesOf(scenario);
  const file = 'q-601-+919845012345-20261125-214158-1795623118.48.wav';
  for (const one of [frames, mapped(frames, 'recordingfile', () => file)]) {
    t.strictSame(told(callsOf(scenario, one)), [{ recording: null, recordings: [], flags: [] }]);
  }
});

t.test('a call record that comes after the call was reported names the file, and the flag goes', async (t) => {
  const scenario = scenarioOf('freepbx-17', 'queue_answered');
  const frames = mapped(await framesOf(scenario), 'recordingfile', () => 'late.wav').map((frame) =>
    Buffer.from(frame.raw).includes('Event: Cdr') ? { ...frame, receivedAt: frame.receivedAt + 60_000 } : frame,
  );
  const late = frames.toSorted((a, b) => a.receivedAt - b.receivedAt);
  const of = callsOf(scenario, late).map(({ recording, flags }) => ({ recording, flags }));
  t.strictSame(of, [
    { recording: null, flags: ['recording-unnamed'] },
    { recording: 'late.wav', flags: [] },
  ]);
});
