/**
 * Calls that the PBX was asked to make (AMI Originate, ESL originate): it calls one side, and connects it with the other then. Whose the
 * sides are nothing tells outright, since either may be rung first, at desk phones as well as on telephones outside. On which side a leg
 * is follows from who dialled it, and stays known when the wire (Local, loopback) that the PBX was asked to call has been optimised away.
 */

import type { ChannelId } from '../../telephony/call-event.ts';
import { isExtensionLike } from '../../telephony/digits.ts';
import { toE164 } from '../../telephony/number.ts';
import { type Channel, calledIn, oldest, rootOf } from '../live/state.ts';
import { isOwnNumber, isSameNumber, mobileOwner } from '../numbering.ts';
import type { SourcePlan } from '../plan.ts';
import { dialledUnseen } from './caller-unheard.ts';
import { numberCalled } from './routing.ts';

export interface Originated {
  /** The extension that the PBX was asked to connect with who is called first, `null` when it did not say. */
  readonly wanted: string | null;
  /** Legs of the side that was called first, and of the other one; wires left out. */
  readonly first: readonly Channel[];
  readonly other: readonly Channel[];
  /** True where the side that was called first is the agent's. */
  readonly agentFirst: boolean;
}

/** What a call consists of. */
interface Parts {
  readonly root: Channel;
  readonly channels: readonly Channel[];
  readonly byId: ReadonlyMap<ChannelId, Channel>;
}

/** The sides of a call that the PBX was asked to make; `null` for one that somebody dialled. */
export function originatedBy(plan: SourcePlan, parts: Parts): Originated | null {
  const { root, channels } = parts;
  if (calledIn(root) || rootOf(root.call) !== root || dialledUnseen(root)) return null;
  // Records tell of whoever dialled as of one who came later, where their times are not exact.
  if (pathOf(parts, root).some((one) => one.party.side !== 'wire' && calledIn(one))) return null;
  const origin = originOf(parts);
  const first: Channel[] = [];
  const other: Channel[] = [];
  for (const leg of channels) {
    if (leg.party.side === 'wire' || calledIn(leg)) continue;
    (isCalledFirst(parts, origin, leg) ? first : other).push(leg);
  }
  const wanted = [...root.call.channels].find((channel) => channel.wantedExten !== null)?.wantedExten ?? null;
  return { wanted, first, other, agentFirst: isAgentFirst(plan, { root, asked: origin.asked, wanted, first, other }) };
}

/** The channel that dialled `leg` in an attempt: that of a queue names nobody, but the leg has the linked id of who waits. */
export function diallerOf({ byId }: Pick<Parts, 'byId'>, leg: Channel, by: ChannelId | null): Channel | undefined {
  const dialler = byId.get(by ?? leg.facts.linkedId);
  return dialler === leg ? undefined : dialler;
}

const dialledBy = (parts: Pick<Parts, 'byId'>, leg: Channel): Channel[] =>
  leg.dials.flatMap(({ by }) => diallerOf(parts, leg, by) ?? []);

/** What the PBX was asked to call: a leg, or a wire. Whoever is called first is dialled by its far half, the other side by `asked`. */
interface Origin {
  readonly asked: Channel | null;
  readonly far: Channel | null;
}

function originOf(parts: Parts): Origin {
  const { root } = parts;
  const undialled = (one: Channel) => one.dials.some(({ by }) => diallerOf(parts, one, by) === undefined);
  const asked = oldest([...root.call.channels].filter(undialled));
  if (asked !== undefined) return { asked, far: asked.wire };
  // Call detail records tell of no call for which nobody dialled: the wire at which the path ends is the one.
  const end = pathOf(parts, root).findLast((one) => one.party.side === 'wire' && dialledBy(parts, one).length === 0);
  if (end === undefined) return { asked: root, far: null };
  const [near, far] = end.id === end.facts.linkedId ? [end, end.wire] : [end.wire, end];
  return { asked: near, far };
}

/** Who dialled `leg`, back through wires, the nearest first; as far as to the first leg that is no wire. */
function pathOf(parts: Parts, leg: Channel): Channel[] {
  const path = new Set(dialledBy(parts, leg));
  for (const channel of path) {
    if (channel.party.side !== 'wire') continue;
    for (const dialler of dialledBy(parts, channel)) path.add(dialler);
    const half = channel.wire;
    for (const dialler of half === null ? [] : dialledBy(parts, half)) path.add(dialler);
  }
  return [...path];
}

/** By who dialled it, back through wires: the far half of the wire that was asked for calls the first side, whoever is called the other. */
function isCalledFirst(parts: Parts, { asked, far }: Origin, leg: Channel): boolean {
  const path = pathOf(parts, leg);
  if (path.length === 0) return leg === asked || leg === parts.root || isTwin(leg, parts.root);
  return path.find((one) => one === far || one === asked || one.party.side !== 'wire') === far && far !== null;
}

/** Another device of the same person, rung as a call of its own. */
function isTwin({ call, party }: Channel, root: Channel): boolean {
  return call !== root.call && isPhone(root) && party.ext !== null && party.ext === root.party.ext;
}

interface Sides extends Omit<Originated, 'agentFirst'> {
  readonly root: Channel;
  readonly asked: Channel | null;
}

const isPhone = ({ party }: Channel): boolean => party.side === 'extension';
const isTrunk = ({ party }: Channel): boolean => party.side === 'trunk';

/** Whose side was called first, by the surest sign: phones are the company's, and so is whatever an extension stands for. */
function isAgentFirst(plan: SourcePlan, { root, asked, wanted, first, other }: Sides): boolean {
  if (first.some(isPhone)) return true;
  if (asked !== null && standsForExtension(asked, first)) return true;
  if (other.some(isPhone)) return false;
  // Whom the PBX lets wait for an agent is none.
  if ([root, asked].some((one) => one !== null && one.queues.length > 0)) return false;
  const sentTo = (leg: Channel) => wanted !== null && isTrunk(leg) && isSameNumber(numberCalled(leg) ?? '', wanted);
  if (wanted !== null && isInside(plan, wanted) && !other.some(sentTo)) return false;
  if (toE164(wanted, plan.country) !== null && !first.some(sentTo)) return true;
  return other.some(isTrunk);
}

/** A wire to an extension, a group or a queue: not to a short number of the telephone network, which is sent to a trunk as it is. */
function standsForExtension({ party }: Channel, first: readonly Channel[]): boolean {
  const { side, ext } = party;
  return side === 'wire' && ext !== null && !first.some((leg) => numberCalled(leg) === ext);
}

/** True for what the PBX was asked to connect with, where that is an agent, a group, a queue or a line of the company. */
function isInside(plan: SourcePlan, wanted: string): boolean {
  if (plan.speedDials?.some((one) => one.match(wanted) !== null) === true) return false;
  return isExtensionLike(wanted) || isOwnNumber(plan, wanted) || mobileOwner(plan, wanted) !== null;
}
