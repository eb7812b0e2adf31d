/** What is known about the link to a PBX, and about the clock of the PBX. */
import type { CallEvent } from '../../telephony/call-event.ts';

/** Times: ms since the epoch, on the clock of arrival. */
export interface SourceLink {
  connectedAt: number | null;
  /** When the link was lost last; `null` before the first loss. */
  lostAt: number | null;
  /** True from the loss until the PBX is heard again. */
  lost: boolean;
  /** A list of the live channels has been completed on this connection. */
  complete: boolean;
  /** When anything came last. */
  heardAt: number | null;
  /** Until then what arrives may have waited for this program, which stood still. */
  lateUntil: number;
  boot: string | null;
  /**
   * How far the clock of the PBX is ahead of the clock of arrival, ms, by the event of this connection that was the least late;
   * `null` as long as no event has had a time of the PBX: its times are those of arrival then.
   */
  ahead: number | null;
  /** True when `ahead` is of this connection. */
  aheadFresh: boolean;
}

/** Before anything was heard. */
export function unheard(): SourceLink {
  return {
    ...{ connectedAt: null, lostAt: null, lost: false, complete: false, heardAt: null },
    ...{ lateUntil: Number.NEGATIVE_INFINITY, boot: null, ahead: null, aheadFresh: false },
  };
}

/** A time on the clock of arrival, on that of the PBX. */
export function onPbxClock(link: Pick<SourceLink, 'ahead'>, at: number): number {
  return at + (link.ahead ?? 0);
}

/** A difference up to this is no other clock: the time of such an event may be that of the PBX as well as that of arrival, ms. */
const SAME_CLOCK_MS = 1000;

/** An event with the time of its arrival, with the time that the clock of the PBX had then. */
export function stampedByPbx(link: Pick<SourceLink, 'ahead'>, event: CallEvent): CallEvent {
  if (Math.abs(link.ahead ?? 0) <= SAME_CLOCK_MS) return event;
  return { ...event, at: onPbxClock(link, event.at) };
}

/** Takes note of something that the PBX said about a channel. */
export function noteHeard(link: SourceLink, { at, receivedAt }: CallEvent): void {
  link.lost = false;
  // Some rows of lists have no time of the PBX although its events have one.
  if (at === receivedAt) return;
  const ahead = at - receivedAt;
  if (link.ahead !== null && link.aheadFresh && ahead <= link.ahead) return;
  link.ahead = ahead;
  link.aheadFresh = true;
}
