/**
 * One PBX's AMI, for ever: connects, logs in, watches the link, and starts again when it breaks.
 *
 * | state      | happens                                   | next                                               |
 * |------------|-------------------------------------------|----------------------------------------------------|
 * | connecting | login accepted, then `FullyBooted` or its deadline | connected                                 |
 * | connecting | socket error, silence, end                | lost                                               |
 * | connecting | certificate, port or version is wrong     | refused                                            |
 * | connecting | user or secret is wrong                   | refused; connects at once, but holds back its login |
 * | connected  | error, end, silence                       | lost                                               |
 * | lost       | the next attempt                          | connected, lost or refused                         |
 * | refused    | the next attempt                          | connected, lost or refused                         |
 * | any        | `close()`                                 | stopped                                            |
 *
 * When the next attempt comes: `pace.ts`.
 */
import type { SourceState } from '../../../src/ports.ts';
import { AmiActionError, type AmiList } from './actions.ts';
import { type AmiClientHandlers, type AmiClientOptions, DEFAULTS } from './client-options.ts';
import { type ActionFields, AmiConnection } from './connection.ts';
import { watchPulse } from './heartbeat.ts';
import { login } from './login.ts';
import { createPace } from './pace.ts';
import type { AmiPacket } from './packet.ts';
import { halfOpen, LinkFailure, noFullyBooted } from './problem.ts';

/** Packets held back before `onConnected`, and their bytes; a stream beyond this is let through without `FullyBooted`. */
const MAX_HELD = 10_000;
const MAX_HELD_BYTES = 1 << 26;

/** What is known of the present connection. */
interface Link {
  readonly connection: AmiConnection;
  /** Events that came before `onConnected`; `null` after it. */
  held: [AmiPacket, number][] | null;
  heldBytes: number;
  greeting: string;
  loggedIn: boolean;
  /** Monotonic ms of `onConnected`. */
  upAt: number;
  /** What ends the waiting for the login's turn or for `FullyBooted`. */
  cancel: () => void;
  cancelPulse: () => void;
}

export class AmiClient {
  readonly #options: Required<Omit<AmiClientOptions, 'tls'>> & Pick<AmiClientOptions, 'tls'>;
  readonly #handlers: AmiClientHandlers;
  #link: Link | null = null;
  readonly #pace: ReturnType<typeof createPace>;
  #connections = 0;
  #cancelRetry: () => void = () => {};
  #state: SourceState | null = null;
  #problem: string | null = null;

  constructor(options: AmiClientOptions, handlers: AmiClientHandlers) {
    this.#options = { ...DEFAULTS, ...options };
    this.#handlers = handlers;
    this.#pace = createPace(this.#options);
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
    end(link);
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
        onFault: (text) => this.#handlers.onFault?.(text),
        onClosed: (failure) => this.#closed(link, failure),
      },
    );
    const idle = () => {};
    const timers = { cancel: idle, cancelPulse: idle };
    const link: Link = { connection, held: [], heldBytes: 0, greeting: '', loggedIn: false, upAt: 0, ...timers };
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
    const over = () => link !== this.#link;
    await this.#pace.turn(over, (cancel) => {
      link.cancel = cancel;
    });
    if (over()) return;
    const secret = await this.#pace.secret();
    const credentials = { username, secret, auth, plainFallback, eventMask };
    await login(link.connection, credentials, actionDeadlineMs);
    link.loggedIn = true;
    if (over()) return;
    this.#watch(link);
    if (!this.#announceBooted(link)) link.cancel = clock.after(bootDeadlineMs, () => this.#announce(link, null));
  }

  #event(link: Link, packet: AmiPacket, receivedAt: number): void {
    if (link !== this.#link) return;
    if (link.held === null) {
      this.#handlers.onPacket(packet, receivedAt);
      return;
    }
    link.held.push([packet, receivedAt]);
    link.heldBytes += packet.raw.length;
    if (!link.loggedIn) return;
    if (link.held.length >= MAX_HELD || link.heldBytes >= MAX_HELD_BYTES) this.#announce(link, null);
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
    const { greeting, connection } = link;
    connection.handle('beginning', () => this.#handlers.onConnected({ greeting, fullyBooted }));
    for (const [packet, receivedAt] of held) {
      if (link === this.#link) connection.handle(packet, () => this.#handlers.onPacket(packet, receivedAt));
    }
  }

  #watch(link: Link): void {
    const { clock, pingIntervalMs, pingDeadlineMs } = this.#options;
    const { connection } = link;
    link.cancelPulse = watchPulse(clock, pingIntervalMs, pingDeadlineMs, {
      heardAt: () => connection.heardAt,
      bytes: () => connection.bytes,
      ping: () => void connection.action('Ping', [], pingDeadlineMs).catch(() => {}),
      onDead: (silentMs) => connection.close(halfOpen(connection.where, silentMs)),
    });
  }

  #closed(link: Link, failure: LinkFailure): void {
    end(link);
    if (link !== this.#link) return;
    // Events of a connection that broke between login and FullyBooted happened all the same.
    if (link.held !== null && link.loggedIn) this.#announce(link, null);
    end(link);
    this.#link = null;
    const { orderly } = link.connection;
    const waiting = this.#pace.waiting && link.greeting !== '' && failure.kind === 'network';
    const stoodMs = link.held === null ? this.#options.clock.monotonic() - link.upAt : null;
    const delay = this.#pace.failed(failure, { greeted: link.greeting !== '', stoodMs, orderly });
    this.#cancelRetry = this.#options.clock.after(delay, () => this.#connect());
    // Asterisk ends a connection that does not log in; that is no news while the login is held back.
    if (!waiting) this.#enter(failure.kind === 'network' ? 'lost' : 'refused', failure.message);
    const silentMs = failure.silent ? this.#options.clock.monotonic() - link.connection.heardAt : 0;
    if (link.held !== null) return;
    link.connection.handle('end', () => this.#handlers.onLost(failure.message, orderly, silentMs));
  }

  #enter(state: SourceState, problem: string | null): void {
    if (this.#state === state && this.#problem === problem) return;
    this.#state = state;
    this.#problem = problem;
    this.#handlers.onState?.(state, problem);
  }
}

function end(link: Link): void {
  link.cancel();
  link.cancelPulse();
}
