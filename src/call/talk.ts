/**
 * Who was connected with whom, and when: worked out from bridge stays and wires. A wire (Local, loopback) passes on whatever
 * enters one end; a holding bridge connects nobody.
 */
import { type Bridge, type Channel, calledIn } from './live/state.ts';

/** A stretch of time in which the subject was connected with exactly these other parties. */
export interface Connection {
  readonly from: number;
  readonly to: number;
  readonly others: readonly Channel[];
}

/**
 * What happens within this time is one act of the PBX: it moves media from one bridge to another, or takes a hold off and the agent
 * away. In recordings that takes Asterisk up to 6 ms and FreeSWITCH, whose clock ticks in steps of 20 ms, up to 60; the shortest
 * thing that people do (put on hold and take back, park and retrieve) takes a second.
 */
export const SEAM_MS = 250;

/** Every channel that ever shared a bridge or wire with `start`, transitively. */
export function reachable(start: Channel): Set<Channel> {
  const found = new Set([start]);
  for (const channel of found) {
    if (channel.wire !== null) found.add(channel.wire);
    for (const bridge of channel.bridges) {
      if (bridge.kind !== 'holding') for (const stay of bridge.stays) found.add(stay.channel);
    }
  }
  return found;
}

/** A called party takes part only once it has answered; a channel that called the PBX is there from its beginning. */
function presentFrom(channel: Channel): number {
  if (channel.party.side === 'wire' || calledIn(channel)) return channel.createdAt;
  return channel.answeredAt ?? Number.POSITIVE_INFINITY;
}

/** The connections of `subject` with other real channels, in order of time. Open ends are closed at `until`. */
export function connectionsOf(subject: Channel, until: number): Connection[] {
  const members = reachable(subject);
  const bridges = new Set<Bridge>();
  const times = new Set<number>();
  for (const channel of members) {
    for (const bridge of channel.bridges) if (bridge.kind !== 'holding') bridges.add(bridge);
    for (const time of [presentFrom(channel), channel.clearedAt]) if (time !== null && time <= until) times.add(time);
  }
  for (const bridge of bridges) {
    for (const stay of bridge.stays) {
      times.add(Math.min(stay.from, until));
      times.add(Math.min(stay.to ?? until, until));
    }
  }
  times.add(until);
  const steps = [...times].sort((a, b) => a - b);
  const found: Connection[] = [];
  for (const [index, from] of steps.entries()) {
    const to = steps[index + 1];
    if (to === undefined || from < presentFrom(subject)) continue;
    const others = partnersAt(subject, bridges, from, until);
    if (others.length > 0) append(found, { from, to, others });
  }
  return found.length > 0 ? found : meetingOf(subject, bridges, steps, until);
}

/**
 * A connection without length: its beginning and end were told in the same millisecond, as when a caller hangs up in the
 * moment of the answer, or when the PBX was heard in one burst after a stall. Who met whom is known all the same.
 */
function meetingOf(
  subject: Channel,
  bridges: ReadonlySet<Bridge>,
  steps: readonly number[],
  until: number,
): Connection[] {
  // SIP 487: the caller had cancelled before the answer came.
  if (subject.clearing?.sip === 487) return [];
  for (const at of steps) {
    const others = at < presentFrom(subject) ? [] : partnersAt(subject, bridges, at, until, 1);
    if (others.length > 0) return [{ from: at, to: at, others }];
  }
  return [];
}

/** `slack`: how long after its end a stay still counts, ms. */
function partnersAt(
  subject: Channel,
  bridges: ReadonlySet<Bridge>,
  at: number,
  until: number,
  slack: 0 | 1 = 0,
): Channel[] {
  const live = (channel: Channel) => presentFrom(channel) <= at && (channel.clearedAt ?? until) + slack > at;
  if (!live(subject)) return [];
  const seen = new Set([subject]);
  for (const channel of seen) {
    if (channel.wire !== null && live(channel.wire)) seen.add(channel.wire);
    for (const bridge of bridges) {
      const here = bridge.stays.filter(
        (stay) => stay.from <= at && (stay.to ?? until) + slack > at && live(stay.channel),
      );
      if (here.some((stay) => stay.channel === channel)) for (const stay of here) seen.add(stay.channel);
    }
  }
  seen.delete(subject);
  return [...seen].filter((channel) => channel.party.side !== 'wire');
}

function append(found: Connection[], next: Connection): void {
  const last = found.at(-1);
  if (last !== undefined && next.from - last.to <= SEAM_MS && sameParties(last.others, next.others)) {
    found[found.length - 1] = { from: last.from, to: next.to, others: last.others };
  } else {
    found.push(next);
  }
}

function sameParties(a: readonly Channel[], b: readonly Channel[]): boolean {
  return a.length === b.length && a.every((channel) => b.includes(channel));
}

/** Length of the union of intervals, ms. */
export function covered(intervals: readonly { readonly from: number; readonly to: number }[]): number {
  let total = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { from, to } of [...intervals].sort((a, b) => a.from - b.from)) {
    if (to <= end) continue;
    total += to - Math.max(from, end);
    end = to;
  }
  return total;
}
