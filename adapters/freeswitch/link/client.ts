/**
 * A client of one FreeSWITCH event socket, for ever: connects, logs in, subscribes, and starts again when the link is lost.
 *
 *   what happens                                  step of `src/link/link.ts`
 *   logged in and subscribed                      up
 *   password, address or subscription refused     refuse
 *   no TCP, no greeting, not an event socket      lose
 *   closed, silent, malformed, drop()             lose
 *   close()                                       stop; `exit` is sent
 */
import { Link, type LinkStatus } from '../../../src/link/link.ts';
import { within } from '../../../src/link/within.ts';
import type { EslCounters, EslHandlers } from './client-handlers.ts';
import type { EslClientOptions } from './client-options.ts';
import { defaultLimits, type EslFrame } from './codec.ts';
import { type ConnectionEnd, EslConnection, replyText } from './connection.ts';
import { readEvent } from './event.ts';
import { handshake, Refusal, refusedEvents, WrongPassword } from './handshake.ts';
import {
  accessListProblem,
  linkProblem,
  notEslProblem,
  skippedWarning,
  tooLongWarning,
  unknownEventsWarning,
} from './problem.ts';
import type { Fits } from './questions.ts';
import { defaultSubscription, type Subscription, subscribeCommand, subscribedNames } from './subscription.ts';

const leaveMs = 1_000;
const commandMs = 10_000;
/** Commands under way at once: enough to hide the way there and back, few enough to let events through soon. */
const window = 16;

/** What is known of one connection. */
interface Visit {
  readonly connection: EslConnection;
  greeted: boolean;
  orderly: boolean;
  /** `onConnected` has told of it. */
  told: boolean;
  /** Set when the peer or this client judged the connection before its end. */
  verdict: { readonly step: 'refuse' | 'lose'; readonly problem: string; readonly secretRefused?: true } | null;
}

export class EslClient {
  readonly #options: EslClientOptions;
  readonly #handlers: EslHandlers;
  readonly #subscription: Subscription;
  readonly #subscribed: (name: string) => boolean;
  readonly #address: string;
  readonly #counters = { frames: 0, events: 0, unknownEvents: 0, attempts: 0 };
  readonly #link: Link;
  readonly #warned = new Set<string>();
  /** When the last frame came, monotonic ms. */
  #heardAt: number | null = null;
  #visit: Visit | null = null;

  constructor(options: EslClientOptions, handlers: EslHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#subscription = options.subscription ?? defaultSubscription;
    this.#subscribed = subscribedNames(this.#subscription);
    this.#address = `${options.host}:${options.port}`;
    const { host, clock, random = Math.random } = options;
    const onChange = (status: LinkStatus) => handlers.onStatus?.(status);
    this.#link = new Link({ host, clock, random, connect: () => this.#connect(), onChange });
  }

  /** Starts to connect and returns at once. */
  start(): void {
    this.#link.start();
  }

  get status(): LinkStatus {
    return this.#link.status;
  }

  /** While connected: what is wrong with `subject`, `null` when it is well again. */
  note(subject: string, problem: string | null): void {
    this.#link.note(subject, problem);
  }

  counters(): EslCounters {
    const { clock } = this.#options;
    // By the clock as it goes now, which may have been set since.
    const lastFrameAt = this.#heardAt === null ? null : Math.floor(clock.now() - (clock.monotonic() - this.#heardAt));
    return { ...this.#counters, lastFrameAt };
  }

  /**
   * Runs one API command (without the word `api`) and resolves with the reply frame, `-ERR` replies included; `fits` tells
   * its reply from others. Rejects when not connected, at the deadline, at the loss of the link, or for control characters
   * in the command.
   */
  async query(command: string, fits?: Fits): Promise<EslFrame> {
    const connection = this.#visit?.connection;
    if (connection === undefined || this.status.state !== 'connected') {
      throw new Error(`"api ${command}" was not sent: FreeSWITCH at ${this.#address} is not connected.`);
    }
    return connection.send(`api ${command}`, `api ${command}`, fits);
  }

  /** Asks for the events anew, as a subscription can be taken away; where it is there, nothing changes. */
  subscribe(): void {
    const command = subscribeCommand(this.#options.format ?? 'json', this.#subscription);
    this.#visit?.connection.send(command, 'event').catch(() => {});
  }

  /** True: the journal is behind, nothing is read for a moment. */
  hold(held: boolean): void {
    this.#visit?.connection.hold(held);
  }

  /** Gives up the present connection, if there is one, and makes it anew. `reason`: one sentence. */
  drop(reason: string): void {
    this.#visit?.connection.end({ kind: 'unanswered', reason, code: null });
  }

  /** Like `query`, with the text of the answer. */
  async api(command: string): Promise<string> {
    return replyText(await this.query(command));
  }

  /**
   * Hands on what has been read, sends `exit`, closes, makes no more attempts; resolves when the socket is closed. No callback
   * but `onStatus` follows.
   */
  async close(): Promise<void> {
    const left = this.#visit?.connection.leave(leaveMs);
    this.#visit = null;
    this.#link.stop();
    await left;
  }

  #connect(): void {
    const options = this.#options;
    this.#counters.attempts++;
    const connection = new EslConnection(
      {
        host: options.host,
        port: options.port,
        connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
        commandTimeoutMs: options.commandTimeoutMs ?? commandMs,
        idleMs: options.idleMs ?? 4_000,
        queueBytes: options.queueBytes ?? 1024 * 1024,
        window,
        limits: options.limits ?? defaultLimits,
        reuse: options.reuse ?? false,
        clock: options.clock,
        defer: options.defer ?? ((run) => setImmediate(run)),
      },
      {
        onReceived: (frame, receivedAt) => this.#received(frame, receivedAt),
        onFrame: (frame, receivedAt) => this.#frame(visit, frame, receivedAt),
        onAlive: (answer) => this.#handlers.onAlive?.(replyText(answer)),
        onSkipped: (problem) => this.#handlers.onFault?.('unreadable', skippedWarning(this.#address, problem)),
        onEnd: (end) => this.#ended(visit, end),
      },
    );
    const visit: Visit = { connection, greeted: false, orderly: false, told: false, verdict: null };
    this.#visit = visit;
    connection.open();
  }

  #received(frame: EslFrame, receivedAt: number): void {
    this.#counters.frames++;
    this.#heardAt = this.#options.clock.monotonic();
    if (frame.passedOver > 0) {
      const { bodyBytes } = this.#options.limits ?? defaultLimits;
      this.#handlers.onFault?.('too long', tooLongWarning(frame.contentType, frame.passedOver, bodyBytes));
      return;
    }
    this.#guard('A frame', () => this.#handlers.onFrame?.(frame.raw, receivedAt));
  }

  #frame(visit: Visit, frame: EslFrame, receivedAt: number): void {
    if (visit !== this.#visit || frame.passedOver > 0) return;
    if (!visit.greeted) {
      this.#greeting(visit, frame);
      return;
    }
    if (frame.contentType === 'text/disconnect-notice') {
      visit.orderly = true;
      // With `linger` the events of the last calls still come; otherwise nothing follows.
      if (frame.headers.get('content-disposition')?.toLowerCase() === 'linger') return;
      visit.connection.end({ kind: 'closed', reason: 'FreeSWITCH took leave.', code: null });
    } else if (frame.contentType.startsWith('text/event-')) this.#event(visit, frame, receivedAt);
    else this.#counters.unknownEvents++;
  }

  #greeting(visit: Visit, frame: EslFrame): void {
    const { connection } = visit;
    visit.greeted = true;
    if (frame.contentType === 'auth/request') {
      this.#logIn(visit).catch((error: unknown) => {
        const problem = error instanceof Error ? error.message : String(error);
        const secret = error instanceof WrongPassword ? ({ secretRefused: true } as const) : {};
        if (error instanceof Refusal) visit.verdict = { step: 'refuse', problem, ...secret };
        connection.end({ kind: 'closed', reason: problem, code: null });
      });
      return;
    }
    visit.verdict =
      frame.contentType === 'text/rude-rejection'
        ? { step: 'refuse', problem: accessListProblem(this.#address) }
        : { step: 'lose', problem: notEslProblem(this.#address, `Its greeting is of type "${frame.contentType}".`) };
    connection.end({ kind: 'closed', reason: 'The greeting was not that of an event socket.', code: null });
  }

  async #logIn(visit: Visit): Promise<void> {
    const { connection } = visit;
    const { format = 'json' } = this.#options;
    const peer = await handshake(connection, {
      address: this.#address,
      password: () => this.#password(),
      format,
      subscription: this.#subscription,
      clock: this.#options.clock,
      warn: (text) => this.#warnOnce(text),
    });
    if (visit !== this.#visit) return;
    visit.told = true;
    this.#link.up();
    this.#guard('The beginning of the link', () => this.#handlers.onConnected(peer));
    const refused = await refusedEvents(connection, format, this.#subscription);
    if (refused.length === 0) return;
    this.#counters.unknownEvents += refused.length;
    this.#warnOnce(unknownEventsWarning(refused));
  }

  async #password(): Promise<string> {
    const { password, clock, commandTimeoutMs = commandMs } = this.#options;
    if (typeof password === 'string') return password;
    const given = password();
    if (typeof given === 'string') return given;
    return within(clock, commandTimeoutMs, `It did not come within ${commandTimeoutMs / 1000} s.`, given);
  }

  #event(visit: Visit, frame: EslFrame, receivedAt: number): void {
    const reading = readEvent(frame);
    if ('problem' in reading) {
      this.#handlers.onFault?.('unreadable', reading.problem);
      return;
    }
    const { event } = reading;
    this.#counters.events++;
    if (!this.#subscribed(event.name)) this.#counters.unknownEvents++;
    if (event.name === 'SHUTDOWN') visit.orderly = true;
    this.#guard(`The event ${event.name}`, () => this.#handlers.onEvent(event, frame, receivedAt));
  }

  /** A consumer that fails costs one frame, never the connection. */
  #guard(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#handlers.onFault?.('not handled', `${what} could not be handled and was left out (${why}).`);
    }
  }

  #ended(visit: Visit, end: ConnectionEnd): void {
    if (visit !== this.#visit) return;
    this.#visit = null;
    const { greeted, orderly, told, verdict } = visit;
    const notEsl = end.kind === 'protocol' && !greeted;
    const problem = notEsl ? notEslProblem(this.#address, end.reason) : linkProblem(this.#address, end);
    const judged = verdict ?? ({ step: 'lose', problem } as const);
    const cost = judged.step === 'refuse' ? 'refused' : greeted || notEsl ? 'dropped' : 'unreachable';
    this.#link.down({ ...judged, cost });
    if (told) this.#guard('The end of the link', () => this.#handlers.onLost(problem, orderly, end.silentMs ?? 0));
  }

  /** Once in the life of this client: what is so with every connection is not told with every one. */
  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#handlers.onWarning?.(text);
  }
}
