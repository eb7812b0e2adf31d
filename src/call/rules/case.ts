/** What the rules of judging look at. */
import type { ChannelId } from '../../telephony/call-event.ts';
import { type UnheardCaller, unheardCaller } from '../known/caller-unheard.ts';
import { type Originated, originatedBy } from '../known/originated.ts';
import { type Call, type Channel, calledIn, rootOf } from '../live/state.ts';
import type { SourcePlan } from '../plan.ts';
import type { CallRecord } from '../record.ts';

/** Whose call a call is that several phones missed. */
export type MissedBy = 'owner' | 'last' | 'first' | 'nobody';

export interface JudgeContext {
  readonly plan: SourcePlan;
  readonly source: string;
  /** Which of several agents who talked is the agent of the call. */
  readonly agent: 'first' | 'last' | 'longest';
  readonly missed: MissedBy;
  /** The end of what is known, ms since the epoch. */
  readonly until: number;
  /** Hears of each judgement while its facts are still there: for explanations. */
  readonly onJudged?: ((of: Case, judged: Judged) => void) | undefined;
}

/** What a judgement rests on, beside the case. */
export interface Judged {
  readonly record: CallRecord;
  /** The external party's channel, `null` when there is none. */
  readonly external: Channel | null;
  /** The channel whose life is that of the record. */
  readonly subject: Channel;
  /** The channel with which the call began. */
  readonly first: Channel;
}

/** One call with everything folded into it: consultations, pickups and retrievals that have no external party of their own. */
export interface Case extends JudgeContext {
  readonly call: Call;
  /** The channel that began the call. */
  readonly root: Channel;
  readonly channels: readonly Channel[];
  readonly byId: ReadonlyMap<ChannelId, Channel>;
  readonly unheard: UnheardCaller | null;
  /** Its two sides, where the PBX was asked to make the call. */
  readonly originated: Originated | null;
}

/** `folded`: other calls of its group that have no external party. `null` for a call without channels. */
export function caseOf(call: Call, folded: readonly Call[], context: JudgeContext): Case | null {
  const root = rootOf(call);
  if (root === undefined) return null;
  const channels = [...call.channels, ...folded.flatMap((one) => [...one.channels])];
  const byId = new Map<ChannelId, Channel>();
  for (const channel of channels) {
    byId.set(channel.id, channel);
    for (const alias of channel.aliases) byId.set(alias, channel);
  }
  const unheard = unheardCaller(context.plan, root, channels);
  const originated = originatedBy(context.plan, { root, channels, byId });
  return { ...context, call, root, channels, byId, unheard, originated };
}

export function isPhone(channel: Channel): boolean {
  return channel.party.side === 'extension';
}

/** Legs that the PBX called, wires left out. */
export function calledLegs(channels: readonly Channel[]): Channel[] {
  return channels.filter((channel) => channel.party.side !== 'wire' && !calledIn(channel));
}

/** The channels from which a leg was dialled, itself first: through dials and wires back to whoever began. */
export function dialPath({ byId }: Case, start: Channel): Channel[] {
  const path = new Set([start]);
  for (const channel of path) {
    if (channel.wire !== null) path.add(channel.wire);
    for (const dial of channel.dials) {
      const by = dial.by === null ? undefined : byId.get(dial.by);
      if (by !== undefined) path.add(by);
    }
  }
  return [...path];
}

/** True for a number that belongs to a phone of this call, or that the config names as an extension. */
export function isKnownExtension({ plan, channels }: Case, number: string): boolean {
  const configured = [...plan.owners.values(), ...plan.mobiles.values()].includes(number);
  return configured || channels.some((channel) => channel.party.ext === number);
}

/** `PJSIP/1001`, as facts name a channel. */
export function shown(channel: Channel): string {
  return channel.facts.endpoint;
}
