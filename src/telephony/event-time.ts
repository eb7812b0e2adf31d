/** Events whose times are no times: the fold could not put them in order, and no column could keep them. */
import type { CallEvent } from './call-event.ts';

/** No PBX has a clock as far ahead as the year 2200. */
const LAST = Date.UTC(2200, 0);

/** The first time in the event that is none, by name, with its value; `null` when all are sound. */
export function oddTime(event: CallEvent): string | null {
  // For each event of a PBX, so nothing is made of it unless it is odd.
  const odd = oddOf('at', event.at) ?? oddOf('receivedAt', event.receivedAt);
  if (odd !== null) return odd;
  if (event.kind === 'source-connected') return oddOf('bootedAt', event.bootedAt);
  const told = event.kind === 'snapshot-channel' ? event : event.kind === 'cleared' ? event.history : undefined;
  if (told === undefined) return null;
  return (
    oddOf('createdAt', told.createdAt) ?? oddOf('answeredAt', told.answeredAt) ?? oddOf('bridgedAt', told.bridgedAt)
  );
}

function oddOf(name: string, time: number | null | undefined): string | null {
  return time == null || (time >= 0 && time < LAST) ? null : `${name} ${time}`;
}
