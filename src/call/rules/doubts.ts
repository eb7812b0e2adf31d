/** What could not be known of a call, as flags of its record. */
import type { Channel } from '../state.ts';

/** `first`: the channel that began the call; `subject`: the external party's, whose life is that of the record. */
export function doubtsOf(
  channels: readonly Channel[],
  first: Channel,
  subject: Channel,
  answeredAt: number | null,
): string[] {
  const flags: string[] = [];
  if (channels.some((channel) => channel.blind)) flags.push('blind-interval');
  if (!first.beginningSeen) flags.push('start-unknown');
  if (answeredAt !== null && channels.some((channel) => !channel.answerSeen)) flags.push('answer-unknown');
  if (!subject.endSeen || subject.clearedAt === null) flags.push('end-unknown');
  return flags;
}
