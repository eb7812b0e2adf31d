/**
 * Phones that talk with each other only after the external party has gone have an internal call of their own (an operator moved
 * the agent's leg to a colleague).
 */
import { internalTalks } from '../conversation.ts';
import type { CallRecord } from '../record.ts';
import { UNNAMED } from '../recordings.ts';
import { connectionsSince, covered } from '../talk.ts';
import { type Case, isPhone } from './case.ts';

/** The internal call that followed the one of `record`, if there was one. */
export function leftBehind(of: Case, record: CallRecord): CallRecord[] {
  if (record.direction === 'Internal') return [];
  for (const phone of of.channels.filter(isPhone)) {
    if (phone.clearedAt !== null && phone.clearedAt <= record.endedAt) continue;
    const later = connectionsSince(phone, record.endedAt, of.until);
    const other = later[0]?.others.find((one) => isPhone(one) && one.createdAt >= record.endedAt);
    if (later[0] === undefined || other === undefined) continue;
    const talks = internalTalks(phone, later);
    const endedAt = phone.clearedAt ?? of.until;
    const answeredAt = later[0].from;
    const fact = `${phone.party.ext} and ${other.party.ext} talked after the outside party had gone`;
    const reason = (value: string | null) => ({ value, rule: 'left-behind', fact, rejected: [] });
    return [
      {
        ...record,
        callSessionId: `${of.source}-${other.id}`,
        direction: 'Internal',
        status: 'Answered',
        external: null,
        externalE164: null,
        externalName: null,
        withheld: false,
        did: null,
        didE164: null,
        trunk: null,
        queue: null,
        ringGroup: null,
        agent: phone.party.ext,
        agentDomain: phone.party.domain,
        responsible: phone.party.ext,
        agentsRung: other.party.ext === null ? [] : [other.party.ext],
        agentsTalked: talks,
        startedAt: other.createdAt,
        answeredAt,
        endedAt,
        endBetween: phone.endBetween,
        durationSeconds: seconds(endedAt - answeredAt),
        talkSeconds: seconds(covered(talks)),
        ringSeconds: seconds(Math.max(0, answeredAt - other.createdAt)),
        holdSeconds: 0,
        recording: null,
        recordings: [],
        flags: record.flags.filter((flag) => flag !== UNNAMED),
        legs: 2,
        reasons: {
          direction: reason('Internal'),
          external: reason(null),
          agent: reason(phone.party.ext),
          status: reason('Answered'),
        },
      },
    ];
  }
  return [];
}

/** Whole seconds of a span in ms, rounded. */
export function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
