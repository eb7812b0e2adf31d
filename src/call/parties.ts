/** Who took part in a call: the external party, the extensions that rang, the one a mobile stands for. */
import { toE164 } from '../telephony/number.ts';
import { endsAlike, isOwnNumber, ownerOf } from './numbering.ts';
import type { SourcePlan } from './plan.ts';
import type { Direction } from './record.ts';
import { type Call, type Channel, rootOf, trunksOf } from './state.ts';

/** The call with everything folded into it: consultations, pickups and retrievals that have no external party of their own. */
export interface Membership {
  readonly call: Call;
  readonly root: Channel;
  readonly channels: readonly Channel[];
}

/** The number sent to the called side of a channel that the PBX called. */
export function calledNumber(channel: Channel): string | null {
  return channel.dials.find((dial) => dial.number !== null)?.number ?? channel.facts.dialled;
}

/** True for a phone the PBX was asked to ring first in order to connect it then (click-to-call), not one that a caller dialled. */
export function isOriginated(channel: Channel): boolean {
  return channel.facts.initiator === 'pbx' && rootOf(channel.call) === channel && !dialledUnseen(channel);
}

/** True for what is left of a call whose caller has gone, or was never seen because the link was down at its beginning. */
function dialledUnseen(channel: Channel): boolean {
  const known = new Set([...channel.call.channels].map((one) => one.id));
  return channel.dials.some((dial) => dial.by !== null && !known.has(dial.by));
}

/** The outside number an originated call was meant for, when it never got as far as a trunk; `null` when it was not meant for outside. */
export function intendedNumber(plan: SourcePlan, root: Channel): string | null {
  if (!isOriginated(root) || root.party.side !== 'extension') return null;
  const shown = root.dials.find((dial) => dial.presented !== null)?.presented ?? root.facts.caller.number;
  if (shown === null || shown === root.party.ext || toE164(shown, plan.country) === null) return null;
  return isOwnNumber(plan, shown) ? null : shown;
}

export function directionOf(plan: SourcePlan, call: Call, root: Channel): Direction {
  if (root.party.side === 'trunk') return root.facts.initiator === 'endpoint' ? 'Inbound' : 'Outbound';
  if (trunksOf(call).length > 0) return 'Outbound';
  return intendedNumber(plan, root) === null ? 'Internal' : 'Outbound';
}

/**
 * The channel of the external party: the caller, or of the legs dialled out the one that was answered first, else the last.
 * `null` when no trunk was used.
 */
export function externalOf(direction: Direction, call: Call, root: Channel): Channel | null {
  if (direction === 'Inbound' || root.party.side === 'trunk') return root;
  const legs = trunksOf(call);
  const answered = legs.filter((leg) => leg.answeredAt !== null);
  if (answered.length > 0) return answered.reduce((a, b) => ((b.answeredAt ?? 0) < (a.answeredAt ?? 0) ? b : a));
  return legs.length === 0 ? null : legs.reduce((a, b) => (b.createdAt >= a.createdAt ? b : a));
}

/**
 * Channels made while the external party was there: whom a phone calls after that is not part of its call. Times alone do not
 * tell, since the clock of a PBX may tick in steps of 20 ms.
 */
export function madeBefore(endedAt: number, channels: readonly Channel[]): Channel[] {
  const phones = new Set(channels.filter((one) => one.party.side === 'extension').map((one) => one.id));
  const byPhone = (channel: Channel) => channel.dials.some((dial) => dial.by !== null && phones.has(dial.by));
  return channels.filter(
    (channel) => channel.createdAt < endedAt || (channel.createdAt === endedAt && !byPhone(channel)),
  );
}

/** Extensions whose phones rang, in order. A leg sent out by a trunk in the name of an extension counts as that extension. */
export function rungOf(channels: readonly Channel[]): string[] {
  const rung = new Set<string>();
  for (const channel of [...channels].sort((a, b) => a.createdAt - b.createdAt)) {
    if (channel.facts.initiator !== 'pbx') continue;
    const ext =
      channel.party.side === 'extension'
        ? channel.party.ext
        : channel.party.side === 'trunk'
          ? channel.facts.extension
          : null;
    if (ext !== null) rung.add(ext);
  }
  return [...rung];
}

/**
 * The extension in whose name an outside number was called: the phone that sent the call on (SIP 302), the extension the
 * dialplan was told to reach (`Local/1005@followme`, FreeSWITCH `dialed_user`), the owner of the direct line, else the only one
 * whose desk phone rang too.
 */
export function behalfOf(plan: SourcePlan, members: Membership, mobile: Channel, did: string | null): string | null {
  const number = calledNumber(mobile) ?? '';
  for (const channel of members.channels) {
    const sentOn = channel.dials.find((dial) => dial.forwardedTo !== null);
    if (
      channel.party.ext !== null &&
      sentOn !== undefined &&
      (number === '' || endsAlike(sentOn.forwardedTo ?? '', number))
    ) {
      return channel.party.ext;
    }
  }
  return (
    mobile.facts.extension ??
    wiredExtension(members, mobile) ??
    ownerOf(plan, did, members.root.party) ??
    onlyOne(rungOf(members.channels))
  );
}

function onlyOne(extensions: readonly string[]): string | null {
  return extensions.length === 1 ? (extensions[0] ?? null) : null;
}

/** Climbs from a dialled channel through dials and wires to the nearest wire that names an extension. */
function wiredExtension(members: Membership, start: Channel): string | null {
  const byId = new Map(members.channels.map((channel) => [channel.id, channel]));
  const path = new Set([start]);
  for (const channel of path) {
    if (channel.party.side === 'wire' && channel.party.ext !== null) return channel.party.ext;
    if (channel.wire !== null) path.add(channel.wire);
    for (const dial of channel.dials) {
      const by = dial.by === null ? undefined : byId.get(dial.by);
      if (by !== undefined) path.add(by);
    }
  }
  return null;
}

/** Root and members of a call; `folded`: other calls of its group that have no external party. */
export function membersOf(call: Call, folded: readonly Call[]): Membership | null {
  const root = rootOf(call);
  if (root === undefined) return null;
  return { call, root, channels: [...call.channels, ...folded.flatMap((one) => [...one.channels])] };
}
