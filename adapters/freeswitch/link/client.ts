/**
 * A client of one FreeSWITCH event socket, for ever: connects, logs in, subscribes, and starts again when the link is lost.
 *
 *   state       what happens                                  next         then
 *   stopped     start()                                       connecting   connect at once
 *   connecting  logged in and subscribed                      connected    onConnected
 *   connecting  password, address or subscription refused     refused      next attempt after some seconds
 *   connecting  no TCP, no greeting, not an event socket      lost         next attempt
 *   connected   closed, silent, malformed, drop()             lost         onLost; next attempt
 *   lost        a later attempt succeeds                      connected
 *   refused     a later attempt succeeds                      connected
 *   any         close()                                       stopped      `exit`, no more attempts
 *
 * When the next attempt is made says `src/link/retry.ts`: FreeSWITCH repeats nothing, so every second without it is a hole.
 * While it tries again the state stays `lost` or `refused`, so that one trouble is told once.
 */
import { isLoopback, type LinkFailureKind, retryDelayMs } from '../../../src/link/retry.ts';
import type { SourceState } from '../../../src/ports.ts';
import type { EslCounters, EslHandlers } from './client-handlers.ts';
import type { EslClientOptions } from './client-options.ts';
import { defaultLimits, type EslFrame } from './codec.ts';
import { type ConnectionEnd, EslConnection, replyText } from './connection.ts';
import { readEvent } from './event.ts';
import { handshake, Refusal, refusedEvents } from './handshake.ts';
import { accessListProblem, linkProblem, notEslProblem, tooLongWarning, unknownEventsWarning } from './problem.ts';
import type { Fits } from './questions.ts';
import { defaultSubscription, type Subscription, subscribedNames } from './subscription.ts';

const leaveMs = 1_000;
/** Commands under way at once: enough to hide the way there and back, few enough to let events through soon. */
const window = 16;

export class EslClient {
  readonly #options: EslClientOptions;
  readonly #handlers: EslHandlers;
  readonly #subscription: Subscription;
  readonly #subscribed: (name: string) => boolean;
  readonly #address: string;
  readonly #counters = { frames: 0, events: 0, unknownEvents: 0, badFrames: 0, attempts: 0 };
  #lastFrameAt: number | null = null;
  #connection: EslConnection | null = null;
  #state: SourceState = 'stopped';
  #problem: string | null = null;
  #greeted = false;
  #orderly = false;
  #connectedAt: number | null = null;
  /** Set when the peer or this client judged the connection before its end. */
  #verdict: { readonly state: 'refused' | 'lost'; readonly problem: string } | null = null;
  /** The last failures, as far as they were of one kind. */
  #failed: { readonly kind: LinkFailureKind; readonly times: number } | null = null;
  readonly #warned = new Set<string>();
  #cancelRetry: (() => void) | null = null;

  constructor(options: EslClientOptions, handlers: EslHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#subscription = options.subscription ?? defaultSubscription;
    this.#subscribed = subscribedNames(this.#subscription);
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
   * Runs one API command (without the word `api`) and resolves with the reply frame, `-ERR` replies included; `fits` tells
   * its reply from others. Rejects when not connected, at the deadline, at the loss of the link, or for control characters
   * in the command.
   */
  async query(command: string, fits?: Fits): Promise<EslFrame> {
    const connection = this.#connection;
    if (connection === null || this.#state !== 'connected') {
      throw new Error(`"api ${command}" was not sent: FreeSWITCH at ${this.#address} is not connected.`);
    }
    return connection.send(`api ${command}`, `api ${command}`, fits);
  }

  /** Gives up the present connection, if there is one, and makes it anew. `reason`: one sentence. */
  drop(reason: string): void {
    this.#connection?.end({ kind: 'unanswered', reason, code: null });
  }

  /** Like `query`, with the text of the answer. */
  async api(command: string): Promise<string> {
    return replyText(await this.query(command));
  }

  /**
   * Hands on what has been read, sends `exit`, closes, makes no more attempts; resolves when the socket is closed. No callback
   * but `onState` follows.
   */
  async close(): Promise<void> {
    this.#cancelRetry?.();
    const connection = this.#connection;
    const left = connection?.leave(leaveMs);
    this.#cancelRetry?.();
    this.#connection = null;
    this.#enter('stopped', null);
    await left;
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
        connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
        commandTimeoutMs: options.commandTimeoutMs ?? 10_000,
        idleMs: options.idleMs ?? 4_000,
        queueBytes: options.queueBytes ?? 32 * 1024 * 1024,
        window,
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
    if (frame.passedOver > 0) {
      this.#counters.badFrames++;
      const { bodyBytes } = this.#options.limits ?? defaultLimits;
      this.#warnOnce('too long', tooLongWarning(frame.contentType, frame.passedOver, bodyBytes));
      return;
    }
    this.#guard('A frame could not be handed on', () => this.#handlers.onFrame?.(frame.raw, receivedAt));
  }

  #frame(connection: EslConnection, frame: EslFrame, receivedAt: number): void {
    if (connection !== this.#connection || frame.passedOver > 0) return;
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
        ? { state: 'refused', problem: accessListProblem(this.#address) }
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
      clock: this.#options.clock,
      warn: (text) => this.#warnOnce(text, text),
    });
    if (connection !== this.#connection) return;
    this.#connectedAt = this.#options.clock.monotonic();
    this.#enter('connected', null);
    this.#handlers.onConnected(peer);
    const refused = await refusedEvents(connection, format, this.#subscription);
    if (refused.length === 0) return;
    this.#counters.unknownEvents += refused.length;
    const warning = unknownEventsWarning(refused);
    this.#warnOnce(warning, warning);
  }

  #event(frame: EslFrame, receivedAt: number): void {
    const reading = readEvent(frame);
    if ('problem' in reading) {
      this.#counters.badFrames++;
      this.#warnOnce('unreadable', reading.problem);
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
    const { clock, host, random = Math.random } = this.#options;
    const notEsl = end.kind === 'protocol' && !this.#greeted;
    const problem = notEsl ? notEslProblem(this.#address, end.reason) : linkProblem(this.#address, end);
    const { state, problem: told } = this.#verdict ?? { state: 'lost', problem };
    const kind = state === 'refused' ? 'refused' : this.#greeted || notEsl ? 'dropped' : 'unreachable';
    const delay = retryDelayMs(kind, this.#countFailure(kind), isLoopback(host), random());
    this.#cancelRetry = clock.after(delay, () => this.#connect());
    if (this.#connectedAt !== null) this.#handlers.onLost(problem, this.#orderly, end.silentMs ?? 0);
    if (this.#state !== 'stopped') this.#enter(state, told);
  }

  /** How many failures of this kind there were in a row. */
  #countFailure(kind: LinkFailureKind): number {
    const { clock, quietMs = 30_000 } = this.#options;
    const stood = this.#connectedAt === null ? 0 : clock.monotonic() - this.#connectedAt;
    const before = this.#failed?.kind === kind && stood < quietMs ? this.#failed.times : 0;
    this.#failed = { kind, times: before + 1 };
    return before + 1;
  }

  /** Once for each `subject` in the life of this client: what happens with every frame is not told with every frame. */
  #warnOnce(subject: string, text: string): void {
    if (this.#warned.has(subject)) return;
    this.#warned.add(subject);
    this.#handlers.onWarning?.(text);
  }

  #enter(state: SourceState, problem: string | null): void {
    if (this.#state === state && this.#problem === problem) return;
    this.#state = state;
    this.#problem = problem;
    this.#handlers.onState?.(state, problem);
  }
}
