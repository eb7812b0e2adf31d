/**
 * Phones that talk with each other only after the external party has gone have an internal call of their own (an operator moved
 * the agent's leg to a colleague).
 */
import { internalTalks } from '../conversation.ts';
import type { CallRecord } from '../record.ts';
import { UNNAMED } from '../recordings.ts';
import { connectionsSince } from '../talk.ts';
import { type Case, isPhone } from './case.ts';
import { splitOff } from './split-off.ts';

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
    return [
      {
        ...splitOff(of, record, {
          direction: 'Internal',
          ...{ leg: other, phone, talks, answeredAt, endedAt, endBetween: phone.endBetween },
          rule: 'left-behind',
          fact: `${phone.party.ext} and ${other.party.ext} talked after the outside party had gone`,
        }),
        agentsRung: other.party.ext === null ? [] : [other.party.ext],
        flags: record.flags.filter((flag) => flag !== UNNAMED),
      },
    ];
  }
  return [];
}
