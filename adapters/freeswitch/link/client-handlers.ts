/** What an `EslClient` tells its owner. */
import type { LinkStatus } from '../../../src/link/link.ts';
import type { EslFrame } from './codec.ts';
import type { EslEvent } from './event.ts';
import type { EslPeer } from './handshake.ts';

/** What is wrong with a frame: longer than is kept, not what it should be, or what handles it throws. */
export type EslFault = 'too long' | 'unreadable' | 'not handled';

/** Only `onEvent`, `onFrame`, `onConnected` and `onLost` may throw: that is a fault, and what comes next comes. */
export interface EslHandlers {
  /** Every event, in order. `receivedAt`: wall clock, ms since the epoch. */
  onEvent(event: EslEvent, frame: EslFrame, receivedAt: number): void;
  /** Logged in and subscribed; comes before the first event of the connection. */
  onConnected(peer: EslPeer): void;
  /**
   * The link that `onConnected` told of is gone. `orderly`: FreeSWITCH said that it stops or hangs up. `silentMs`: how long
   * nothing had come when that was noticed; 0 where the end itself was seen.
   */
  onLost(reason: string, orderly: boolean, silentMs: number): void;
  /** The exact bytes of every frame, replies included, in order, before anything is made of it: for captures. */
  onFrame?(raw: Uint8Array, receivedAt: number): void;
  /** The answer to `status`, which a link that has been silent is asked for. */
  onAlive?(status: string): void;
  onStatus?(status: LinkStatus): void;
  /** One sentence about something an administrator should change. */
  onWarning?(text: string): void;
  /** A frame was left out; `text`, one sentence, says why. The link goes on. */
  onFault?(subject: EslFault, text: string): void;
}

/** Counts since the client was made. */
export interface EslCounters {
  /** All frames, replies included. */
  readonly frames: number;
  readonly events: number;
  /** Event names that FreeSWITCH does not know, events that were not asked for, frames of unknown type. */
  readonly unknownEvents: number;
  /** Attempts to connect. */
  readonly attempts: number;
  readonly lastFrameAt: number | null;
}
