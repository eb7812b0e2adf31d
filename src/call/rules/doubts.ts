/** What could not be known of a call, as flags of its record. */

import { beganKnown, type Channel, type EndBetween } from '../live/state.ts';
import { UNNAMED } from '../recordings.ts';

/** The life of a record: that of a channel. ms since the epoch. */
export interface Life {
  readonly createdAt: number;
  readonly clearedAt: number | null;
  readonly endBetween: EndBetween | null;
}

/**
 * `first`: the channel that began the call; `life`: of the external party's channel; `recordings`: the
 * names that are known. A recording of a call that nobody answered is none.
 */
export function doubtsOf(
  channels: readonly Channel[],
  first: Channel,
  life: Life,
  answeredAt: number | null,
  recordings: readonly string[],
): string[] {
  const flags: string[] = [];
  const from = Math.min(first.createdAt, life.createdAt);
  // Of an end that nobody heard only an estimate is known.
  const to = (life.endBetween === null ? life.clearedAt : null) ?? Number.POSITIVE_INFINITY;
  /** What came over a phone before, as of an agent who is logged in for days, is no doubt about this call. */
  const within = (at: number | null) => at !== null && at >= from && at <= to;
  const blind = ({ blindTimes }: Channel) =>
    blindTimes.some((time) => time.from <= to && (time.to ?? Number.POSITIVE_INFINITY) >= from);
  if (channels.some(blind)) flags.push('blind-interval');
  if (!beganKnown(first)) flags.push('start-unknown');
  if (answeredAt !== null && channels.some((one) => !one.answerSeen && within(one.answeredAt)))
    flags.push('answer-unknown');
  if (life.endBetween !== null || life.clearedAt === null) flags.push('end-unknown');
  // It moves the times of what is over, too.
  if (channels.some(({ steppedAt }) => steppedAt !== null && steppedAt >= from)) flags.push('clock-stepped');
  if (channels.some((channel) => within(channel.heardLateAt))) flags.push('heard-late');
  const unnamed = recordings.length === 0 && channels.some((channel) => channel.recorded);
  if (answeredAt !== null && unnamed) flags.push(UNNAMED);
  return flags;
}
