/**
 * A client of one FreeSWITCH event socket, for ever: connects, logs in, subscribes, and starts again when the link is lost.
 *
 *   state       what happens                                  next         then
 *   stopped     start()                                       connecting   connect at once
 *   connecting  logged in and subscribed                      connected    onConnected; failures forgotten after a quiet time
 *   connecting  password, address or subscription refused     refused      next attempt after `refusedDelayMs`
 *   connecting  no TCP, no greeting, not an event socket      lost         next attempt after the backoff
 *   connected   closed, silent, malformed, queue overflow     lost         onLost; next attempt after the backoff
 *   lost        a later attempt succeeds                      connected
 *   refused     a later attempt succeeds                      connected
 *   any         close()                                       stopped      `exit`, no more attempts
 *
 * While it tries again the state stays `lost` or `refused`, so that one trouble is told once.
 */
import type { SourceState } from '../../src/ports.ts';
import { type Backoff, defaultBackoff, retryDelay } from './backoff.ts';
import type { EslCounters, EslHandlers } from './client-handlers.ts';
import { defaultLimits, type EslFrame, type FrameLimits } from './codec.ts';
import { type ConnectionEnd, EslConnection, replyText, type Ticker } from './connection.ts';
import { readEvent } from './event.ts';
import { handshake, Refusal, refusedEvents } from './handshake.ts';
import { accessListProblem, linkProblem, notEslProblem, unknownEventsWarning } from './problems.ts';
import { defaultSubscription, type EventFormat, type Subscription, subscribedNames } from './subscription.ts';

/** Times are in ms. */
export interface EslClientOptions {
  readonly host: string;
  readonly port: number;
  /** The password, or where to read it before each attempt. */
  readonly password: string | (() => string | Promise<string>);
  readonly clock: Ticker;
  readonly format?: EventFormat;
  readonly subscription?: Subscription;
  /** For the TCP connection and the greeting together; 10 s. */
  readonly connectTimeoutMs?: number;
  /** For the reply to a command; 10 s. */
  readonly commandTimeoutMs?: number;
  /** Silence before `api status` is asked; 10 s. A dead link is noticed after this and `commandTimeoutMs`: 20 s. */
  readonly idleMs?: number;
  readonly backoff?: Backoff;
  /** Between attempts while FreeSWITCH refuses this client; 60 s. */
  readonly refusedDelayMs?: number;
  /** Frames waiting for the consumer before the connection is given up; 10 000. */
  readonly queueFrames?: number;
  /** The same in bytes; 64 MiB. */
  readonly queueBytes?: number;
  readonly limits?: FrameLimits;
  /** In [0, 1); `Math.random`. */
  readonly random?: () => number;
  /** Runs the consumer later, outside of the socket's turn; `setImmediate`. */
  readonly defer?: (run: () => void) => void;
}

const leaveMs = 1_000;

export class EslClient {
  readonly #options: EslClientOptions;
  readonly #handlers: EslHandlers;
  readonly #subscription: Subscription;
  readonly #subscribed: (name: string) => boolean;
  readonly #backoff: Backoff;
  readonly #address: string;
  readonly #counters = { frames: 0, events: 0, unknownEvents: 0, badFrames: 0, attempts: 0, overflows: 0 };
  #lastFrameAt: number | null = null;
  #connection: EslConnection | null = null;
  #state: SourceState = 'stopped';
  #problem: string | null = null;
  #greeted = false;
  #orderly = false;
  #connectedAt: number | null = null;
  /** Set when the peer or this client judged the connection before its end. */
  #verdict: { readonly state: 'refused' | 'lost'; readonly problem: string } | null = null;
  #failures = 0;
  readonly #warned = new Set<string>();
  #cancelRetry: (() => void) | null = null;

  constructor(options: EslClientOptions, handlers: EslHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#subscription = options.subscription ?? defaultSubscription;
    this.#subscribed = subscribedNames(this.#subscription);
    this.#backoff = options.backoff ?? defaultBackoff;
    this.#address = `${options.host}:${options.port}`;
  }

  /** Starts to connect and returns at once. */
  start(): void {
    if (this.#state !== 'stopped') return;
    this.#enter('connecting', null);
    this.#connect();
  }

  get state(): SourceState {
    return this.#state;
  }

  /** One sentence with the remedy; `null` when there is none to tell. */
  get problem(): string | null {
    return this.#problem;
  }

  counters(): EslCounters {
    return { ...this.#counters, lastFrameAt: this.#lastFrameAt };
  }

  /**
   * Runs one API command (without the word `api`) and resolves with the reply frame, `-ERR` replies included. Rejects
   * when not connected, at the deadline, at the loss of the link, or for control characters in the command.
   */
  async query(command: string): Promise<EslFrame> {
    const connection = this.#connection;
    if (connection === null || this.#state !== 'connected') {
      throw new Error(`"api ${command}" was not sent: FreeSWITCH at ${this.#address} is not connected.`);
    }
    return connection.send(`api ${command}`, `api ${command}`);
  }

  /** Like `query`, with the text of the answer. */
  async api(command: string): Promise<string> {
    return replyText(await this.query(command));
  }

  /** Sends `exit`, closes, makes no more attempts; resolves when the socket is closed. No callback but `onState` follows. */
  async close(): Promise<void> {
    this.#cancelRetry?.();
    const connection = this.#connection;
    this.#connection = null;
    this.#enter('stopped', null);
    await connection?.leave(leaveMs);
  }

  #connect(): void {
    const options = this.#options;
    this.#greeted = false;
    this.#orderly = false;
    this.#connectedAt = null;
    this.#verdict = null;
    this.#counters.attempts++;
    const connection = new EslConnection(
      {
        host: options.host,
        port: options.port,
        connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
        commandTimeoutMs: options.commandTimeoutMs ?? 10_000,
        idleMs: options.idleMs ?? 10_000,
        queueFrames: options.queueFrames ?? 10_000,
        queueBytes: options.queueBytes ?? 64 * 1024 * 1024,
        limits: options.limits ?? defaultLimits,
        clock: options.clock,
        defer: options.defer ?? ((run) => setImmediate(run)),
      },
      {
        onReceived: (frame, receivedAt) => this.#received(frame, receivedAt),
        onFrame: (frame, receivedAt) => this.#frame(connection, frame, receivedAt),
        onEnd: (end) => this.#ended(connection, end),
      },
    );
    this.#connection = connection;
    connection.open();
  }

  #received(frame: EslFrame, receivedAt: number): void {
    this.#counters.frames++;
    this.#lastFrameAt = receivedAt;
    this.#guard('A frame could not be handed on', () => this.#handlers.onFrame?.(frame.raw, receivedAt));
  }

  #frame(connection: EslConnection, frame: EslFrame, receivedAt: number): void {
    if (connection !== this.#connection) return;
    if (!this.#greeted) {
      this.#greeting(connection, frame);
      return;
    }
    if (frame.contentType === 'text/disconnect-notice') {
      this.#orderly = true;
      // With `linger` the events of the last calls still come; otherwise nothing follows.
      if (frame.headers.get('content-disposition')?.toLowerCase() === 'linger') return;
      connection.end({ kind: 'closed', reason: 'FreeSWITCH took leave.', code: null });
    } else if (frame.contentType.startsWith('text/event-')) this.#event(frame, receivedAt);
    else this.#counters.unknownEvents++;
  }

  #greeting(connection: EslConnection, frame: EslFrame): void {
    this.#greeted = true;
    if (frame.contentType === 'auth/request') {
      this.#logIn(connection).catch((error: unknown) => {
        const problem = error instanceof Error ? error.message : String(error);
        if (error instanceof Refusal) this.#verdict = { state: 'refused', problem };
        connection.end({ kind: 'closed', reason: problem, code: null });
      });
      return;
    }
    this.#verdict =
      frame.contentType === 'text/rude-rejection'
        ? { state: 'refused', problem: accessListProblem(this.#address, this.#refusedDelayMs) }
        : { state: 'lost', problem: notEslProblem(this.#address, `Its greeting is of type "${frame.contentType}".`) };
    connection.end({ kind: 'closed', reason: 'The greeting was not that of an event socket.', code: null });
  }

  async #logIn(connection: EslConnection): Promise<void> {
    const { password, format = 'json' } = this.#options;
    const peer = await handshake(connection, {
      address: this.#address,
      password: async () => (typeof password === 'string' ? password : password()),
      format,
      subscription: this.#subscription,
      refusedDelayMs: this.#refusedDelayMs,
      clock: this.#options.clock,
      warn: (text) => this.#warnOnce(text),
    });
    if (connection !== this.#connection) return;
    this.#connectedAt = this.#options.clock.monotonic();
    this.#enter('connected', null);
    this.#handlers.onConnected(peer);
    const refused = await refusedEvents(connection, format, this.#subscription);
    if (refused.length === 0) return;
    this.#counters.unknownEvents += refused.length;
    this.#warnOnce(unknownEventsWarning(refused));
  }

  #event(frame: EslFrame, receivedAt: number): void {
    const reading = readEvent(frame);
    if ('problem' in reading) {
      this.#counters.badFrames++;
      this.#handlers.onWarning?.(reading.problem);
      return;
    }
    const { event } = reading;
    this.#counters.events++;
    if (!this.#subscribed(event.name)) this.#counters.unknownEvents++;
    if (event.name === 'SHUTDOWN') this.#orderly = true;
    this.#guard(`The event ${event.name} could not be processed and was left out`, () => {
      this.#handlers.onEvent(event, frame, receivedAt);
    });
  }

  /** A consumer that fails costs one frame, never the connection. */
  #guard(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#handlers.onWarning?.(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #ended(connection: EslConnection, end: ConnectionEnd): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    const { clock, random = Math.random } = this.#options;
    if (end.kind === 'overflow') this.#counters.overflows++;
    const stood = this.#connectedAt === null ? 0 : clock.monotonic() - this.#connectedAt;
    if (this.#connectedAt !== null && stood >= this.#backoff.quietMs) this.#failures = 0;
    this.#failures++;
    const notEsl = end.kind === 'protocol' && !this.#greeted;
    const problem = notEsl ? notEslProblem(this.#address, end.reason) : linkProblem(this.#address, end);
    const { state, problem: told } = this.#verdict ?? { state: 'lost', problem };
    const delay = state === 'refused' ? this.#refusedDelayMs : retryDelay(this.#failures, random(), this.#backoff);
    this.#cancelRetry = clock.after(delay, () => this.#connect());
    if (this.#connectedAt !== null) this.#handlers.onLost(problem, this.#orderly);
    if (this.#state !== 'stopped') this.#enter(state, told);
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#handlers.onWarning?.(text);
  }

  get #refusedDelayMs(): number {
    return this.#options.refusedDelayMs ?? 60_000;
  }

  #enter(state: SourceState, problem: string | null): void {
    if (this.#state === state && this.#problem === problem) return;
    this.#state = state;
    this.#problem = problem;
    this.#handlers.onState?.(state, problem);
  }
}
