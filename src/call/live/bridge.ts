/**
 * What is remembered of a bridge: who is in it, and of those who were in it the stays that a call which is not judged yet may
 * need. A bridge may never be empty (an agent pool, a conference room), so nothing here waits for its end, and nothing that an
 * event does looks at more of its past than the time that the event is about.
 */
import { NONE } from '../few.ts';
import { type Bridge, type Call, type Channel, isLive, presentFrom, type Stay } from './state.ts';

/** Who is in a bridge that is empty: one for all, never written into. A bridge that all have left waits for their calls to be judged. */
const NOBODY = new Map<Channel, Stay>();

export function newBridge(id: string, kind: Bridge['kind']): Bridge {
  return {
    id,
    kind,
    first: null,
    shared: false,
    here: NOBODY,
    over: [],
    members: new Set(),
    stranger: null,
    stale: 0,
  };
}

/** Begins the stay of a channel at `at`, ms since the epoch. */
export function seat(bridge: Bridge, channel: Channel, at: number): void {
  bridge.first ??= channel.id;
  bridge.shared ||= bridge.first !== channel.id;
  if (bridge.here === NOBODY) bridge.here = new Map();
  bridge.here.set(channel, { channel, from: at, to: null });
}

/** Ends the stay of a channel at `at` (ms since the epoch), not before it began. */
export function unseat(bridge: Bridge, channel: Channel, at: number): void {
  const stay = bridge.here.get(channel);
  if (stay === undefined) return;
  bridge.here.delete(channel);
  if (bridge.here.size === 0) bridge.here = NOBODY;
  stay.to = Math.max(at, stay.from);
  // Whom a holding bridge held is of no account to anybody.
  if (bridge.kind !== 'holding') bridge.over.splice(firstEndingAfter(bridge.over, stay.to), 0, stay);
}

/** The stays that share a moment with the time from `from` to `to` (ms since the epoch, both included). */
export function staysDuring(bridge: Bridge, from: number, to: number): Stay[] {
  const found: Stay[] = [];
  const { over } = bridge;
  for (let index = firstEndingAfter(over, from - 1); index < over.length; index += 1) {
    const stay = over[index];
    if (stay !== undefined && stay.from <= to) found.push(stay);
  }
  for (const stay of bridge.here.values()) if (stay.from <= to) found.push(stay);
  return found;
}

/**
 * A channel has been reported. What it was in is remembered for those members only who were there with it; what has nobody to
 * remember it is dropped. To look through the whole past at each report would cost more the longer a room is in use: it is done
 * once as much of it may have become useless as is still needed.
 */
export function dismiss(bridge: Bridge, channel: Channel): void {
  bridge.members.delete(channel);
  // A phone that goes on (an agent logged in all day) is not to keep every caller it ever had.
  const alone =
    bridge.here.size === 0 && [...bridge.members].every((one) => isLive(one) && one.party.side === 'extension');
  if (alone) for (const one of bridge.members) forget(bridge, one);
  // One that all have left is remembered by those whom it concerns, and by nothing else.
  if (bridge.here.size === 0) return;
  if (channel.party.side === 'trunk') makeStranger(bridge, channel);
  bridge.stale += 1 + bridge.over.length - firstEndingAfter(bridge.over, channel.createdAt - 1);
  if (bridge.stale * 2 > bridge.over.length) prune(bridge);
}

/**
 * Of an outside party whose call has been reported others need only that somebody was there: phones that stay in a room all day
 * talked. So the times of all such parties become those of one stranger, and where two others were there throughout, nobody
 * was the more connected for it.
 */
function makeStranger(bridge: Bridge, channel: Channel): void {
  const { over } = bridge;
  const own = staysOf(bridge, channel);
  for (const stay of own) over.splice(over.indexOf(stay), 1);
  for (const stay of own) {
    const from = Math.max(stay.from, presentFrom(channel));
    const to = Math.min(stay.to ?? from, channel.clearedAt ?? Number.POSITIVE_INFINITY);
    if (from > to || accompanied(bridge, from)) continue;
    bridge.stranger ??= strangerLike(channel);
    append(bridge, bridge.stranger, from, to);
  }
}

function staysOf(bridge: Bridge, channel: Channel): Stay[] {
  const recent = bridge.over.slice(firstEndingAfter(bridge.over, channel.createdAt - 1));
  return recent.filter((stay) => stay.channel === channel);
}

/** True when two parties have been in the bridge since `from`, and are still. */
function accompanied(bridge: Bridge, from: number): boolean {
  let count = 0;
  for (const { channel, from: since } of bridge.here.values()) {
    if (channel.party.side !== 'wire' && Math.max(since, presentFrom(channel)) <= from) count += 1;
    if (count === 2) return true;
  }
  return false;
}

/** Adds a time of the stranger; times that touch become one. */
function append(bridge: Bridge, stranger: Channel, from: number, to: number): void {
  const { over } = bridge;
  let [begin, end] = [from, to];
  for (let index = firstEndingAfter(over, from - 1); index < over.length; ) {
    const stay = over[index];
    if (stay === undefined || stay.channel !== stranger || stay.from > end) {
      index += 1;
      continue;
    }
    begin = Math.min(begin, stay.from);
    end = Math.max(end, stay.to ?? end);
    over.splice(index, 1);
  }
  over.splice(firstEndingAfter(over, end), 0, { channel: stranger, from: begin, to: end });
}

function strangerLike(channel: Channel): Channel {
  const none = { key: '', otherKeys: NONE, sessionKey: '', place: 0, askedFor: null };
  const call: Call = { ...none, channels: new Set(), links: null };
  const always = { createdAt: Number.NEGATIVE_INFINITY, answeredAt: Number.NEGATIVE_INFINITY, clearedAt: null };
  return { ...channel, ...always, call, dials: NONE, bridges: NONE, met: null, wire: null };
}

/** The call of the channel is no longer judged by the bridge. */
export function forget(bridge: Bridge, channel: Channel): void {
  channel.bridges = channel.bridges.filter((one) => one !== bridge);
  bridge.members.delete(channel);
  if (channel.bridges.length > 0) return;
  // They count as parts of talks, and it is known of none.
  channel.holds = channel.holds.filter((hold) => hold.to === null);
  channel.transfers = NONE;
}

function prune(bridge: Bridge): void {
  bridge.stale = 0;
  const { over, here, members } = bridge;
  const needed: { readonly from: number; to: number }[] = [];
  const own = [...over, ...here.values()].filter((stay) => members.has(stay.channel)).sort((a, b) => a.from - b.from);
  for (const { from, to } of own) {
    const end = to ?? Number.POSITIVE_INFINITY;
    const last = needed.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, end);
    else needed.push({ from, to: end });
  }
  let reached = -1;
  const kept = over.filter((stay) => {
    const end = stay.to ?? Number.POSITIVE_INFINITY;
    while ((needed[reached + 1]?.from ?? Number.POSITIVE_INFINITY) <= end) reached += 1;
    return (needed[reached]?.to ?? Number.NEGATIVE_INFINITY) >= stay.from;
  });
  over.splice(0, over.length, ...kept);
}

/** The place of the first stay that ends after `at`. */
function firstEndingAfter(over: readonly Stay[], at: number): number {
  let [low, high] = [0, over.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((over[middle]?.to ?? at) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
