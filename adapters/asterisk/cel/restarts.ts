/** Channels that ended with their PBX, as the ids of later ones tell. */
import type { ChannelId } from '../../../src/telephony/call-event.ts';
import type { CelChannel } from './channels.ts';

/** A channel of which no row tells the end, and that a restart of its PBX ended. Times: ms since the epoch. */
export interface CutOff {
  readonly channel: ChannelId;
  /** The last row that its PBX wrote before it was started anew. */
  readonly aliveAt: number;
  /** The first channel after that. */
  readonly overAt: number;
}

interface Counted {
  readonly channel: CelChannel;
  readonly counter: number;
}

/** Within a second the times of channels may be in another order than their counters, ms. */
const SAME_MOMENT_MS = 1000;

/**
 * Asterisk counts its channels from 0 with each start, so one that was made later and has a lower counter belongs to another run, and
 * all older ones of that PBX, which is named by what stands before the second in an id (`systemname`), had ended before it. Where rows
 * tell that an older one went on, it was no restart: another PBX without a name writes into the same table, or its clock was set back.
 */
export function cutOffBy(channels: readonly CelChannel[]): CutOff[] {
  const runs = new Map<string, Counted[]>();
  for (const channel of channels) {
    const [, prefix = '', counter] = /^(.*?)\d*\.(\d+)$/.exec(channel.id) ?? [];
    if (counter === undefined) continue;
    const own = runs.get(prefix);
    if (own === undefined) runs.set(prefix, [{ channel, counter: Number(counter) }]);
    else own.push({ channel, counter: Number(counter) });
  }
  return [...runs.values()].flatMap(ofOne);
}

/** The same for the channels of one PBX. */
function ofOne(channels: readonly Counted[]): CutOff[] {
  const inOrder = channels.toSorted((a, b) => a.channel.createdAt - b.channel.createdAt || a.counter - b.counter);
  const found: CutOff[] = [];
  let highest = -1;
  let latest = Number.NEGATIVE_INFINITY;
  /** The last row of all channels that are older than the present one, and those of them that no row ends. */
  let aliveAt = Number.NEGATIVE_INFINITY;
  let endless: CelChannel[] = [];
  let older = 0;
  for (const { channel, counter } of inOrder) {
    const { createdAt: overAt } = channel;
    for (let next = inOrder[older]; next !== undefined; next = inOrder[++older]) {
      const { createdAt, lastAt, endedAt } = next.channel;
      if (createdAt >= overAt - SAME_MOMENT_MS) break;
      aliveAt = Math.max(aliveAt, lastAt);
      if (endedAt === null) endless.push(next.channel);
    }
    const anew = counter < highest && overAt > latest + SAME_MOMENT_MS && aliveAt < overAt;
    if (!anew && counter <= highest) continue;
    if (anew) {
      for (const { id } of endless) found.push({ channel: id, aliveAt, overAt });
      endless = [];
    }
    highest = counter;
    latest = overAt;
  }
  return found;
}
