/**
 * One TCP connection to a FreeSWITCH event socket: frames in, commands out.
 *
 * A connection is dead when nothing has come for `commandTimeoutMs` after a command was sent. After `idleMs` without a word
 * one is sent for this alone, so a connection that is only half there is noticed within the sum of both, whatever else is
 * under way. FreeSWITCH's own HEARTBEAT, every 20 s, would be too late for that.
 */
import { connect, type Socket } from 'node:net';
import { Slabs } from '../../../src/link/slabs.ts';
import type { Clock } from '../../../src/ports.ts';
import { bodyText, type EslFrame, EslParser, encodeCommand, type FrameLimits } from './codec.ts';
import { Intake } from './intake.ts';
import { type Fits, movedTo, Questions } from './questions.ts';

/** What is used of the Clock port. */
export type Ticker = Pick<Clock, 'now' | 'monotonic' | 'after' | 'watch'>;

/** Times are in ms. */
export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Time for the TCP connection and the greeting together. */
  readonly connectTimeoutMs: number;
  /** Time for the reply to a command. */
  readonly commandTimeoutMs: number;
  /** Silence after which a question is asked, to find out whether anybody is still there. */
  readonly idleMs: number;
  /** Bytes of frames not yet consumed above which the socket is not read. */
  readonly queueBytes: number;
  /** Commands under way at once. */
  readonly window: number;
  readonly limits: FrameLimits;
  /** Frames that are no replies are good only until the consumer returns: their memory is used again. */
  readonly reuse: boolean;
  readonly clock: Ticker;
  /** Runs the consumer outside of the socket's own turn; `setImmediate` unless a test holds it. */
  readonly defer: (run: () => void) => void;
}

export type EndKind = 'error' | 'no-greeting' | 'closed' | 'protocol' | 'silent' | 'unanswered' | 'left';

export interface ConnectionEnd {
  readonly kind: EndKind;
  /** One sentence, without the remedy. */
  readonly reason: string;
  /** System error code such as `ECONNREFUSED`. */
  readonly code: string | null;
  /** How long nothing had come when a dead connection was noticed, ms; absent where the end itself was seen. */
  readonly silentMs?: number;
}

export interface ConnectionConsumer {
  /** Every frame, in order, before it is delivered as one of the below or as a reply. */
  onReceived(frame: EslFrame, receivedAt: number): void;
  /** Every frame that is not the reply to a command, in order. `receivedAt`: wall clock, ms since the epoch. */
  onFrame(frame: EslFrame, receivedAt: number): void;
  /** A frame could not be read and was left out: one sentence. */
  readonly onSkipped: (problem: string) => void;
  /** The answer to the question whether anybody is there. */
  readonly onAlive?: (answer: EslFrame) => void;
  /** Once, after the last frame. */
  onEnd(end: ConnectionEnd): void;
}

/** What a waiting frame costs beside its bytes. */
const frameBytes = 512;
/** A timer this late says that this program stood still: what has come meanwhile is read before anything is concluded, ms. */
const standstillMs = 1_000;
/**
 * Longest time without reading because the journal is behind, ms. FreeSWITCH 1.11 keeps 100,000 events for this client meanwhile and
 * ends the connection when these are too many; in a flood of small events that was after six seconds (measured).
 */
const longestHoldMs = 1_000;
/** While a question is under way the silence is looked at so often, ms. */
const recheckMs = 500;
/** Codes by which the system gives up a connection of its own accord: it has been dead since the last byte. */
const silentCodes: ReadonlySet<string> = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

export class EslConnection {
  readonly #options: ConnectionOptions;
  readonly #consumer: ConnectionConsumer;
  readonly #parser: EslParser;
  readonly #questions: Questions;
  readonly #intake: Intake;
  readonly #slabs = new Slabs();
  #socket: Socket | null = null;
  #ended = false;
  #greeted = false;
  #lastByteAt = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  #cancelWatch: (() => void) | null = null;
  /** Set while nothing is read because the journal is behind. */
  #cancelHold: (() => void) | null = null;

  constructor(options: ConnectionOptions, consumer: ConnectionConsumer) {
    const { clock, commandTimeoutMs, window, queueBytes, defer } = options;
    this.#options = options;
    this.#consumer = consumer;
    const room = options.reuse ? (bytes: number) => bufferOf(this.#slabs.take(bytes)) : undefined;
    this.#parser = new EslParser(options.limits, consumer.onSkipped, room);
    this.#questions = new Questions({
      clock,
      timeoutMs: commandTimeoutMs,
      window,
      write: (bytes) => {
        if (!this.#ended) this.#socket?.write(bytes);
      },
      reading: () => !this.#intake.full && this.#cancelHold === null,
    });
    this.#intake = new Intake({
      clock,
      bytes: queueBytes,
      defer,
      onFull: () => this.#socket?.pause(),
      onRoom: () => this.#readOn(),
    });
  }

  /**
   * True: nothing is read for a while, as the journal is behind; for no longer than FreeSWITCH surely bears. False: reading goes on.
   */
  hold(held: boolean): void {
    this.#cancelHold?.();
    this.#cancelHold = null;
    if (this.#ended) return;
    if (held) {
      this.#cancelHold = this.#options.clock.after(longestHoldMs, () => this.hold(false));
      this.#socket?.pause();
    } else this.#readOn();
  }

  #readOn(): void {
    if (this.#intake.full || this.#cancelHold !== null) return;
    this.#lastByteAt = this.#options.clock.monotonic();
    this.#socket?.resume();
  }

  open(): void {
    const { host, port, connectTimeoutMs, clock } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
    this.#socket = socket;
    this.#cancelWatch = clock.after(connectTimeoutMs, () => {
      const what = socket.connecting ? 'did not accept the connection' : 'accepted the connection but sent no greeting';
      this.end({ kind: 'no-greeting', reason: `It ${what} within ${connectTimeoutMs / 1000} s.`, code: null });
    });
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.end({ kind: 'closed', reason: 'FreeSWITCH closed the connection.', code: null }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? null;
      const silentMs = code !== null && silentCodes.has(code) ? clock.monotonic() - this.#lastByteAt : 0;
      this.end({ kind: 'error', reason: `The connection failed (${code ?? error.message}).`, code, silentMs });
    });
    socket.on('close', () => this.end({ kind: 'closed', reason: 'The connection was closed.', code: null }));
  }

  /**
   * Sends one command and resolves with its reply frame (`command/reply` or `api/response`, whatever it says); `fits` tells
   * its reply from that of another command. Rejects when the reply does not come within `commandTimeoutMs` or the connection
   * ends. Throws nothing; control characters in the command reject too.
   */
  async send(text: string, label: string, fits?: Fits): Promise<EslFrame> {
    if (this.#ended) throw new Error(`"${label}" was not sent: the connection to FreeSWITCH has ended.`);
    return this.#questions.ask(text, label, fits);
  }

  /** Ends the connection for a reason of ours or the peer's; frames received before are still delivered first. */
  end(end: ConnectionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelWatch?.();
    this.#cancelHold?.();
    this.#takeRest();
    this.#socket?.destroy();
    this.#intake.add(0, () => {
      this.#questions.rejectAll(end.reason);
      this.#consumer.onEnd(end);
      return true;
    });
  }

  /** Delivers what has been read, sends `exit`, and waits up to `graceMs` for the peer to close. Nothing is told of the end. */
  async leave(graceMs: number): Promise<void> {
    const socket = this.#socket;
    const writable = socket !== null && !this.#ended && !socket.connecting;
    if (!this.#ended) this.#takeRest();
    this.#intake.close();
    this.#cancelWatch?.();
    this.#questions.rejectAll('This program closed the connection.');
    if (writable) {
      const closed = new Promise<void>((resolve) => {
        socket.once('close', () => resolve());
        const cancel = this.#options.clock.after(graceMs, () => socket.destroy());
        socket.once('close', cancel);
      });
      this.#ended = true;
      socket.resume();
      socket.end(encodeCommand('exit'));
      await closed;
    }
    this.end({ kind: 'left', reason: 'This program closed the connection.', code: null });
  }

  #received(chunk: Buffer): void {
    if (this.#ended) return;
    const { clock } = this.#options;
    this.#lastByteAt = clock.monotonic();
    for (const frame of this.#parser.push(chunk)) {
      if (!this.#greeted) {
        this.#greeted = true;
        this.#cancelWatch?.();
        this.#watch();
      }
      this.#take(frame, this.#lastByteAt);
    }
    if (this.#parser.problem !== null) this.end({ kind: 'protocol', reason: this.#parser.problem, code: null });
  }

  /** What the socket has read, and keeps while it is paused. */
  #takeRest(): void {
    const socket = this.#socket;
    if (socket === null) return;
    const arrivedAt = this.#options.clock.monotonic();
    socket.removeAllListeners('data');
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      for (const frame of this.#parser.push(chunk)) this.#take(frame, arrivedAt);
    }
  }

  /** `arrivedAt`: on the steady clock; on the wall clock it is told as that goes when the frame's turn comes. */
  #take(frame: EslFrame, arrivedAt: number): void {
    const { clock } = this.#options;
    const answer = this.#questions.claim(frame);
    this.#intake.add(frame.raw.length + frameBytes, () => {
      const receivedAt = Math.floor(clock.now() - (clock.monotonic() - arrivedAt));
      this.#consumer.onReceived(frame, receivedAt);
      // Whoever waits for the reply goes on before the frames behind it are delivered, and may keep it: a slab is not free for that.
      if (answer !== null) answer.resolve(movedTo(this.#slabs.own(frame.raw), frame));
      else {
        this.#consumer.onFrame(frame, receivedAt);
        this.#slabs.giveBack(frame.raw);
      }
      return answer !== null;
    });
  }

  /** Looks again when the connection could be dead, or has been silent for long enough to be asked. */
  #watch(): void {
    const { clock, idleMs, commandTimeoutMs } = this.#options;
    const asked = this.#questions.sentSince(this.#lastByteAt);
    // While a question is under way a reply may come at any moment, and the next silence then counts from there.
    const judgeAt =
      asked === null ? Number.POSITIVE_INFINITY : Math.min(asked + commandTimeoutMs, clock.monotonic() + recheckMs);
    const dueAt = asked !== null && this.#isProbed ? judgeAt : Math.min(judgeAt, this.#lastByteAt + idleMs);
    this.#cancelWatch = clock.after(Math.max(0, dueAt - clock.monotonic()), () => {
      const stoodStill = clock.monotonic() - dueAt > standstillMs;
      if (this.#intake.full || this.#cancelHold !== null || stoodStill) this.#lastByteAt = clock.monotonic();
      this.#judge();
      if (!this.#ended) this.#watch();
    });
  }

  /** True when it was asked since it fell silent whether anybody is there. */
  get #isProbed(): boolean {
    return this.#probedAt >= this.#lastByteAt;
  }

  #judge(): void {
    const { clock, idleMs, commandTimeoutMs } = this.#options;
    const now = clock.monotonic();
    const asked = this.#questions.sentSince(this.#lastByteAt);
    if (asked !== null && now >= asked + commandTimeoutMs) {
      const reason = `Nothing came for ${(now - this.#lastByteAt) / 1000} s, not even the reply to a question.`;
      this.end({ kind: 'silent', reason, code: null, silentMs: now - this.#lastByteAt });
    } else if (now >= this.#lastByteAt + idleMs && (asked === null || !this.#isProbed)) {
      // Also while another question is under way: if this one is answered, that one was left out.
      this.#probedAt = now;
      // The missing reply tells by itself; there is nothing to add to the rejection.
      this.#questions
        .ask('api status', 'api status', undefined, true)
        .then((answer) => this.#consumer.onAlive?.(answer))
        .catch(() => {});
    }
  }
}

/** The text of a reply: the body of an `api/response`, the Reply-Text of a `command/reply`. */
export function replyText(reply: EslFrame): string {
  return reply.contentType === 'command/reply' ? (reply.headers.get('reply-text') ?? '') : bodyText(reply);
}

const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length);
