/**
 * Losing and finding the PBX again. AMI and ESL tell nothing of what happened meanwhile, so what cannot be known is marked:
 * a channel of an earlier PBX process, or one that is missing from the snapshot after a reconnect, has ended at a time
 * nobody saw.
 */
import type { CallEvent } from '../../telephony/call-event.ts';
import type { ApplyContext } from './context.ts';
import { clear } from './membership.ts';
import { isLive } from './state.ts';

/** What is known about the link to the PBX. Times: ms since the epoch. */
export interface SourceLink {
  connectedAt: number | null;
  /** When the link was lost last, on the clock of the PBX as far as that is known; `null` before the first loss. */
  lostAt: number | null;
  /** True from the loss until the PBX is heard again. */
  lost: boolean;
  /** How far the clock of the PBX is ahead of the clock of arrival, ms. */
  clockAhead: number;
  boot: string | null;
  lastHeardAt: number | null;
  /** `lastHeardAt` at the time of the loss. */
  heardBeforeLoss: number | null;
}

/** Before anything was heard. */
export function unheard(): SourceLink {
  return {
    ...{ connectedAt: null, lostAt: null, lost: false, clockAhead: 0 },
    ...{ boot: null, lastHeardAt: null, heardBeforeLoss: null },
  };
}

/** A difference of the clocks up to this may as well be a delay on the way, ms. */
const CLOCK_SLACK_MS = 60_000;

/** AMI tells its uptime in whole seconds: the computed start may be this much too late. */
const BOOT_SLACK_MS = 1000;

export function reconcile(context: ApplyContext, link: SourceLink, event: CallEvent): void {
  switch (event.kind) {
    case 'source-lost':
      lose(context, link, event.at);
      return;
    case 'source-connected': {
      const wasConnected = link.connectedAt !== null && !link.lost;
      // A greeting, which says nothing about the PBX process, begins every connection: a second one means that nobody saw the
      // first connection end (a capture).
      if (wasConnected && event.boot === null && event.bootedAt === null) {
        lose(context, link, link.lastHeardAt ?? event.at);
      }
      const restarted = event.boot !== null && isRestart(link, event.boot);
      const bootedAt = event.bootedAt === null ? Number.NEGATIVE_INFINITY : event.bootedAt - BOOT_SLACK_MS;
      for (const channel of context.channels.values()) {
        if (!isLive(channel) || !(restarted || channel.createdAt < bootedAt)) continue;
        channel.endSeen = false;
        clear(context, channel, Math.min(lastAlive(link, event.at), event.bootedAt ?? event.at), event.receivedAt);
      }
      link.boot = event.boot ?? link.boot;
      link.connectedAt = event.at;
      link.lost = false;
      return;
    }
    case 'snapshot-complete':
      for (const channel of context.channels.values()) {
        if (!isLive(channel) || channel.confirmed) continue;
        channel.endSeen = false;
        clear(context, channel, lastAlive(link, event.at), event.receivedAt);
      }
      return;
    case 'vanished': {
      const channel = context.channels.get(event.channel);
      if (channel === undefined || !isLive(channel)) return;
      channel.endSeen = false;
      clear(context, channel, onPbxClock(link, event.at), event.receivedAt);
      return;
    }
    default:
      return;
  }
}

/** Takes note of something that the PBX said about a channel. */
export function noteHeard(link: SourceLink, at: number, receivedAt: number): void {
  link.lost = false;
  link.clockAhead = at - receivedAt;
}

/** `at`: on the clock of arrival. A link that is lost already has not been lost later: nothing was heard meanwhile. */
function lose(context: ApplyContext, link: SourceLink, at: number): void {
  if (link.lost) return;
  link.lost = true;
  link.lostAt = onPbxClock(link, at);
  link.heardBeforeLoss = link.lastHeardAt;
  for (const channel of context.channels.values()) {
    channel.confirmed = false;
    channel.blind ||= isLive(channel);
  }
}

function onPbxClock(link: SourceLink, at: number): number {
  return Math.abs(link.clockAhead) > CLOCK_SLACK_MS ? at + link.clockAhead : at;
}

/** Another process of the PBX than the one known. */
function isRestart(link: SourceLink, boot: string): boolean {
  return link.boot !== null && link.boot !== boot;
}

/**
 * Takes note of the PBX process that an event names. When it is a new one every channel of before is over. Returns whether
 * that was so.
 */
export function noteBoot(context: ApplyContext, link: SourceLink, boot: string, at: number, heardAt: number): boolean {
  const restarted = isRestart(link, boot);
  link.boot = boot;
  if (!restarted) return false;
  for (const channel of context.channels.values()) {
    if (!isLive(channel)) continue;
    channel.endSeen = false;
    clear(context, channel, lastAlive(link, at), heardAt);
  }
  return true;
}

/** The last moment at which a channel of before the loss is known to have lived: just after the last thing heard. */
function lastAlive(link: SourceLink, now: number): number {
  return link.lostAt === null ? now : Math.max(link.lostAt, (link.heardBeforeLoss ?? 0) + 1);
}

/** Ends the channels that were there when the link was lost and that nothing has confirmed since. */
export function endUnconfirmed(context: ApplyContext, link: SourceLink): void {
  const { lostAt } = link;
  for (const channel of context.channels.values()) {
    if (lostAt === null || !isLive(channel) || channel.confirmed || channel.createdAt >= lostAt) continue;
    channel.endSeen = false;
    clear(context, channel, lastAlive(link, lostAt), lostAt);
  }
}
