/**
 * Draws the conclusions: from the facts of a call to its record. Nothing is kept between two judgements. Each rule of telephony has
 * a file of its own in `rules/`; this one asks them in order.
 *
 * A group of joined calls gives one record for each call that has an external party of its own: two customers joined by an
 * agent are two calls. What has none (a consultation, a pickup) is part of the others. A group without any gives one
 * internal record.
 */
import { isWithheld, toE164 } from '../telephony/number.ts';
import { holdsWithin, internalTalks, talksOf } from './conversation.ts';
import type { Conclusion } from './evidence.ts';
import { nearestToCaller, talksUnheard } from './known/caller-unheard.ts';
import { newIn, sessionKeyOf } from './live/sequel.ts';
import { type Call, type Channel, componentOf, hasTrunk, oldest } from './live/state.ts';
import { lineOf } from './numbering.ts';
import type { CallRecord, Reason } from './record.ts';
import { distinctRecordings } from './recordings.ts';
import { agentOf, missedBy } from './rules/agent.ts';
import { answerOf } from './rules/answer.ts';
import { type Case, caseOf, type JudgeContext } from './rules/case.ts';
import { outsideAgent } from './rules/click-to-call.ts';
import { consulted } from './rules/consulted.ts';
import { directionOf } from './rules/direction.ts';
import { doubtsOf } from './rules/doubts.ts';
import { companyNumber, type ExternalNumber, externalNumber, externalOf } from './rules/external-party.ts';
import { mobileOf } from './rules/forwarded.ts';
import { leftBehind } from './rules/left-behind.ts';
import { ringGroupOf } from './rules/ring-group.ts';
import { madeBefore, madeSince, ringingSince, rungOf } from './rules/ringing.ts';
import { seconds } from './rules/split-off.ts';
import { statusOf } from './rules/status.ts';
import { type Connection, connectionsOf, covered } from './talk.ts';

/**
 * The records of one call: its own first, then those of outside parties who were consulted and of phones that talked on. None when it
 * is part of another call of its group, or when all of it has been reported.
 */
export function judge(call: Call, context: JudgeContext): CallRecord[] {
  const group = [...componentOf(call)];
  if (!hasTrunk(call)) {
    if (group.some(hasTrunk)) return [];
    const first = group.reduce((a, b) => (isOlder(b, a) ? b : a));
    if (first !== call) return [];
  }
  const folded = group.filter((one) => one !== call && !hasTrunk(one));
  const one = caseOf(call, folded, context);
  if (one === null || newIn(call).length === 0) return [];
  const { record, subject } = recordOf(one);
  return [record, ...consulted(one, record, subject), ...leftBehind(one, record)];
}

function isOlder(a: Call, b: Call): boolean {
  const [mine, other] = [oldest(a.channels), oldest(b.channels)];
  if (mine === undefined || other === undefined) return mine !== undefined;
  return oldest([mine, other]) === mine;
}

function recordOf(of: Case): { record: CallRecord; subject: Channel } {
  const { call, root, channels } = of;
  const concluded = directionOf(of);
  const direction = concluded.value;
  const external = externalOf(of, direction);
  const unheard = direction === 'Inbound' && external === null ? of.unheard : null;
  const subject = external ?? (unheard === null ? undefined : nearestToCaller(channels)) ?? root;
  const endedAt = subject.clearedAt ?? (external === null ? root.clearedAt : null) ?? of.until;
  const connections = connectionsOf(subject, endedAt);
  const heard = direction === 'Internal' ? internalTalks(root, connections) : talksOf(connections);
  const talks = unheard === null ? heard : talksUnheard(channels, of.until);
  const outside = withOutside(of, direction, subject, connections);
  const taken = unheard?.takenAt ?? null;
  const answeredAt =
    unheard === null ? answerOf(direction, subject, talks, outside, connections) : (talks[0]?.from ?? taken);
  const status = statusOf(direction, { of, external, answeredAt });
  const mobile = outside[0] !== undefined && rungForOutside(of, direction) ? mobileOf(outside[0], subject) : null;
  const number = externalNumber(of, direction, external);
  const did = companyNumber(direction, subject, external, number.value);
  const agent = agentOf({ of, direction, talks, mobile, did });
  const made = direction === 'Internal' ? channels : madeSince(subject, call, channels);
  const met = metBy(subject, connections);
  const queue = queueOf(channels, subject.createdAt, endedAt);
  const rung = rungOf(direction === 'Internal' ? made : madeBefore(endedAt, withNew(channels, made, met)));
  // Whoever was rung beside an agent who took the call outside has nothing to do with it.
  const takenOutside = outsideAgent(of) !== null || (of.originated !== null && answeredAt !== null);
  const untaken = { of, direction, rung: takenOutside ? [] : rung, did, queue };
  const responsible = taken !== null ? null : (agent.value ?? missedBy(untaken));
  const recordings = status.value === 'Answered' ? recordingsOf(channels, subject) : [];
  const first = oldest(newIn(call)) ?? root;
  const rungAt = direction === 'Outbound' ? subject.createdAt : ringingSince(made);
  const { country, format } = subject.party;
  const inbound = direction === 'Inbound';
  const didE164 = (inbound ? lineOf(of.plan, did, subject.party) : null) ?? toE164(did, country, format);
  const untilUnknown = taken === null ? null : { from: taken, to: null };
  const endBetween = subject.endBetween ?? (external === null ? root.endBetween : null) ?? untilUnknown;
  const record: CallRecord = {
    callSessionId: `${of.source}-${sessionKeyOf(call)}`,
    source: of.source,
    direction,
    status: status.value,
    external: number.value.number,
    externalE164: number.value.e164,
    externalName: inbound ? subject.facts.caller.name : null,
    withheld: inbound && (subject.facts.withheld || isWithheld(number.value.number)),
    did,
    didE164,
    trunk: external?.facts.endpoint ?? null,
    queue,
    ringGroup: ringGroupOf({ ...of, channels: made }),
    agent: agent.value,
    agentDomain: domainOf(of, responsible, didE164),
    agentsRung: rung,
    responsible,
    agentsTalked: talks,
    startedAt: first.createdAt,
    answeredAt,
    endedAt,
    endBetween,
    durationSeconds: answeredAt === null ? 0 : seconds(endedAt - answeredAt),
    talkSeconds: answeredAt === null ? 0 : seconds(covered([...talks, ...outside])),
    ringSeconds: rungAt === null ? 0 : seconds(Math.max(0, (answeredAt ?? endedAt) - rungAt)),
    holdSeconds: seconds(covered(holdsWithin(met, talks, endedAt))),
    recording: recordings[0] ?? null,
    recordings,
    q850: subject.clearing?.q850 ?? null,
    sip: subject.clearing?.sip ?? null,
    flags: doubtsOf(
      channels,
      first,
      { createdAt: subject.createdAt, clearedAt: subject.clearedAt, endBetween },
      answeredAt,
      recordings,
    ),
    legs: channels.filter((channel) => channel.party.side !== 'wire').length,
    reasons: { direction: concluded, external: textual(number), agent, status },
  };
  of.onJudged?.(of, { record, external, subject, first });
  return { record, subject };
}

/** The conclusion about a number, with the number as it was seen. */
function textual({ value, rejected, ...why }: Conclusion<ExternalNumber>): Reason {
  const others = rejected.map((one) => ({ ...one, value: one.value.number }));
  return { ...why, value: value.number, rejected: others.filter((one) => one.value !== value.number) };
}

/** Connections with an outside telephone in place of a phone: a mobile the call was forwarded to, an agent who was rung there. */
function withOutside(
  of: Case,
  direction: CallRecord['direction'],
  subject: Channel,
  connections: readonly Connection[],
): Connection[] {
  const agent = outsideAgent(of);
  if (agent !== null && agent !== subject) return connections.filter((one) => one.others.includes(agent));
  const mobiles = direction === 'Internal' || rungForOutside(of, direction);
  return mobiles ? connections.filter((one) => mobileOf(one, subject) !== null) : [];
}

/** True where whoever is rung is rung for an outside party: one that called in, or a customer whom the PBX called first. */
function rungForOutside({ originated }: Case, direction: CallRecord['direction']): boolean {
  return direction === 'Inbound' || (direction === 'Outbound' && originated?.agentFirst === false);
}

/** The queue in which the call waited last while the subject was there: between two times, ms since the epoch. */
function queueOf(channels: readonly Channel[], from: number, to: number): string | null {
  const stays = (channel: Channel) =>
    channel.queues.filter((stay) => stay.from <= to && (stay.to ?? Number.POSITIVE_INFINITY) >= from);
  return (
    channels
      .map(stays)
      .findLast((own) => own.length > 0)
      ?.at(-1)?.queue ?? null
  );
}

/** With those who were rung before the subject came, were connected with it, and are in no call that has been reported. */
function withNew(channels: readonly Channel[], made: readonly Channel[], met: readonly Channel[]): Channel[] {
  return channels.filter((one) => made.includes(one) || (met.includes(one) && !one.carriedOver));
}

/** The subject, and whom it was connected with: only they put it on hold. */
function metBy(subject: Channel, connections: readonly Connection[]): Channel[] {
  return [...new Set([subject, ...connections.flatMap(({ others }) => others)])];
}

/** Recordings of the external party's own channel come before those of another leg; each channel's in order of time. */
function recordingsOf(channels: readonly Channel[], subject: Channel): string[] {
  return distinctRecordings([subject, ...channels].flatMap((channel) => channel.recordings));
}

/** The domain of the phone that took the call or missed it, else of the line that was called. */
function domainOf({ plan, channels }: Case, ext: string | null, line: string | null): string | null {
  if (ext === null) return null;
  const own = channels.filter((channel) => channel.party.ext === ext && channel.party.domain !== null);
  const phone = own.find((channel) => channel.answeredAt !== null) ?? own[0];
  if (phone !== undefined) return phone.party.domain;
  return line !== null && plan.owners.get(line) === ext ? (plan.domains?.get(line) ?? null) : null;
}
