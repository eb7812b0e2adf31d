/**
 * Clocks that are set, and this program standing still. What is said of a call is compared with what was said of it before, so the
 * times that it has are moved with the clock by which they were told: its durations stay right, and the record is marked.
 */
import type { CallEvent } from '../../telephony/call-event.ts';
import type { ApplyContext } from './context.ts';
import { noteHeard, onPbxClock, type SourceLink, stampedByPbx } from './link.ts';
import { type Bridge, type Channel, type Interval, isLive } from './state.ts';

/** After this program stood still, what has come meanwhile is read within this time, ms. */
const CATCHING_UP_MS = 1000;

/** This program stood still until `at` (ms since the epoch, clock of arrival). */
export function stallFor(link: SourceLink, at: number): void {
  link.lateUntil = at + CATCHING_UP_MS;
}

/**
 * The clock of the PBX, or that of arrival, has been set forward by `by` ms, or back. Where the PBX tells no times the times of its
 * events are those of arrival, and move with them. `heardAt`: when that was heard, on the clock of arrival as it goes since.
 */
export function shiftTimes(context: ApplyContext, clock: 'pbx' | 'ours', by: number, heardAt: number): void {
  const { link, channels } = context;
  const arrivals = link.ahead === null;
  if (clock === 'ours') shiftArrivals(context, by);
  if (link.ahead !== null) link.ahead += clock === 'ours' ? -by : by;
  if (clock === 'ours' && !arrivals) return;
  const bridges = new Set<Bridge>(context.bridges.values());
  for (const channel of new Set(channels.values())) {
    shiftChannel(channel, by);
    channel.clockStepped = true;
    channel.steppedAt = onPbxClock(link, heardAt);
    for (const bridge of channel.bridges) bridges.add(bridge);
  }
  for (const bridge of bridges) shiftBridge(bridge, by);
}

/** Takes note of what is said of a channel, and returns it with its time on the clock of the PBX. */
export function hear(context: ApplyContext, event: CallEvent): CallEvent {
  const { link } = context;
  const { ahead } = link;
  noteHeard(link, event);
  // Some rows of lists have no time of the PBX although its events have one.
  if (event.at === event.receivedAt) return ahead === null ? event : stampedByPbx(link, event);
  if (ahead === null) placeArrivals(context);
  return event;
}

/**
 * The PBX tells times after all: those of channels that are known from a list alone, which had none, are moved to its clock. That is
 * no step, so nothing is marked.
 */
function placeArrivals({ link, channels }: ApplyContext): void {
  for (const channel of new Set(channels.values())) {
    if (!channel.counted) continue;
    channel.counted = false;
    shiftChannel(channel, link.ahead ?? 0);
  }
}

function shiftArrivals({ link, channels }: ApplyContext, by: number): void {
  for (const channel of new Set(channels.values())) {
    channel.heardAt += by;
    channel.clearedHeardAt += by;
  }
  link.connectedAt = later(link.connectedAt, by);
  link.lostAt = later(link.lostAt, by);
  link.heardAt = later(link.heardAt, by);
  link.lateUntil += by;
}

/** Nobody listened from `from` to `to` (clock of arrival), so the silence about what lives says nothing. */
export function passOver({ channels }: ApplyContext, from: number, to: number): void {
  for (const channel of new Set(channels.values())) {
    if (isLive(channel)) channel.heardAt = Math.min(to, channel.heardAt + to - from);
  }
}

/** Nothing can have been heard later than `now`, on the clock of arrival. */
export function heardBy({ channels }: ApplyContext, now: number): void {
  for (const channel of channels.values()) {
    channel.heardAt = Math.min(channel.heardAt, now);
    channel.clearedHeardAt = Math.min(channel.clearedHeardAt, now);
  }
}

const later = (at: number | null, by: number): number | null => (at === null ? null : at + by);

/** What was told of the channel by the clock that was set. */
function shiftChannel(channel: Channel, by: number): void {
  channel.createdAt += by;
  channel.aliveAt += by;
  channel.answeredAt = later(channel.answeredAt, by);
  channel.clearedAt = later(channel.clearedAt, by);
  channel.hangupRequestedAt = later(channel.hangupRequestedAt, by);
  channel.firstDialAt = later(channel.firstDialAt, by);
  channel.voicemailAt = later(channel.voicemailAt, by);
  channel.seatedAt = later(channel.seatedAt, by);
  const { endBetween } = channel;
  if (endBetween !== null) channel.endBetween = { from: endBetween.from + by, to: later(endBetween.to, by) };
  channel.dials = channel.dials.map((dial) => ({ ...dial, at: dial.at + by, endedAt: later(dial.endedAt, by) }));
  channel.steppedAt = later(channel.steppedAt, by);
  channel.heardLateAt = later(channel.heardLateAt, by);
  channel.blindTimes = channel.blindTimes.map((time) => moved(time, by));
  channel.holds = channel.holds.map((hold) => moved(hold, by));
  channel.queues = channel.queues.map((stay) => moved(stay, by));
  channel.transfers = channel.transfers.map((transfer) => ({ ...transfer, at: transfer.at + by }));
}

function shiftBridge({ here, over }: Bridge, by: number): void {
  for (const [channel, stay] of here) here.set(channel, moved(stay, by));
  for (const [at, stay] of over.entries()) over[at] = moved(stay, by);
}

function moved<I extends Interval>(interval: I, by: number): I {
  return { ...interval, from: interval.from + by, to: later(interval.to, by) };
}
