/**
 * Who was connected with whom, and when: worked out from bridge stays and wires. A wire (Local, loopback) passes on whatever
 * enters one end; a holding bridge connects nobody.
 */
import { inOrder } from './in-order.ts';
import { staysDuring } from './live/bridge.ts';
import { type Bridge, type Channel, presentFrom, type Stay } from './live/state.ts';

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

/** How long after its end a stay still counts where nobody was connected for any time, ms. */
const SLACK_MS = 1;

/** Every channel that shared a bridge or wire with `start` while that lived, transitively. */
export function reachable(start: Channel): Set<Channel> {
  return around(start, start.createdAt, start.clearedAt ?? Number.POSITIVE_INFINITY).channels;
}

/** One channel's stay, and where it was. */
interface Seat {
  readonly bridge: Bridge;
  readonly stay: Stay;
}

/** Who may have been connected with `start` between two times, ms since the epoch, and their stays in order of their beginnings. */
function around(start: Channel, from: number, to: number): { channels: Set<Channel>; seats: readonly Seat[] } {
  const channels = new Set([start]);
  const bridges = new Set<Bridge>();
  const seats: Seat[] = [];
  for (const channel of channels) {
    if (channel.wire !== null) channels.add(channel.wire);
    for (const bridge of channel.bridges) {
      if (bridges.has(bridge)) continue;
      bridges.add(bridge);
      for (const stay of staysDuring(bridge, from, to)) {
        seats.push({ bridge, stay });
        channels.add(stay.channel);
      }
    }
  }
  return { channels, seats: inOrder(seats, ({ stay }) => stay.from) };
}

/** The connections of `subject` with other real channels, in order of time. Open ends are closed at `until`. */
export function connectionsOf(subject: Channel, until: number): Connection[] {
  const scene = sceneOf(subject, presentFrom(subject), until);
  const found = lastingIn(scene);
  return found.length > 0 ? found : meetingIn(scene);
}

/** Those that last for a time and have begun at `since` or later (ms since the epoch); what was before is not gone through. */
export function connectionsSince(subject: Channel, since: number, until: number): Connection[] {
  // One that went on until then, with a seam in between, has begun before.
  const begin = Math.max(presentFrom(subject), since - SEAM_MS - 1);
  return lastingIn(sceneOf(subject, begin, until)).filter((one) => one.from >= since);
}

/** Who was where around the subject, and the times at which that changed, in order. */
interface Scene {
  readonly subject: Channel;
  readonly until: number;
  readonly seats: readonly Seat[];
  readonly steps: readonly number[];
}

function sceneOf(subject: Channel, begin: number, until: number): Scene {
  const { channels, seats } = around(subject, begin - SLACK_MS, (subject.clearedAt ?? until) + SLACK_MS);
  const times = new Set<number>();
  const note = (time: number): void => {
    if (time >= begin && time <= until) times.add(time);
  };
  note(begin);
  note(until);
  for (const channel of channels) {
    note(presentFrom(channel));
    note(channel.clearedAt ?? until);
  }
  for (const { stay } of seats) {
    note(stay.from);
    note(stay.to ?? until);
  }
  return { subject, until, seats, steps: [...times].sort((a, b) => a - b) };
}

function lastingIn(scene: Scene): Connection[] {
  const found: Connection[] = [];
  const { steps } = scene;
  const partners = partnersIn(scene, 0);
  for (let index = 0; index + 1 < steps.length; index += 1) {
    const from = steps[index];
    const to = steps[index + 1];
    const others = partners[index] ?? NOBODY;
    if (from !== undefined && to !== undefined && others.length > 0) append(found, { from, to, others });
  }
  return found;
}

/**
 * A connection without length: its beginning and end were told in the same millisecond, as when a caller hangs up in the
 * moment of the answer, or when the PBX was heard in one burst after a stall. Who met whom is known all the same.
 */
function meetingIn(scene: Scene): Connection[] {
  // SIP 487: the caller had cancelled before the answer came.
  if (scene.subject.clearing?.sip === 487) return [];
  const partners = partnersIn(scene, SLACK_MS);
  const first = partners.findIndex((others) => others.length > 0);
  const [at, others] = [scene.steps[first], partners[first]];
  return at === undefined || others === undefined ? [] : [{ from: at, to: at, others }];
}

/** With whom the subject is connected at each of the steps. `slack`: how long after its end a stay still counts, ms. */
function partnersIn({ subject, until, seats, steps }: Scene, slack: number): (readonly Channel[])[] {
  let next = 0;
  let taken: Seat[] = [];
  return steps.map((at) => {
    for (let seat = seats[next]; seat !== undefined && seat.stay.from <= at; seat = seats[next]) {
      taken.push(seat);
      next += 1;
    }
    const lasts = ({ stay }: Seat) => (stay.to ?? until) + slack > at;
    if (!taken.every(lasts)) taken = taken.filter(lasts);
    if (taken.length === 0 && subject.wire === null) return NOBODY;
    const live = (channel: Channel) => presentFrom(channel) <= at && (channel.clearedAt ?? until) + slack > at;
    return live(subject) ? connectedBy(taken, subject, live) : NOBODY;
  });
}

const NOBODY: readonly Channel[] = Object.freeze([]);

function connectedBy(
  taken: readonly Seat[],
  subject: Channel,
  live: (channel: Channel) => boolean,
): readonly Channel[] {
  const here = taken.every(({ stay }) => live(stay.channel)) ? taken : taken.filter(({ stay }) => live(stay.channel));
  // Alone in a bridge.
  if (here.length < 2 && subject.wire === null) return NOBODY;
  const seen = new Set([subject]);
  for (const channel of seen) {
    if (channel.wire !== null && live(channel.wire)) seen.add(channel.wire);
    const own = here.filter(({ stay }) => stay.channel === channel);
    for (const { bridge, stay } of here) if (own.some((seat) => seat.bridge === bridge)) seen.add(stay.channel);
  }
  const others: Channel[] = [];
  for (const channel of seen) if (channel !== subject && channel.party.side !== 'wire') others.push(channel);
  return others;
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
  for (const { from, to } of inOrder(intervals, (interval) => interval.from)) {
    if (to <= end) continue;
    total += to - Math.max(from, end);
    end = to;
  }
  return total;
}
