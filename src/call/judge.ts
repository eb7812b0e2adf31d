/**
 * Draws the conclusions: from the facts of a call to its record. Nothing is kept between two judgements.
 *
 * A group of joined calls gives one record for each call that has an external party of its own: two customers joined by an
 * agent are two calls. What has none (a consultation, a pickup) is part of the others. A group without any gives one
 * internal record.
 */

import { isNoSuchNumber } from '../telephony/cause.ts';
import { bareNumber, isWithheld, toE164 } from '../telephony/number.ts';
import { holdsWithin, internalTalks, talksOf } from './conversation.ts';
import { lineOf, type Outgoing, outgoingNumber, ownerOf } from './numbering.ts';
import {
  behalfOf,
  calledNumber,
  directionOf,
  externalOf,
  intendedNumber,
  isOriginated,
  type Membership,
  madeBefore,
  membersOf,
  rungOf,
} from './parties.ts';
import type { SourcePlan } from './plan.ts';
import type { CallRecord, CallStatus, Direction, Talk } from './record.ts';
import { type Call, type Channel, componentOf, oldest, trunksOf } from './state.ts';
import { inboundStatus, internalStatus, outboundStatus } from './status.ts';
import { type Connection, connectionsOf, covered } from './talk.ts';

export interface JudgeContext {
  readonly plan: SourcePlan;
  readonly source: string;
  readonly agent: 'first' | 'last' | 'longest';
  /** The end of what is known, ms since the epoch. */
  readonly until: number;
}

/** The records of one call; none when it is part of another. */
export function judge(call: Call, context: JudgeContext): CallRecord[] {
  const group = [...componentOf(call)];
  const external = group.filter((one) => trunksOf(one).length > 0);
  if (trunksOf(call).length === 0) {
    if (external.length > 0) return [];
    const first = group.reduce((a, b) => (age(b) < age(a) ? b : a));
    if (first !== call) return [];
  }
  const folded = group.filter((one) => one !== call && trunksOf(one).length === 0);
  const members = membersOf(call, folded);
  if (members === null) return [];
  const record = recordOf(members, context);
  return [record, ...afterwards(members, record, context)];
}

function age(call: Call): number {
  return oldest(call.channels)?.createdAt ?? Number.POSITIVE_INFINITY;
}

function recordOf(members: Membership, context: JudgeContext): CallRecord {
  const { call, root, channels } = members;
  const { plan } = context;
  const direction = unroutable(members) ? 'Outbound' : directionOf(plan, call, root);
  const external = direction === 'Internal' ? null : externalOf(direction, call, root);
  const subject = external ?? root;
  const endedAt = subject.clearedAt ?? (external === null ? root.clearedAt : null) ?? context.until;
  const connections = connectionsOf(subject, endedAt);
  const talks = direction === 'Internal' ? internalTalks(root, connections) : talksOf(connections, subject);
  const outside = direction === 'Inbound' ? connections.filter((one) => mobileOf(one, subject) !== null) : [];
  const answeredAt = answerOf(direction, subject, talks, outside, connections);
  const status = statusOf(direction, members, external, answeredAt);
  const did = didOf(direction, subject, external);
  const mobile = outside[0] === undefined ? null : mobileOf(outside[0], subject);
  const { number, e164: externalE164 } = numberOf(direction, plan, root, external);
  const first = oldest(call.channels) ?? root;
  const spoken = talks.length > 0 ? talks : outside;
  const rungAt = ringStart(direction, channels, subject);
  const agent =
    agentOf(direction, context.agent, talks, root) ?? (mobile === null ? null : behalfOf(plan, members, mobile, did));
  const rung = rungOf(direction === 'Internal' ? channels : madeBefore(endedAt, channels));
  return {
    callSessionId: `${context.source}-${call.sessionKey}`,
    source: context.source,
    direction,
    status,
    external: number,
    externalE164,
    externalName: direction === 'Inbound' ? subject.facts.caller.name : null,
    withheld: direction === 'Inbound' && (subject.facts.withheld || isWithheld(number)),
    did,
    didE164:
      (direction === 'Inbound' ? lineOf(plan, did, subject.party) : null) ??
      toE164(did, subject.party.country, subject.party.format),
    trunk: external?.facts.endpoint ?? null,
    queue: channels.flatMap((channel) => channel.queues).at(-1) ?? null,
    agent,
    agentsRung: rung,
    responsible: agent ?? rung.at(-1) ?? (direction === 'Inbound' ? ownerOf(plan, did, subject.party) : null),
    agentsTalked: talks,
    startedAt: first.createdAt,
    answeredAt,
    endedAt,
    durationSeconds: answeredAt === null ? 0 : seconds(endedAt - answeredAt),
    talkSeconds: answeredAt === null ? 0 : seconds(covered([...spoken, ...outside])),
    ringSeconds: rungAt === null ? 0 : seconds(Math.max(0, (answeredAt ?? endedAt) - rungAt)),
    holdSeconds: seconds(covered(holdsWithin(channels, talks, endedAt))),
    recording: status === 'Answered' ? recordingOf(channels, subject) : null,
    q850: subject.clearing?.q850 ?? null,
    sip: subject.clearing?.sip ?? null,
    flags: flagsOf(channels, first, subject, answeredAt),
    legs: channels.filter((channel) => channel.party.side !== 'wire').length,
  };
}

/** A phone dialled a number that the PBX has no route for: it was meant for outside and went nowhere. */
function unroutable(members: Membership): boolean {
  const { root, channels } = members;
  const alone = channels.length === 1 && root.answeredAt === null && root.facts.initiator === 'endpoint';
  return alone && root.party.side === 'extension' && isNoSuchNumber(root.clearing);
}

/** The outside phone that answered in place of an extension, `null` when the connection has none or an extension takes part. */
function mobileOf(connection: Connection, subject: Channel): Channel | null {
  if (connection.others.some((other) => other.party.side === 'extension')) return null;
  const dialled = (other: Channel) => other.facts.initiator === 'pbx' && other.call === subject.call;
  return connection.others.find((other) => other.party.side === 'trunk' && dialled(other)) ?? null;
}

function answerOf(
  direction: Direction,
  subject: Channel,
  talks: readonly Talk[],
  outside: readonly Connection[],
  connections: readonly Connection[],
): number | null {
  const firsts = [talks[0]?.from, outside[0]?.from].filter((time) => time !== undefined);
  if (firsts.length === 0) return null;
  const connected = Math.min(...firsts);
  if (direction !== 'Inbound') return connected;
  // The person's own answer, where the PBX took a moment to connect the two.
  const answers = (connections.find((one) => one.from <= connected && one.to > connected)?.others ?? [])
    .filter((other) => other !== subject && other.facts.initiator === 'pbx' && other.answeredAt !== null)
    .map((other) => other.answeredAt ?? connected)
    .filter((at) => at <= connected && connected - at <= 2000);
  return Math.min(connected, ...answers);
}

function statusOf(
  direction: Direction,
  members: Membership,
  external: Channel | null,
  answeredAt: number | null,
): CallStatus {
  if (answeredAt !== null) return 'Answered';
  if (direction === 'Inbound') return inboundStatus(members.root, members.channels);
  if (direction === 'Outbound') return outboundStatus(members.root, external);
  return internalStatus(members.root, members.channels);
}

function agentOf(
  direction: Direction,
  rule: JudgeContext['agent'],
  talks: readonly Talk[],
  root: Channel,
): string | null {
  const placed = root.party.side === 'extension' ? root.party.ext : null;
  if (direction === 'Internal') return placed;
  const length = (talk: Talk) => covered(talks.filter((one) => one.ext === talk.ext));
  const chosen =
    rule === 'first'
      ? talks[0]
      : rule === 'last'
        ? talks.reduce<Talk | undefined>((a, b) => (a !== undefined && a.from > b.from ? a : b), undefined)
        : talks.reduce<Talk | undefined>((a, b) => (a !== undefined && length(a) >= length(b) ? a : b), undefined);
  return chosen?.ext ?? (direction === 'Outbound' ? placed : null);
}

function numberOf(
  direction: Direction,
  plan: SourcePlan,
  root: Channel,
  external: Channel | null,
): Pick<Outgoing, 'number' | 'e164'> {
  const read = (number: string | null, { country, format } = root.party) => ({
    number,
    e164: toE164(number, country, format),
  });
  if (direction === 'Internal') return read(null);
  if (direction === 'Inbound') return read(root.facts.caller.number);
  if (external === null) return read(isOriginated(root) ? intendedNumber(plan, root) : root.facts.dialled);
  const dialled = root !== external && root.facts.initiator === 'endpoint' ? root.facts.dialled : null;
  const found = outgoingNumber(calledNumber(external), dialled, external.party);
  // Of a leg that was there before it was heard of, only the one who dialled tells the number.
  return found.number === null && !external.beginningSeen ? read(root.facts.dialled, external.party) : found;
}

/** Inbound: the number that was called. Outbound: the number shown to the called party. */
function didOf(direction: Direction, subject: Channel, external: Channel | null): string | null {
  if (direction === 'Inbound') return bare(subject.facts.dialled);
  if (direction === 'Internal' || external === null) return null;
  const shown = external.dials.find((dial) => dial.presented !== null)?.presented ?? external.facts.caller.number;
  const { country, format, number } = external.party;
  return shown !== null && toE164(shown, country, format) !== null ? bare(shown) : number;
}

/** A number without the host and parameters of a URI; what is none stays as it is. */
function bare(number: string | null): string | null {
  return number === null ? null : (bareNumber(number) ?? number);
}

function ringStart(direction: Direction, channels: readonly Channel[], subject: Channel): number | null {
  if (direction === 'Outbound') return subject.createdAt;
  const dialled = channels.filter((channel) => channel.facts.initiator === 'pbx' && channel.party.side !== 'wire');
  return dialled.length === 0 ? null : Math.min(...dialled.map((channel) => channel.createdAt));
}

/** A recording of the external party's own channel counts before one of another leg. */
function recordingOf(channels: readonly Channel[], subject: Channel): string | null {
  return subject.recordings[0] ?? channels.flatMap((channel) => channel.recordings)[0] ?? null;
}

function flagsOf(channels: readonly Channel[], first: Channel, subject: Channel, answeredAt: number | null): string[] {
  const flags: string[] = [];
  if (channels.some((channel) => channel.blind)) flags.push('blind-interval');
  if (!first.beginningSeen) flags.push('start-unknown');
  if (answeredAt !== null && channels.some((channel) => !channel.answerSeen)) flags.push('answer-unknown');
  if (!subject.endSeen || subject.clearedAt === null) flags.push('end-unknown');
  return flags;
}

/**
 * Phones that talk with each other only after the external party has gone have an internal call of their own (an operator
 * moved the agent's leg to a colleague).
 */
function afterwards(members: Membership, record: CallRecord, context: JudgeContext): CallRecord[] {
  if (record.direction === 'Internal') return [];
  const phones = members.channels.filter((channel) => channel.party.side === 'extension');
  for (const phone of phones) {
    const later = connectionsOf(phone, context.until).filter((one) => one.from >= record.endedAt);
    const other = later[0]?.others.find((one) => one.party.side === 'extension' && one.createdAt >= record.endedAt);
    if (later[0] === undefined || other === undefined) continue;
    const talks = internalTalks(phone, later);
    const endedAt = phone.clearedAt ?? context.until;
    const answeredAt = later[0].from;
    return [
      {
        ...record,
        callSessionId: `${context.source}-${other.id}`,
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
        agent: phone.party.ext,
        responsible: phone.party.ext,
        agentsRung: other.party.ext === null ? [] : [other.party.ext],
        agentsTalked: talks,
        startedAt: other.createdAt,
        answeredAt,
        endedAt,
        durationSeconds: seconds(endedAt - answeredAt),
        talkSeconds: seconds(covered(talks)),
        ringSeconds: seconds(Math.max(0, answeredAt - other.createdAt)),
        holdSeconds: 0,
        recording: null,
        legs: 2,
      },
    ];
  }
  return [];
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
