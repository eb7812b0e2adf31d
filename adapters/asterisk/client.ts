/**
 * One PBX's AMI, for ever: connects, logs in, watches the link, and starts again when it breaks.
 *
 * | state      | happens                                   | next                                               |
 * |------------|-------------------------------------------|----------------------------------------------------|
 * | connecting | login accepted, then `FullyBooted` or its deadline | connected                                 |
 * | connecting | socket error, silence, end                | lost, again after the backoff                      |
 * | connecting | secret, certificate or port is wrong      | refused, again after `refusedDelayMs`              |
 * | connected  | error, end, no answer to a Ping           | lost, again after the backoff                      |
 * | lost       | the next attempt                          | connected, lost or refused                         |
 * | refused    | the next attempt                          | connected, lost or refused                         |
 * | any        | `close()`                                 | stopped                                            |
 *
 * The backoff doubles from `backoffInitialMs` to `backoffMaxMs` with full jitter, and starts anew only after a login and
 * `quietMs` of service: a PBX that accepts a login and drops it must not be hammered.
 */
import type { Clock, SourceState } from '../../src/ports.ts';
import { AmiActionError, type AmiList } from './actions.ts';
import { type ActionFields, AmiConnection, type TlsOptions } from './connection.ts';
import { login } from './login.ts';
import type { AmiPacket } from './packet.ts';
import { halfOpen, LinkFailure, noFullyBooted } from './problem.ts';

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
  readonly tls?: TlsOptions;
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
  /** A dead link is noticed after at most interval + deadline: 10 s and 5 s by default. */
  readonly pingIntervalMs?: number;
  readonly pingDeadlineMs?: number;
  readonly backoffInitialMs?: number;
  readonly backoffMaxMs?: number;
  readonly quietMs?: number;
  readonly refusedDelayMs?: number;
}

/** Every packet of a connection comes after its `onConnected` and before its `onLost`. None of these may throw. */
export interface AmiClientHandlers {
  /** Each event, `FullyBooted` and the items of lists included. `receivedAt`: ms since the epoch, UTC. */
  onPacket(packet: AmiPacket, receivedAt: number): void;
  /** Logged in and ready for actions. `fullyBooted` is `null` when the deadline passed without it. */
  onConnected(info: { readonly greeting: string; readonly fullyBooted: AmiPacket | null }): void;
  /** `orderly`: Asterisk said before that it is stopping (`Event: Shutdown`). Not called for `close()`. */
  onLost(reason: string, orderly: boolean): void;
  /** The state, when it or its problem changes; the problem may also qualify `connected`. */
  onState?(state: SourceState, problem: string | null): void;
  /** Exact bytes of every frame: greeting, responses and events; for a capture file. */
  onFrame?(raw: Uint8Array, receivedAt: number): void;
}

const DEFAULTS = {
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
  backoffInitialMs: 1_000,
  backoffMaxMs: 30_000,
  quietMs: 30_000,
  refusedDelayMs: 60_000,
} as const;

/** Packets held back before `onConnected`; a stream faster than this is let through without `FullyBooted`. */
const MAX_HELD = 10_000;

/** What is known of the present connection. */
interface Link {
  readonly connection: AmiConnection;
  /** Events that came before `onConnected`; `null` after it. */
  held: [AmiPacket, number][] | null;
  greeting: string;
  loggedIn: boolean;
  /** Monotonic ms of `onConnected`. */
  upAt: number;
  cancel: () => void;
}

export class AmiClient {
  readonly #options: Required<Omit<AmiClientOptions, 'tls'>> & Pick<AmiClientOptions, 'tls'>;
  readonly #handlers: AmiClientHandlers;
  #link: Link | null = null;
  #connections = 0;
  #failures = 0;
  #cancelRetry: () => void = () => {};
  #state: SourceState | null = null;
  #problem: string | null = null;

  constructor(options: AmiClientOptions, handlers: AmiClientHandlers) {
    this.#options = { ...DEFAULTS, ...options };
    this.#handlers = handlers;
  }

  /** Begins to connect and returns at once. */
  start(): void {
    if (this.#state !== null) return;
    this.#enter('connecting', null);
    this.#connect();
  }

  /** Sends an action and resolves with its response; rejects with an `AmiActionError`, also when not connected. */
  async action(name: string, fields: ActionFields = [], deadlineMs = this.#options.actionDeadlineMs) {
    return this.#ready(name).action(name, fields, deadlineMs);
  }

  /**
   * Sends an action that is answered by a list of events, which may be mixed with ordinary ones, and resolves with the
   * list. `deadlineMs` is the longest silence within it. The items have been handed to `onPacket` as well.
   */
  async listAction(
    name: string,
    fields: ActionFields = [],
    deadlineMs = this.#options.actionDeadlineMs,
  ): Promise<AmiList> {
    return this.#ready(name).listAction(name, fields, deadlineMs);
  }

  /** Drops the present connection, if there is one, and lets the client open a new one. */
  reconnect(reason: string): void {
    this.#link?.connection.close(new LinkFailure('network', reason));
  }

  /** Logs off, closes the connection and rejects what still waits. The client cannot be started again. */
  async close(): Promise<void> {
    const link = this.#link;
    this.#link = null;
    this.#cancelRetry();
    this.#enter('stopped', null);
    if (link === null) return;
    link.cancel();
    // Asterisk answers Goodbye and closes; whether it does so is of no interest, only that it had its second.
    if (link.loggedIn) await link.connection.action('Logoff', [], 1_000).catch(() => {});
    link.connection.close(new LinkFailure('network', 'the client was closed.'));
  }

  #ready(name: string): AmiConnection {
    if (this.#link?.held === null) return this.#link.connection;
    throw new AmiActionError('closed', `AMI action ${name} was not sent: there is no connection to Asterisk.`);
  }

  #connect(): void {
    const { host, port, tls, clock, connectTimeoutMs } = this.#options;
    const number = ++this.#connections;
    const connection = new AmiConnection(
      { host, port, tls, clock, number, connectTimeoutMs },
      {
        onEvent: (packet, at) => this.#event(link, packet, at),
        onFrame: (raw, at) => this.#handlers.onFrame?.(raw, at),
        onClosed: (failure) => this.#closed(link, failure),
      },
    );
    const link: Link = { connection, held: [], greeting: '', loggedIn: false, upAt: 0, cancel: () => {} };
    this.#link = link;
    this.#login(link).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      connection.close(
        error instanceof LinkFailure ? error : new LinkFailure('network', `${connection.where}: ${message}`),
      );
    });
  }

  async #login(link: Link): Promise<void> {
    const { username, auth, plainFallback, eventMask, actionDeadlineMs, bootDeadlineMs, clock } = this.#options;
    link.greeting = await link.connection.greeting();
    const { secret: given } = this.#options;
    const secret = typeof given === 'string' ? given : await given();
    const credentials = { username, secret, auth, plainFallback, eventMask };
    await login(link.connection, credentials, actionDeadlineMs);
    link.loggedIn = true;
    if (link !== this.#link || this.#announceBooted(link)) return;
    link.cancel = clock.after(bootDeadlineMs, () => this.#announce(link, null));
  }

  #event(link: Link, packet: AmiPacket, receivedAt: number): void {
    if (link !== this.#link) return;
    if (link.held === null) {
      this.#handlers.onPacket(packet, receivedAt);
      return;
    }
    link.held.push([packet, receivedAt]);
    if (!link.loggedIn) return;
    if (link.held.length >= MAX_HELD) this.#announce(link, null);
    else if (packet.get('Event') === 'FullyBooted') this.#announce(link, packet);
  }

  /** `FullyBooted` often comes in one piece with the answer to the login, that is before the login is known here. */
  #announceBooted(link: Link): boolean {
    const booted = link.held?.find(([packet]) => packet.get('Event') === 'FullyBooted')?.[0];
    if (booted !== undefined) this.#announce(link, booted);
    return booted !== undefined;
  }

  #announce(link: Link, fullyBooted: AmiPacket | null): void {
    const held = link.held ?? [];
    link.cancel();
    link.held = null;
    link.upAt = this.#options.clock.monotonic();
    const problem = fullyBooted === null ? noFullyBooted(link.connection.where, this.#options.bootDeadlineMs) : null;
    this.#enter('connected', problem);
    this.#handlers.onConnected({ greeting: link.greeting, fullyBooted });
    for (const [packet, receivedAt] of held) {
      if (link === this.#link) this.#handlers.onPacket(packet, receivedAt);
    }
    if (link === this.#link) this.#schedulePing(link);
  }

  #schedulePing(link: Link): void {
    link.cancel = this.#options.clock.after(this.#options.pingIntervalMs, () => {
      this.#ping(link).catch((error: unknown) => {
        link.connection.close(new LinkFailure('network', `${link.connection.where}: ${String(error)}`));
      });
    });
  }

  async #ping(link: Link): Promise<void> {
    const { pingDeadlineMs } = this.#options;
    const before = link.connection.bytes;
    try {
      await link.connection.action('Ping', [], pingDeadlineMs);
    } catch (error) {
      const late = error instanceof AmiActionError && error.failure === 'timeout';
      // Other packets arrived meanwhile: Asterisk is slow to answer, but the link is alive.
      if (late && link.connection.bytes === before)
        link.connection.close(halfOpen(link.connection.where, pingDeadlineMs));
    }
    if (link === this.#link) this.#schedulePing(link);
  }

  #closed(link: Link, failure: LinkFailure): void {
    link.cancel();
    if (link !== this.#link) return;
    // Events of a connection that broke between login and FullyBooted happened all the same.
    if (link.held !== null && link.loggedIn) this.#announce(link, null);
    const { clock, quietMs, refusedDelayMs } = this.#options;
    link.cancel();
    this.#link = null;
    if (link.held === null && clock.monotonic() - link.upAt >= quietMs) this.#failures = 0;
    const delay = failure.kind === 'refused' ? refusedDelayMs : this.#backoff();
    this.#cancelRetry = clock.after(delay, () => this.#connect());
    this.#enter(failure.kind === 'refused' ? 'refused' : 'lost', failure.message);
    if (link.held === null) this.#handlers.onLost(failure.message, link.connection.orderly);
  }

  #backoff(): number {
    const { backoffInitialMs, backoffMaxMs, random } = this.#options;
    const ceiling = Math.min(backoffMaxMs, backoffInitialMs * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    return random() * ceiling;
  }

  #enter(state: SourceState, problem: string | null): void {
    if (this.#state === state && this.#problem === problem) return;
    this.#state = state;
    this.#problem = problem;
    this.#handlers.onState?.(state, problem);
  }
}
