/** Call detail records of the recorded PBXs, and recordings of which the end was not heard. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readCapture } from '../../adapters/host/capture.ts';
import { recordsReaders } from '../../adapters/index.ts';
import type { RecordsRead } from '../../src/call/cdr/backfill.ts';
import { type CdrCall, callsOfCdr } from '../../src/call/cdr/calls.ts';
import { type Heard, listen } from '../../src/call/cdr/coverage.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { inspectFrames, type RecordedFrame } from '../../src/inspect.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { readers, type Scenario, scenarios, type Truth } from './recordings.ts';

export const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** What call detail records do not tell of a call, by scenario. */
export const UNTOLD: Readonly<Record<string, readonly string[]>> = {
  // The row ends when the agent leaves; the caller stayed on alone.
  confbridge_two_external_one_agent: ['end'],
  // One row, as if the agent had dialled: it tells when the agent's phone was answered, which rang first.
  click_to_call: ['rung', 'answer'],
  // The desk phone has no row, only the pair that led to it.
  followme_mobile: ['rung'],
};

export function scenarioOf(set: string, name: string): Scenario {
  const found = scenarios().find((one) => one.set === set && one.name === name);
  if (found === undefined) throw new Error(`there is no recording ${set}/${name}`);
  return found;
}

/** The bytes of a file of the recording, unpacked. */
export function bytesOf(scenario: Scenario, file: string): Buffer {
  return gunzipSync(readFileSync(new URL(file, scenario.directory)));
}

/** Events of files of records given as bytes or text, and what was left out. */
export function readOf(pbx: string, content: Uint8Array | string, during = ALWAYS): RecordsRead {
  const read = recordsReaders[pbx];
  if (read === undefined) throw new Error(`no reader of records for ${pbx}`);
  return read([{ name: 'cdr', content: Buffer.from(content) }], pbx, during);
}

export function eventsOf(pbx: string, content: Uint8Array | string, during = ALWAYS): readonly CallEvent[] {
  return readOf(pbx, content, during).events;
}

/** The calls as the CDR file of a recording knows them. */
export function cdrOf(scenario: Scenario, file: string): CdrCall[] {
  const { pbx } = scenario;
  return callsOfCdr(eventsOf(pbx, bytesOf(scenario, file)), pbx, scenario.plan, DEFAULT_RULES);
}

export interface Hearing {
  readonly records: readonly CallRecord[];
  readonly heard: Heard;
}

/** What the program makes of the frames, and what it heard. */
export function hearing(scenario: Scenario, frames: readonly RecordedFrame[]): Hearing {
  const { pbx } = scenario;
  const read = readers[pbx];
  if (read === undefined) throw new Error(`no reader of frames for ${pbx}`);
  const listener = listen();
  for (const frame of frames) {
    listener.note(read(frame.raw, pbx, frame.receivedAt), frame.receivedAt, frame.connection);
  }
  return { records: inspectFrames(frames, read, pbx, scenario.plan, DEFAULT_RULES).records, heard: listener.heard() };
}

export async function framesOf(scenario: Scenario, file = 'events.jsonl.gz'): Promise<readonly RecordedFrame[]> {
  return (await readCapture(new URL(file, scenario.directory).pathname)).frames;
}

/** The first `count` frames; then the link is lost, and found again when every channel of the recording is gone. */
export function cutAfter(pbx: string, frames: readonly RecordedFrame[], count: number): RecordedFrame[] {
  const end = (frames.at(-1)?.receivedAt ?? 0) + 3000;
  const last = (text: string, ms: number) => ({ receivedAt: end + ms, connection: 2, raw: Buffer.from(text) });
  const answer = 'Content-Type: api/response\nContent-Length: 15\n\n{"row_count":0}';
  const again =
    pbx === 'asterisk'
      ? [
          last('Asterisk Call Manager/11.0.0\r\n', 0),
          last('Event: FullyBooted\r\nUptime: 100000\r\nStatus: Fully Booted\r\n\r\n', 1),
          last('Event: CoreShowChannelsComplete\r\nEventList: Complete\r\nListItems: 0\r\n\r\n', 2),
        ]
      : [last('Content-Type: auth/request\n\n', 0), last(answer, 2)];
  return [...frames.slice(0, count).map((frame) => ({ ...frame, connection: 1 })), ...again];
}

const digits = (number: string | null) => (number ?? '').replace(/\D/g, '').slice(-10);

/** The fields in which a record differs from what the telephones saw, but for times within `slackMs`. */
export function differences(
  truth: Truth,
  record: CallRecord | undefined,
  scenario: Scenario,
  slackMs: number,
): string[] {
  if (record === undefined) return ['missing'];
  const near = (time: number, offset: number) => Math.abs(time - scenario.startedAt - offset) <= slackMs;
  const external = truth.direction !== 'Internal';
  const rung = [...(truth.agentsRung ?? [])].sort().join();
  const checks: Readonly<Record<string, boolean>> = {
    direction: record.direction === truth.direction,
    status: record.status === truth.status,
    external: !external || record.externalE164 === truth.externalE164,
    did: truth.direction !== 'Inbound' || digits(record.did) === digits(truth.did),
    agent: !external || record.agent === truth.agent,
    rung: !external || rung === '' || [...record.agentsRung].sort().join() === rung,
    start: near(record.startedAt, truth.startOffsetMs),
    answered: (record.answeredAt === null) === (truth.answerOffsetMs === null),
    answer:
      truth.answerOffsetMs === null ||
      record.flags.includes('answer-unknown') ||
      near(record.answeredAt ?? 0, truth.answerOffsetMs),
    end: record.flags.includes('end-unknown') || near(record.endedAt, truth.endOffsetMs),
  };
  return Object.keys(checks).filter((name) => checks[name] === false);
}

/** The record of a true call: the one that began nearest to it with the same party. */
export function recordFor(truth: Truth, records: readonly CallRecord[], startedAt: number): CallRecord | undefined {
  const cost = (record: CallRecord) =>
    Math.abs(record.startedAt - startedAt - truth.startOffsetMs) +
    (digits(record.external) === digits(truth.external) ? 0 : 100_000);
  return records.reduce<CallRecord | undefined>((a, b) => (a === undefined || cost(b) < cost(a) ? b : a), undefined);
}
