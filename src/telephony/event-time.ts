/** Events whose times are no times: the fold could not put them in order, and no column could keep them. */
import type { CallEvent } from './call-event.ts';

/** No PBX has a clock as far ahead as the year 2200. */
const LAST = Date.UTC(2200, 0);

/** The first time in the event that is none, by name, with its value; `null` when all are sound. */
export function oddTime(event: CallEvent): string | null {
  const own = odd('at', event.at) ?? odd('receivedAt', event.receivedAt);
  if (own !== null) return own;
  if (event.kind === 'source-connected') return odd('bootedAt', event.bootedAt);
  const told = event.kind === 'snapshot-channel' ? event : event.kind === 'cleared' ? event.history : undefined;
  if (told === undefined) return null;
  return odd('createdAt', told.createdAt) ?? odd('answeredAt', told.answeredAt) ?? odd('bridgedAt', told.bridgedAt);
}

function odd(name: string, time: number | null | undefined): string | null {
  return typeof time !== 'number' || (time >= 0 && time < LAST) ? null : `${name} ${time}`;
}
