/** The part of the call table that events change. */
import type { ChannelId } from '../../telephony/call-event.ts';
import type { SourcePlan } from '../plan.ts';
import type { SourceLink } from './link.ts';
import type { Bridge, Call, Channel } from './state.ts';

export interface ApplyContext {
  readonly plan: SourcePlan;
  readonly link: SourceLink;
  /** By every id of the channel. */
  readonly channels: Map<ChannelId, Channel>;
  /** By every linked id of the call. */
  readonly calls: Map<string, Call>;
  readonly bridges: Map<string, Bridge>;
  /** Channels of open calls by what the PBX was asked to call when nobody dialled them. */
  readonly asked: Map<string, Set<Channel>>;
  /** Channels whose calls were reported although nothing told their end, by every id. */
  readonly givenUp: Map<ChannelId, Channel>;
  /** Calls that may end sooner than before by what became of others, and those that are no calls of their own any more. */
  readonly touched: Set<Call>;
  /** The place of the next call or channel in the order in which they become known. */
  nextPlace(): number;
  /** True for a channel whose call has been reported already. */
  isFinished(channel: ChannelId): boolean;
  onOpened(channel: ChannelId): void;
  /** The channel goes on, although its call has been reported. */
  onRevived(channel: ChannelId): void;
}
