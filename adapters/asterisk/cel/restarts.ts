/** When the PBX was started anew, as its ids tell. */
import type { CelChannel } from './channels.ts';

/**
 * Times before which all older channels had ended, ms since the epoch: Asterisk counts its channels from 0 with each start, so one
 * that was made later and has a lower counter belongs to another run.
 */
export function restartsIn(channels: readonly CelChannel[]): number[] {
  const counted = channels
    .map(({ id, createdAt }) => ({ createdAt, counter: Number(/\.(\d+)$/.exec(id)?.[1] ?? Number.NaN) }))
    .filter(({ counter }) => !Number.isNaN(counter))
    .sort((a, b) => a.createdAt - b.createdAt || a.counter - b.counter);
  const restarts: number[] = [];
  let highest = -1;
  let latest = Number.NEGATIVE_INFINITY;
  for (const { createdAt, counter } of counted) {
    // Within a second the times of channels may be in another order than their counters.
    if (counter < highest && createdAt > latest + 1000) {
      restarts.push(createdAt);
      highest = counter;
      latest = createdAt;
    } else if (counter > highest) {
      highest = counter;
      latest = createdAt;
    }
  }
  return restarts;
}
