/** When a call began, was answered and ended, how long was talked, and which other times were not taken. */
import type { Evidence } from '../evidence.ts';
import { type Beginning, calledIn } from '../live/state.ts';
import { type Case, isPhone, type Judged, shown } from '../rules/case.ts';
import { SEAM_MS } from '../talk.ts';
import type { Topic, Value } from './account.ts';

const BEGINNINGS: Readonly<Record<Beginning, string>> = {
  seen: 'its beginning was heard',
  recalled: 'the PBX told its beginning at its end',
  told: 'the PBX told its beginning when it was asked for the live channels',
  listed: 'its beginning is an estimate from a list of live channels',
  unknown: 'nothing tells its beginning; it was found going on then',
};

export function timesOf(of: Case, judged: Judged): Topic[] {
  return [began(judged), answered(of, judged), ended(of, judged), talk(judged)];
}

function began({ record, first }: Judged): Topic {
  const fact = `${shown(first)} was the first leg: ${BEGINNINGS[first.beginning]}`;
  return { topic: 'began', value: record.startedAt, rule: 'first-leg', fact, notes: [], seen: null, rejected: [] };
}

/** Answers of the PBX itself and of legs that were not connected with the external party are what people take for the answer. */
function answered({ channels }: Case, { record, subject }: Judged): Topic {
  const { answeredAt } = record;
  const rejected = channels.flatMap((channel): Evidence<Value>[] => {
    const at = channel.answeredAt;
    if (at === null || channel.party.side === 'wire') return [];
    if (answeredAt !== null && (Math.abs(at - answeredAt) <= SEAM_MS || (calledIn(channel) && at > answeredAt)))
      return [];
    if (calledIn(channel)) {
      const queue = channel.queues.find(({ from }) => from >= at);
      const whom = queue === undefined ? 'a menu, a queue, an announcement or for the agent' : `queue ${queue.queue}`;
      return [{ value: at, rule: 'answer-of-the-pbx', fact: `the PBX itself answered ${shown(channel)} (${whom})` }];
    }
    const who = isPhone(channel) ? `the phone of ${channel.party.ext}` : shown(channel);
    const late = answeredAt !== null && at > answeredAt;
    const fact = `${who} answered, ${late ? 'when somebody else had been connected before' : 'and was not connected at that moment'}`;
    return [{ value: at, rule: channel === subject ? 'outside-leg' : 'other-leg', fact }];
  });
  const fact =
    answeredAt === null
      ? 'no person was connected with the other party'
      : 'the first moment at which a person was connected with the other party';
  const notes = record.flags.includes('answer-unknown')
    ? ['The moment was not heard: it is an estimate from a list of live channels.']
    : [];
  return { topic: 'answered', value: answeredAt, rule: 'person-connected', fact, notes, seen: null, rejected };
}

function ended({ channels }: Case, { record, subject }: Judged): Topic {
  const { endedAt, q850, sip } = record;
  const cause = [q850 === null ? '' : `, Q.850 ${q850}`, sip === null ? '' : `, SIP ${sip}`].join('');
  const heard = subject.clearedAt === endedAt && subject.endBetween === null;
  // Who refuses a call asks for the end of his leg, too.
  const hungUp = channels.filter(
    (one) => one.hangupRequestedAt !== null && (calledIn(one) || one.answeredAt !== null) && one.party.side !== 'wire',
  );
  const first = hungUp.toSorted((a, b) => (a.hangupRequestedAt ?? 0) - (b.hangupRequestedAt ?? 0))[0];
  const rejected = channels
    .filter((one) => one !== subject && one.party.side !== 'wire' && one.clearedAt !== null && one.clearedAt > endedAt)
    .map((one) => ({ value: one.clearedAt, rule: 'other-leg', fact: `${shown(one)} went on until then` }));
  return {
    topic: 'ended',
    value: endedAt,
    rule: heard ? 'outside-leg-cleared' : 'end-not-heard',
    fact: heard ? `${shown(subject)} was cleared${cause}` : `${shown(subject)} is known to have lived last then`,
    notes: first === undefined ? [] : [`${shown(first)} hung up first.`],
    seen: null,
    rejected,
  };
}

function talk({ record }: Judged): Topic {
  const { talkSeconds, durationSeconds, agentsTalked, holdSeconds } = record;
  const stretches = agentsTalked.length;
  const times = stretches === 1 ? 'one stretch' : `${stretches} stretches`;
  const held = holdSeconds === 0 ? '' : `, ${holdSeconds} s of it on hold`;
  const fact =
    record.answeredAt === null
      ? 'nobody was connected'
      : `${stretches === 0 ? 'with an outside telephone' : `${times} with ${[...new Set(agentsTalked.map(({ ext }) => ext))].join(', ')}`}${held}`;
  const rejected =
    record.answeredAt === null || talkSeconds === durationSeconds
      ? []
      : [{ value: `${durationSeconds} s`, rule: 'connected', fact: 'from the answer to the end' }];
  return {
    topic: 'talk',
    value: `${talkSeconds} s`,
    rule: 'connected-with-a-person',
    fact,
    notes: [],
    seen: null,
    rejected,
  };
}
