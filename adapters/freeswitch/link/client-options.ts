/** What an `EslClient` is to do, and how patiently. */
import type { FrameLimits } from './codec.ts';
import type { Ticker } from './connection.ts';
import type { EventFormat, Subscription } from './subscription.ts';

/** Times are in ms. */
export interface EslClientOptions {
  readonly host: string;
  readonly port: number;
  /** The password, or where to read it before each attempt; that may take as long as a command. */
  readonly password: string | (() => string | Promise<string>);
  readonly clock: Ticker;
  readonly format?: EventFormat;
  readonly subscription?: Subscription;
  /** For the TCP connection and the greeting together; 5 s. */
  readonly connectTimeoutMs?: number;
  /** For the reply to a command; 10 s. */
  readonly commandTimeoutMs?: number;
  /** Silence before `api status` is asked; 4 s. A dead link is noticed after this and `commandTimeoutMs` together. */
  readonly idleMs?: number;
  /** Bytes waiting for the consumer above which the socket is not read for a while; 1 MiB. */
  readonly queueBytes?: number;
  readonly limits?: FrameLimits;
  /** Events and their frames are good only until the handler returns, as their memory is used again; false unless given. */
  readonly reuse?: boolean;
  /** In [0, 1); `Math.random`. */
  readonly random?: () => number;
  /** Runs the consumer later, outside of the socket's turn; `setImmediate`. */
  readonly defer?: (run: () => void) => void;
}
