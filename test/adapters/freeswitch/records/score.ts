/** How much of a call FreeSWITCH's records alone tell, field by field, over the recordings. */
import { callsOfCdr } from '../../../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import type { Scenario, Truth } from '../../../support/recordings.ts';

export const FIELDS = [
  'direction',
  'status',
  'external',
  'did',
  'agent',
  'rung',
  'start',
  'answer',
  'end',
  'recording',
] as const;

export type Field = (typeof FIELDS)[number];

export interface Score {
  /** Calls that the telephones saw. */
  calls: number;
  /** Calls of which every field is right. */
  right: number;
  missing: number;
  /** Calls that nobody made; internal ones are not counted. */
  extra: number;
  /** Calls in which the field is right. */
  readonly fields: Record<Field, number>;
  /** One line for each scenario that is not right. */
  readonly problems: string[];
}

export function emptyScore(): Score {
  const fields = Object.fromEntries(FIELDS.map((field) => [field, 0])) as Record<Field, number>;
  return { calls: 0, right: 0, missing: 0, extra: 0, fields, problems: [] };
}

const lastDigits = (number: string | null | undefined) => (number ?? '').replace(/\D/g, '').slice(-10);
const baseName = (path: string | null | undefined) => (path ?? '').split('/').at(-1);

/** What truth.json says and the recording contradicts. */
const DISPUTED: Readonly<Record<string, readonly Field[]>> = {
  // All eight calls are said to have the recording of the first.
  cdr_csv_proposed_template: ['recording'],
  // It begins at the phone's first INVITE, which the PBX challenged; the phone came back 1.15 s later.
  out_cancelled: ['start'],
};

/** FreeSWITCH died, and wrote no record of the calls it had. */
export const UNRECORDED = /crash|shutdown_now/;

function wrongFields(truth: Truth, record: CallRecord, scenario: Scenario): Field[] {
  const near = (time: number | null, offset: number | null) =>
    offset === null ? time === null : time !== null && Math.abs(time - scenario.startedAt - offset) <= 1000;
  const external = truth.direction !== 'Internal';
  const rung = [...(truth.agentsRung ?? [])].sort().join();
  const checks: Readonly<Record<Field, boolean>> = {
    direction: record.direction === truth.direction,
    status: record.status === truth.status,
    external: !external || record.externalE164 === truth.externalE164,
    did: truth.direction !== 'Inbound' || lastDigits(record.did) === lastDigits(truth.did),
    agent: !external || record.agent === truth.agent,
    rung: !external || rung === '' || [...record.agentsRung].sort().join() === rung,
    start: near(record.startedAt, truth.startOffsetMs),
    answer: near(record.answeredAt, truth.answerOffsetMs),
    end: near(record.endedAt, truth.endOffsetMs),
    recording: !truth.recording || baseName(record.recording) === baseName(truth.recording),
  };
  return FIELDS.filter((field) => !checks[field] && !DISPUTED[scenario.name]?.includes(field));
}

function distance(truth: Truth, record: CallRecord, startedAt: number): number {
  let cost = Math.abs(record.startedAt - startedAt - truth.startOffsetMs) / 1000;
  if (record.direction !== truth.direction) cost += 50;
  if (lastDigits(record.external) !== lastDigits(truth.external)) cost += 100;
  return record.agent === truth.agent ? cost : cost + 5;
}

/** Adds what the events of a recording's records tell to the score. */
export function scoreEvents(score: Score, scenario: Scenario, events: readonly CallEvent[]): void {
  const left = callsOfCdr(events, scenario.pbx, scenario.plan, DEFAULT_RULES).map(({ record }) => record);
  const problems: string[] = [];
  for (const truth of scenario.truth) {
    score.calls += 1;
    left.sort((a, b) => distance(truth, a, scenario.startedAt) - distance(truth, b, scenario.startedAt));
    const record = left[0];
    if (record === undefined || distance(truth, record, scenario.startedAt) > 120) {
      score.missing += 1;
      problems.push(`missing ${truth.direction} ${truth.status}`);
      continue;
    }
    left.shift();
    const wrong = wrongFields(truth, record, scenario);
    for (const field of FIELDS) if (!wrong.includes(field)) score.fields[field] += 1;
    if (wrong.length === 0) score.right += 1;
    else problems.push(`${truth.direction} ${truth.status} (${record.direction} ${record.status}): ${wrong.join(' ')}`);
  }
  const extra = left.filter((record) => record.direction !== 'Internal');
  score.extra += extra.length;
  problems.push(...extra.map((record) => `extra ${record.direction} ${record.status}`));
  if (problems.length > 0) score.problems.push(`${scenario.name}: ${problems.join('; ')}`);
}

/** The score as a line of a table. */
export function lineOf(name: string, score: Score): string {
  const fields = FIELDS.map((field) => `${field} ${score.fields[field]}`).join(', ');
  return `${name}: ${score.right} of ${score.calls} calls right, ${score.missing} missing, ${score.extra} extra; ${fields}`;
}
