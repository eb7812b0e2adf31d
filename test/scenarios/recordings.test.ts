/** Every recording of a real PBX gives the calls that the telephones saw. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import { callsOf, type Scenario, scenarios, type Truth } from '../support/recordings.ts';

/** Recorded calls of which the events hold no trace: only the PBX's CDR knows them. */
const INVISIBLE: Readonly<Record<string, readonly number[]>> = {
  // Call C begins and ends while the client is away.
  'asterisk-16/ami_reconnect': [2],
  'asterisk-22/ami_reconnect': [2],
  'freeswitch-1.11/esl_reconnect_midcall': [2],
  // The PBX refuses the INVITE before a channel exists.
  'asterisk-22/outbound_bad_number': [0],
};

/** What truth.json says and the recording contradicts. */
const DISPUTED: Readonly<Record<string, readonly string[]>> = {
  // All eight calls are said to have the recording of the first.
  'freeswitch-1.11/cdr_csv_proposed_template': ['recording'],
  // It begins at the phone's first INVITE, which the PBX challenged; the phone came back 1.15 s later.
  'freeswitch-1.11/out_cancelled': ['start'],
};

/** What no event of a set tells: FreePBX as it is installed names its recordings in the call records only. */
const NOT_TOLD: Readonly<Record<string, readonly string[]>> = { 'freepbx-17': ['recording', 'recordings'] };

/** The PBX or the link died: when the call ended, nobody can know, and the record says so. */
const GAP = /crash|reconnect|shutdown|restart|stop/;

const lastDigits = (number: string | null | undefined) => (number ?? '').replace(/\D/g, '').slice(-10);
const baseName = (path: string | null | undefined) => (path ?? '').split('/').at(-1);

function distance(truth: Truth, record: CallRecord, startedAt: number): number {
  let cost = Math.abs(record.startedAt - startedAt - truth.startOffsetMs) / 1000;
  if (record.direction !== truth.direction) cost += 50;
  if (lastDigits(record.external) !== lastDigits(truth.external)) cost += 100;
  return record.agent === truth.agent ? cost : cost + 5;
}

/** Names of the fields in which the record differs from what the telephones saw. */
function differences(truth: Truth, record: CallRecord, scenario: Scenario): string[] {
  const near = (time: number | null, offset: number | null) =>
    offset === null ? time === null : time !== null && Math.abs(time - scenario.startedAt - offset) <= 1000;
  const unknown = GAP.test(scenario.name) && record.flags.length > 0;
  const external = truth.direction !== 'Internal';
  const rung = [...(truth.agentsRung ?? [])].sort().join();
  const checks: Readonly<Record<string, boolean>> = {
    direction: record.direction === truth.direction,
    status: record.status === truth.status,
    externalE164: !external || record.externalE164 === truth.externalE164,
    did: truth.direction !== 'Inbound' || lastDigits(record.did) === lastDigits(truth.did),
    agent: !external || record.agent === truth.agent,
    rung: !external || rung === '' || [...record.agentsRung].sort().join() === rung,
    start: near(record.startedAt, truth.startOffsetMs),
    answer: unknown || near(record.answeredAt, truth.answerOffsetMs),
    end: unknown || near(record.endedAt, truth.endOffsetMs),
    recording: !truth.recording || baseName(record.recording) === baseName(truth.recording),
    recordings: truth.recordings === undefined || record.recordings.map(baseName).join() === truth.recordings.join(),
  };
  return Object.keys(checks).filter((name) => checks[name] === false);
}

function compare(scenario: Scenario, records: readonly CallRecord[]): string[] {
  const key = `${scenario.set}/${scenario.name}`;
  const left = [...records];
  const problems: string[] = [];
  for (const [index, truth] of scenario.truth.entries()) {
    if (INVISIBLE[key]?.includes(index)) continue;
    left.sort((a, b) => distance(truth, a, scenario.startedAt) - distance(truth, b, scenario.startedAt));
    const record = left.shift();
    if (record === undefined) {
      problems.push(`call ${index} is missing`);
      continue;
    }
    const excused = [...(DISPUTED[key] ?? []), ...(NOT_TOLD[scenario.set] ?? [])];
    const wrong = differences(truth, record, scenario).filter((field) => !excused.includes(field));
    if (wrong.length > 0) problems.push(`call ${index}: ${wrong.join(', ')}`);
  }
  const extra = left.filter((record) => record.direction !== 'Internal');
  return [...problems, ...extra.map((record) => `extra ${record.direction} ${record.status}`)];
}

for (const scenario of scenarios()) {
  // What the load recordings hold is counted below; esl_protocol and idle have no calls.
  if (/storm|burst|thirty/.test(scenario.name) || scenario.truth.length === 0) continue;
  const streams = ['events.jsonl.gz', 'events-filtered.jsonl.gz', 'events-plain.jsonl.gz'];
  t.test(`${scenario.set}/${scenario.name}`, async (t) => {
    for (const stream of streams) {
      // The filtered client never asked for the live channels after its reconnect.
      if (stream === 'events-filtered.jsonl.gz' && scenario.name === 'ami_reconnect') continue;
      const records = await callsOf(scenario, stream);
      if (records === null) continue;
      t.strictSame(compare(scenario, records), [], stream);
      t.equal(new Set(records.map((record) => record.callSessionId)).size, records.length, 'every call has its own id');
    }
  });
}

const tally = (calls: readonly { direction: string; status: string }[]) => {
  const counts: Record<string, number> = {};
  for (const { direction, status } of calls)
    counts[`${direction} ${status}`] = (counts[`${direction} ${status}`] ?? 0) + 1;
  return counts;
};

for (const scenario of scenarios().filter(({ name }) => /storm|burst|thirty/.test(name))) {
  t.test(`${scenario.set}/${scenario.name}: every call once, under load`, async (t) => {
    const records = (await callsOf(scenario)) ?? (await callsOf(scenario, 'events-filtered.jsonl.gz')) ?? [];
    t.equal(records.length, scenario.truth.length);
    t.equal(new Set(records.map((record) => record.callSessionId)).size, records.length);
    t.strictSame(tally(records), tally(scenario.truth));
  });
}
