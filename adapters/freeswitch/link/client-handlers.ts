/** What an `EslClient` tells its owner. */
import type { SourceState } from '../../../src/ports.ts';
import type { EslFrame } from './codec.ts';
import type { EslEvent } from './event.ts';
import type { EslPeer } from './handshake.ts';

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
  onState?(state: SourceState, problem: string | null): void;
  /** One sentence about something an administrator should change, or a frame that could not be read. */
  onWarning?(text: string): void;
}

/** Counts since the client was made. */
export interface EslCounters {
  /** All frames, replies included. */
  readonly frames: number;
  readonly events: number;
  /** Event names that FreeSWITCH does not know, events that were not asked for, frames of unknown type. */
  readonly unknownEvents: number;
  /** Frames whose body could not be read, or was too long to be. */
  readonly badFrames: number;
  /** Attempts to connect. */
  readonly attempts: number;
  readonly lastFrameAt: number | null;
}
