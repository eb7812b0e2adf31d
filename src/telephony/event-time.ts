/** Events whose times are no times: the fold could not put them in order, and no column could keep them. */
import type { CallEvent } from './call-event.ts';

/** No PBX has a clock as far ahead as the year 2200. */
const LAST = Date.UTC(2200, 0);

/** The first time in the event that is none, by name, with its value; `null` when all are sound. */
export function oddTime(event: CallEvent): string | null {
  const { at, receivedAt } = event;
  const times: Record<string, number | null | undefined> = { at, receivedAt };
  if (event.kind === 'source-connected') times.bootedAt = event.bootedAt;
  const told = event.kind === 'snapshot-channel' ? event : event.kind === 'cleared' ? event.history : undefined;
  if (told !== undefined) {
    times.createdAt = told.createdAt;
    times.answeredAt = told.answeredAt;
    times.bridgedAt = told.bridgedAt;
  }
  const odd = Object.entries(times).find(([, time]) => typeof time === 'number' && !(time >= 0 && time < LAST));
  return odd === undefined ? null : `${odd[0]} ${odd[1]}`;
}
