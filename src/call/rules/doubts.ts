/** What could not be known of a call, as flags of its record. */

import { beganKnown, type Channel } from '../live/state.ts';
import { UNNAMED } from '../recordings.ts';

/**
 * `first`: the channel that began the call; `subject`: the external party's, whose life is that of the record; `recordings`: the
 * names that are known. A recording of a call that nobody answered is none.
 */
export function doubtsOf(
  channels: readonly Channel[],
  first: Channel,
  subject: Channel,
  answeredAt: number | null,
  recordings: readonly string[],
): string[] {
  const flags: string[] = [];
  if (channels.some((channel) => channel.blind)) flags.push('blind-interval');
  if (!beganKnown(first)) flags.push('start-unknown');
  if (answeredAt !== null && channels.some((channel) => !channel.answerSeen)) flags.push('answer-unknown');
  if (subject.endBetween !== null || subject.clearedAt === null) flags.push('end-unknown');
  if (channels.some((channel) => channel.clockStepped)) flags.push('clock-stepped');
  if (channels.some((channel) => channel.heardLate)) flags.push('heard-late');
  const unnamed = recordings.length === 0 && channels.some((channel) => channel.recorded);
  if (answeredAt !== null && unnamed) flags.push(UNNAMED);
  return flags;
}
