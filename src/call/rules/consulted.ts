/**
 * Outside parties who are consulted in the middle of a call: a phone talks with them alone, by a feature code of the PBX, while the other
 * outside party waits. The PBX makes their leg part of that one's call; for the people it is a call of its own, as it is when the
 * phone makes it on its second line.
 */
import { toE164 } from '../../telephony/number.ts';
import { talksOf } from '../conversation.ts';
import { type Channel, calledIn, trunksOf } from '../live/state.ts';
import type { CallRecord } from '../record.ts';
import { distinctRecordings } from '../recordings.ts';
import { type Connection, connectionsOf, SEAM_MS } from '../talk.ts';
import { type Case, isPhone, shown } from './case.ts';
import { doubtsOf } from './doubts.ts';
import { companyNumber, externalNumber } from './external-party.ts';
import { splitOff } from './split-off.ts';

/** The calls of those who were consulted in the call of `record`, whose own outside party is `subject`. */
export function consulted(of: Case, record: CallRecord, subject: Channel): CallRecord[] {
  return trunksOf(of.call).flatMap((leg) => {
    if (leg === subject || leg.carriedOver || calledIn(leg) || leg.answeredAt === null) return [];
    const endedAt = leg.clearedAt ?? of.until;
    const connections = connectionsOf(leg, endedAt);
    const [first] = connections;
    const phone = first === undefined || !isConsultation(first, subject) ? undefined : first.others.find(isPhone);
    return first === undefined || phone === undefined
      ? []
      : [recordOf(of, record, { leg, phone, connections, endedAt })];
  });
}

/**
 * Whoever met the other outside party first was called for that one: a mobile of a group, of a follow-me, of a forwarded phone. To two
 * who are connected within one act of the PBX that one comes, too.
 */
function isConsultation({ from, to, others }: Connection, subject: Channel): boolean {
  return others.some(isPhone) && !others.includes(subject) && to - from > SEAM_MS;
}

interface Consultation {
  readonly leg: Channel;
  /** Who asked. */
  readonly phone: Channel;
  readonly connections: readonly Connection[];
  readonly endedAt: number;
}

function recordOf(of: Case, record: CallRecord, { leg, phone, connections, endedAt }: Consultation): CallRecord {
  const talks = talksOf(connections);
  const answeredAt = connections[0]?.from ?? leg.answeredAt ?? endedAt;
  // What the one who began the other call had dialled is not the number of this one.
  const number = externalNumber({ ...of, root: leg }, 'Outbound', leg);
  const { country, format } = leg.party;
  const shownNumber = companyNumber('Outbound', leg, leg, number.value);
  // The PBX may show the number of the other outside party.
  const shownE164 = toE164(shownNumber, country, format);
  const did = shownE164 !== null && shownE164 === record.externalE164 ? leg.party.number : shownNumber;
  const recordings = distinctRecordings(leg.recordings);
  const own = splitOff(of, record, {
    direction: 'Outbound',
    ...{ leg, phone, talks, answeredAt, endedAt, endBetween: leg.endBetween },
    rule: 'consulted',
    fact: `${shown(phone)} talked with ${shown(leg)} alone, in the middle of another call`,
  });
  return {
    ...own,
    external: number.value.number,
    externalE164: number.value.e164,
    did,
    didE164: toE164(did, country, format),
    trunk: leg.facts.endpoint,
    recording: recordings[0] ?? null,
    recordings,
    q850: leg.clearing?.q850 ?? null,
    sip: leg.clearing?.sip ?? null,
    flags: doubtsOf([leg, phone], leg, leg, answeredAt, recordings),
    reasons: { ...own.reasons, external: { ...number, value: number.value.number, rejected: [] } },
  };
}
