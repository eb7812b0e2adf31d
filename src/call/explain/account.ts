/**
 * The account of a call: for each thing that its record says, the value, the rule and the fact that decided, and what was thought of and
 * rejected. Drawn from the facts at the moment of the judgement, as nothing of it is kept.
 */
import type { Evidence } from '../evidence.ts';
import type { CallRecord } from '../record.ts';
import { whoMissed } from '../rules/agent.ts';
import type { Case, Judged } from '../rules/case.ts';
import { type LegAccount, legsOf } from './legs.ts';
import { calledNumber, outsideNumber } from './numbers.ts';
import { timesOf } from './times.ts';

/** What a topic is about. */
export type TopicName =
  | 'direction'
  | 'outside number'
  | 'company number'
  | 'agent'
  | 'whose call'
  | 'status'
  | 'began'
  | 'answered'
  | 'ended'
  | 'talk';

/** A value is a text, a time (ms since the epoch, UTC, by the clock of the PBX), or nothing. */
export type Value = string | number | null;

export interface Seen {
  readonly number: string;
  /** Its form without the number: `00xxxxxxxxxxxx`. */
  readonly shape: string;
  readonly on: string;
}

/** One thing that the record says, and why. Texts may hold telephone numbers. */
export interface Topic extends Evidence<Value> {
  readonly topic: TopicName;
  /** More that led to it, a sentence each. */
  readonly notes: readonly string[];
  /** The number as the PBX showed it, on which endpoint; `null` for other topics, and where there was none. */
  readonly seen: Seen | null;
  /** What lost, with what spoke for it. */
  readonly rejected: readonly Evidence<Value>[];
}

/** One call, explained. */
export interface Account {
  readonly record: CallRecord;
  readonly topics: readonly Topic[];
  readonly legs: readonly LegAccount[];
}

/** The account of one judgement, to be drawn while the facts are still there. */
export function accountOf(of: Case, judged: Judged): Account {
  const { record } = judged;
  return {
    record,
    topics: [
      ...conclusions(record),
      outsideNumber(of, judged),
      ...calledNumber(of, judged),
      agentTopic(of, record),
      ...whoseTopic(of, record),
      ...timesOf(of, judged),
    ].sort((a, b) => ORDER.indexOf(a.topic) - ORDER.indexOf(b.topic)),
    legs: legsOf(of),
  };
}

/** The order in which they are told. */
const ORDER: readonly TopicName[] = [
  ...(['direction', 'outside number', 'company number', 'agent', 'whose call', 'status'] as const),
  ...(['began', 'answered', 'ended', 'talk'] as const),
];

/** What a record says of itself, where nothing else is left of the call; none for records that kept no reasons. */
export function accountOfRecord(record: CallRecord): Account {
  const { reasons } = record;
  const topic = (name: TopicName, from: Evidence<string | null> & { rejected: Topic['rejected'] }): Topic => ({
    ...from,
    topic: name,
    notes: [],
    seen: null,
  });
  const topics =
    reasons === null
      ? []
      : [
          topic('direction', reasons.direction),
          topic('outside number', reasons.external),
          topic('agent', reasons.agent),
          topic('status', reasons.status),
        ];
  return { record, topics, legs: [] };
}

function conclusions({ reasons }: CallRecord): Topic[] {
  if (reasons === null) return [];
  const { direction, status } = reasons;
  return [
    { ...direction, topic: 'direction', notes: [], seen: null },
    { ...status, topic: 'status', notes: [], seen: null },
  ];
}

/** The agent, and everybody else who talked or rang. */
function agentTopic(of: Case, record: CallRecord): Topic {
  const { agent, agentsTalked, agentsRung, reasons } = record;
  const talked = new Set(agentsTalked.map(({ ext }) => ext));
  const others: Evidence<Value>[] = [...talked]
    .filter((ext) => ext !== agent)
    .map((ext) => {
      const stretches = agentsTalked.filter((one) => one.ext === ext);
      const seconds = Math.round(stretches.reduce((sum, { from, to }) => sum + to - from, 0) / 1000);
      return { value: ext, rule: 'talked-too', fact: `talked for ${seconds} s` };
    });
  const silent: Evidence<Value>[] = agentsRung
    .filter((ext) => ext !== agent && !talked.has(ext))
    .map((ext) => ({ value: ext, rule: 'only-rang', fact: `its phone rang: ${outcomeAt(of, ext)}` }));
  const decided = reasons?.agent ?? { value: agent, rule: 'none', fact: 'nothing is known', rejected: [] };
  const known = new Set([...others, ...silent].map(({ value }) => value));
  return {
    ...decided,
    topic: 'agent',
    notes: [],
    seen: null,
    rejected: [...others, ...silent, ...decided.rejected.filter(({ value }) => !known.has(value))],
  };
}

/** How the last call to a phone of this extension went, in the words of the dial. */
function outcomeAt({ channels }: Case, ext: string): string {
  const legs = channels.filter(({ party }) => party.ext === ext);
  const last = legs.flatMap(({ dials }) => dials).at(-1);
  if (last?.forwardedTo != null) return 'it sent the call on';
  return last?.result ?? 'no answer was heard of';
}

/** Whose call it is, where nobody took it. */
function whoseTopic(of: Case, record: CallRecord): Topic[] {
  const { agent, direction, did, queue, agentsRung } = record;
  if (agent !== null || direction === 'Outbound') return [];
  const found = whoMissed({ of, direction, rung: agentsRung, did, queue });
  return [{ ...found, topic: 'whose call', notes: [], seen: null }];
}
