/**
 * Losing and finding the PBX again. AMI and ESL tell nothing of what happened meanwhile, so what cannot be known is marked:
 * a channel of an earlier PBX process, or one that is missing from the snapshot after a reconnect, has ended at a time
 * nobody saw. It is known to have lived until something was said of it last, or, while its end would have been heard, until anything
 * was heard of the PBX; that is taken for its end, and the record tells by when it was over.
 */

import type { CallEvent } from '../../telephony/call-event.ts';
import { plus } from '../few.ts';
import type { ApplyContext } from './context.ts';
import { onPbxClock, type SourceLink } from './link.ts';
import { clear, seeAgain } from './membership.ts';
import { carryOver } from './sequel.ts';
import { shiftTimes, stallFor } from './shift.ts';
import { type Channel, isLive } from './state.ts';

/** AMI tells its uptime in whole seconds: the computed start may be this much too late. */
const BOOT_SLACK_MS = 1000;

export function reconcile(context: ApplyContext, event: CallEvent): void {
  const { link } = context;
  switch (event.kind) {
    case 'source-lost':
      lose(context, Math.min(event.at, event.receivedAt));
      return;
    case 'source-connected': {
      const wasConnected = link.connectedAt !== null && !link.lost;
      // A greeting, which says nothing about the PBX process, begins every connection: a second one means that nobody saw the
      // first connection end (a capture).
      if (wasConnected && event.boot === null && event.bootedAt === null)
        lose(context, link.heardAt ?? event.receivedAt);
      connect(context, event);
      return;
    }
    case 'snapshot-complete':
      link.complete = true;
      for (const channel of context.channels.values()) {
        if (channel.followed === 'listed') {
          channel.followed = 'yes';
          seeAgain(channel, onPbxClock(link, event.receivedAt));
        } else if (channel.followed === 'no')
          endUnheard(context, channel, onPbxClock(link, event.receivedAt), event.receivedAt);
      }
      return;
    case 'vanished': {
      const channel = context.channels.get(event.channel);
      if (channel === undefined || !isLive(channel)) return;
      // What else was told of it may be missing as well; where the records tell its end, they tell that too.
      const aliveAt = onPbxClock(link, Math.min(event.at, event.receivedAt));
      if (event.overAt === undefined) goBlind(channel, aliveAt);
      proveAlive(channel, aliveAt);
      endUnheard(context, channel, event.overAt ?? onPbxClock(link, event.receivedAt), event.receivedAt);
      return;
    }
    case 'carried-over': {
      const channel = context.channels.get(event.channel);
      // Where what is over is known as well, as when all is folded again, its call is yet to be reported here.
      if (channel !== undefined && [...channel.call.channels].every(isLive)) carryOver(channel);
      return;
    }
    case 'clock-stepped':
      shiftTimes(context, event.clock, event.by, event.receivedAt);
      return;
    case 'stalled':
      stallFor(link, event.receivedAt);
      return;
    default:
      return;
  }
}

function connect(context: ApplyContext, event: Extract<CallEvent, { kind: 'source-connected' }>): void {
  const { link } = context;
  const restarted = event.boot !== null && isRestart(link, event.boot);
  // By the clock of `at`, which is that of the PBX where the event has its time.
  const toPbx = event.at === event.receivedAt ? onPbxClock(link, 0) : 0;
  const bootedAt = event.bootedAt === null ? null : event.bootedAt + toPbx;
  const over = Math.min(bootedAt ?? event.at + toPbx, event.at + toPbx);
  for (const channel of context.channels.values()) {
    if (restarted || (bootedAt !== null && channel.createdAt < bootedAt - BOOT_SLACK_MS))
      endBefore(context, channel, over, event.receivedAt);
  }
  link.boot = event.boot ?? link.boot;
  link.connectedAt = event.receivedAt;
  link.lost = false;
  link.complete = false;
  link.aheadFresh = false;
}

/** Not everything is told of it from then on, by the clock of the PBX. */
function goBlind(channel: Channel, from: number): void {
  channel.blind = true;
  if (channel.blindTimes.at(-1)?.to !== null) channel.blindTimes = plus(channel.blindTimes, { from, to: null });
}

/** `at`: on the clock of arrival. A link that is lost already has not been lost later: nothing was heard meanwhile. */
function lose(context: ApplyContext, at: number): void {
  const { link } = context;
  if (link.lost) return;
  link.lost = true;
  link.lostAt = at;
  const heardAt = onPbxClock(link, at);
  for (const channel of context.channels.values()) {
    if (isLive(channel)) {
      goBlind(channel, heardAt);
      if (channel.followed === 'yes') proveAlive(channel, heardAt);
    }
    channel.followed = 'no';
  }
}

function proveAlive(channel: Channel, at: number): void {
  channel.aliveAt = Math.max(channel.aliveAt, at);
}

/**
 * The channel is over, and nobody heard its end. `to`: by when it was over, on the clock of the PBX; `null`: nothing tells that.
 * `heardAt`: when that was found, on the clock of arrival. Nothing becomes of a channel whose end is known.
 */
export function endUnheard(context: ApplyContext, channel: Channel, to: number | null, heardAt: number): void {
  if (!isLive(channel)) return;
  const from = Math.max(channel.createdAt, Math.min(channel.aliveAt, to ?? channel.aliveAt));
  channel.endBetween = { from, to: to === null ? null : Math.max(from, to) };
  clear(context, channel, from, heardAt);
}

/** The same for a channel of another process of the PBX, which nobody saw end: it lived until anything was heard of that. */
function endBefore(context: ApplyContext, channel: Channel, to: number, heardAt: number): void {
  const { link } = context;
  if (channel.followed === 'yes' && isLive(channel) && link.heardAt !== null)
    proveAlive(channel, onPbxClock(link, link.heardAt));
  endUnheard(context, channel, to, heardAt);
}

/** Another process of the PBX than the one known. */
function isRestart(link: SourceLink, boot: string): boolean {
  return link.boot !== null && link.boot !== boot;
}

/**
 * Takes note of the PBX process that an event names; `at` on the clock of the PBX, `heardAt` on that of arrival. When it is a new
 * one every channel of before is over. Returns whether that was so.
 */
export function noteBoot(context: ApplyContext, boot: string, at: number, heardAt: number): boolean {
  const { link } = context;
  const restarted = isRestart(link, boot);
  link.boot = boot;
  if (!restarted) return false;
  for (const channel of context.channels.values()) endBefore(context, channel, at, heardAt);
  return true;
}

/** Ends the channels that were there when the link was lost and that nothing has confirmed since. */
export function endUnconfirmed(context: ApplyContext): void {
  const { lostAt } = context.link;
  if (lostAt === null) return;
  for (const channel of context.channels.values()) {
    if (channel.followed === 'no') endUnheard(context, channel, null, lostAt);
  }
}
