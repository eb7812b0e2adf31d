/** Who talked when, from who was connected with whom. */

import type { Channel } from './live/state.ts';
import type { Talk } from './record.ts';
import { type Connection, SEAM_MS } from './talk.ts';

/** When the extensions talked with the subject; one entry for each uninterrupted stretch. */
export function talksOf(connections: readonly Connection[]): Talk[] {
  const talks: Talk[] = [];
  for (const { from, to, others } of connections) {
    for (const other of others) {
      const ext = other.party.side === 'extension' ? other.party.ext : null;
      if (ext === null) continue;
      const last = talks.findLast((talk) => talk.ext === ext);
      const end = heldForGood(other, from, to);
      if (last !== undefined && from - last.to <= SEAM_MS) talks[talks.indexOf(last)] = { ...last, to: end };
      else if (end > from || from === to) talks.push({ ext, from, to: end });
    }
  }
  return talks;
}

/**
 * An agent who puts the caller on hold and leaves him, to hand him over or to ask a colleague, had finished talking when the hold
 * began. One who hangs up has not left: a caller on hold at the end of the call was with him until then.
 */
function heldForGood(agent: Channel, from: number, to: number): number {
  const hold = agent.holds.findLast((one) => one.from >= from && one.from < to);
  // A SIP REFER takes the hold off in the moment in which the agent leaves.
  if (hold === undefined || (hold.to !== null && to - hold.to > SEAM_MS)) return to;
  const transferred = agent.transfers.some((one) => one.at >= hold.from);
  const elsewhere = agent.seatedAt !== null && agent.seatedAt >= to;
  return transferred || elsewhere ? hold.from : to;
}

/** The same for a call between extensions: the one who dialled talks whenever he is connected. */
export function internalTalks(root: Channel, connections: readonly Connection[]): Talk[] {
  const { ext } = root.party;
  if (ext === null) return [];
  const own: Talk[] = [];
  for (const { from, to } of connections) {
    const last = own.at(-1);
    if (last !== undefined && from - last.to <= SEAM_MS) own[own.length - 1] = { ...last, to };
    else own.push({ ext, from, to });
  }
  return [...own, ...talksOf(connections)].sort((a, b) => a.from - b.from);
}

/** The parts of talks in which somebody was on hold. */
export function holdsWithin(channels: readonly Channel[], talks: readonly Talk[], endedAt: number) {
  const holds = channels.flatMap((channel) =>
    channel.holds.map((hold) => ({ from: hold.from, to: hold.to ?? endedAt })),
  );
  return holds.flatMap((hold) =>
    talks
      .map((talk) => ({ from: Math.max(hold.from, talk.from), to: Math.min(hold.to, talk.to) }))
      .filter(({ from, to }) => to > from),
  );
}
