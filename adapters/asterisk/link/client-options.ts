/** What a client is told, and what it tells. */
import type { LinkStatus } from '../../../src/link/link.ts';
import { retryDelayMs } from '../../../src/link/retry.ts';
import type { Clock } from '../../../src/ports.ts';
import type { SecureSettings } from '../../tls/settings.ts';
import type { AmiFault } from './connection.ts';
import type { AmiPacket } from './packet.ts';

export interface AmiClientOptions {
  readonly host: string;
  /** Default 5038. */
  readonly port?: number;
  readonly username: string;
  /** The secret, or a function that fetches it anew for each login. */
  readonly secret: string | (() => string | Promise<string>);
  /** Default `md5`. */
  readonly auth?: 'md5' | 'plain';
  /** With `md5`: send the secret as it is to a server that offers no challenge. Default false. */
  readonly plainFallback?: boolean;
  readonly tls?: SecureSettings | undefined;
  /** Event classes asked for, default `on`: all that the user may read. `system` is needed to learn of restarts. */
  readonly eventMask?: string;
  readonly clock: Clock;
  readonly random?: () => number;
  /** All in ms. Default 10 s for a connection, and again for its greeting. */
  readonly connectTimeoutMs?: number;
  /** Default 10 s. */
  readonly actionDeadlineMs?: number;
  /** Default 3 s from the login to `FullyBooted`. */
  readonly bootDeadlineMs?: number;
  /** A dead link is noticed interval + deadline after its last byte: 10 s and 5 s by default. */
  readonly pingIntervalMs?: number;
  readonly pingDeadlineMs?: number;
  /** Delay before the next attempt, ms; default `retryDelayMs` of `src/link/retry.ts`. */
  readonly retryMs?: typeof retryDelayMs;
}

/**
 * Every packet of a connection comes after its `onConnected` and before its `onLost`. Only `onPacket` and `onFrame` may throw:
 * the packet is then left out, told by `onFault`, and the next one comes.
 */
export interface AmiClientHandlers {
  /** Each event, `FullyBooted` and the items of lists included. `receivedAt`: ms since the epoch, UTC. */
  onPacket(packet: AmiPacket, receivedAt: number): void;
  /** Logged in and ready for actions. `fullyBooted` is `null` when the deadline passed without it. */
  onConnected(info: { readonly greeting: string; readonly fullyBooted: AmiPacket | null }): void;
  /**
   * `orderly`: Asterisk said before that it is stopping (`Event: Shutdown`). `silentMs`: how long the link was dead before it was
   * noticed, 0 when Asterisk ended it. Not called for `close()`.
   */
  onLost(reason: string, orderly: boolean, silentMs: number): void;
  /** The login was done anew on another connection, which goes on in the place of the one before. */
  onRenewed?(): void;
  /** The state, when it or its problem changes; the problem may also qualify `connected`. */
  onStatus?(status: LinkStatus): void;
  /** Exact bytes of every frame: greeting, responses and events; for a capture file. */
  onFrame?(raw: Uint8Array, receivedAt: number): void;
  /** The answer to a Ping: with `Timestamp`, the time of the PBX. */
  onPong?(answer: AmiPacket, receivedAt: number): void;
  /** A packet was left out, because it is beyond all limits or could not be handled; the link goes on. */
  onFault?(subject: AmiFault, text: string): void;
}

export const DEFAULTS = {
  port: 5038,
  auth: 'md5',
  plainFallback: false,
  eventMask: 'on',
  random: Math.random,
  connectTimeoutMs: 10_000,
  actionDeadlineMs: 10_000,
  bootDeadlineMs: 3_000,
  pingIntervalMs: 10_000,
  pingDeadlineMs: 5_000,
  retryMs: retryDelayMs,
} as const;
