/**
 * One TCP connection to a FreeSWITCH event socket: frames in, commands out.
 *
 * The socket is read at once and never paused, because FreeSWITCH queues events per listener and kills a listener that
 * does not read. Frames wait in a bounded queue for their consumer, in the order received; a queue that overflows ends
 * the connection, and what was missed is found again by the snapshot after the next.
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../src/ports.ts';
import { bodyText, type EslFrame, EslParser, encodeCommand, type FrameLimits } from './codec.ts';

/** What is used of the Clock port. */
export type Ticker = Pick<Clock, 'now' | 'monotonic' | 'after'>;

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
  /** Frames not yet consumed; beyond either bound the connection ends. */
  readonly queueFrames: number;
  readonly queueBytes: number;
  readonly limits: FrameLimits;
  readonly clock: Ticker;
  /** Runs the consumer outside of the socket's own turn; `setImmediate` unless a test holds it. */
  readonly defer: (run: () => void) => void;
}

export type EndKind = 'error' | 'no-greeting' | 'closed' | 'protocol' | 'silent' | 'overflow' | 'left';

export interface ConnectionEnd {
  readonly kind: EndKind;
  /** One sentence, without the remedy. */
  readonly reason: string;
  /** System error code such as `ECONNREFUSED`. */
  readonly code: string | null;
}

export interface ConnectionConsumer {
  /** Every frame, in order, before it is delivered as one of the below or as a reply. */
  onReceived(frame: EslFrame, receivedAt: number): void;
  /** Every frame that is not the reply to a command, in order. `receivedAt`: wall clock, ms since the epoch. */
  onFrame(frame: EslFrame, receivedAt: number): void;
  /** Once, after the last frame. */
  onEnd(end: ConnectionEnd): void;
}

interface Command {
  readonly text: string;
  /** How messages name it; never holds a password. */
  readonly label: string;
  readonly resolve: (reply: EslFrame) => void;
  readonly reject: (error: Error) => void;
  /** Its time is up; only its place in the order of replies is kept. */
  expired: boolean;
}

type Item =
  | { readonly frame: EslFrame; readonly receivedAt: number; readonly reply: Command | null }
  | { readonly end: ConnectionEnd };

/** Longest time the consumer is run in one turn before the socket is read again, ms. */
const sliceMs = 10;
/**
 * The same once a quarter of the queue is taken. One turn of reading can bring 2 MB, so short slices would let a burst
 * outrun a consumer that could keep up; a tenth of a second without reading does no harm to FreeSWITCH.
 */
const longSliceMs = 100;

const replyTypes = new Set(['command/reply', 'api/response']);

export class EslConnection {
  readonly #options: ConnectionOptions;
  readonly #consumer: ConnectionConsumer;
  readonly #parser: EslParser;
  readonly #waiting: Command[] = [];
  #socket: Socket | null = null;
  #outstanding: Command | null = null;
  #queue: Item[] = [];
  #queuedBytes = 0;
  #draining = false;
  #ended = false;
  #over = false;
  #greeted = false;
  #lastByteAt = 0;
  #cancelDeadline: (() => void) | null = null;
  #cancelWatch: (() => void) | null = null;

  constructor(options: ConnectionOptions, consumer: ConnectionConsumer) {
    this.#options = options;
    this.#consumer = consumer;
    this.#parser = new EslParser(options.limits);
  }

  /** Frames received and not yet consumed. */
  get queued(): number {
    return this.#queue.length;
  }

  open(): void {
    const { host, port, connectTimeoutMs, clock } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
    this.#socket = socket;
    this.#lastByteAt = clock.monotonic();
    this.#cancelWatch = clock.after(connectTimeoutMs, () => {
      const what = socket.connecting ? 'did not accept the connection' : 'accepted the connection but sent no greeting';
      this.end({ kind: 'no-greeting', reason: `It ${what} within ${connectTimeoutMs / 1000} s.`, code: null });
    });
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.end({ kind: 'closed', reason: 'FreeSWITCH closed the connection.', code: null }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? null;
      this.end({ kind: 'error', reason: `The connection failed (${code ?? error.message}).`, code });
    });
    socket.on('close', () => this.end({ kind: 'closed', reason: 'The connection was closed.', code: null }));
  }

  /**
   * Sends one command and resolves with its reply frame (`command/reply` or `api/response`, whatever it says). Commands
   * go out one at a time, since replies carry no mark but their order. Rejects when the reply does not come within
   * `commandTimeoutMs` of sending or the connection ends. Throws nothing; control characters in the command reject too.
   */
  send(text: string, label: string): Promise<EslFrame> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw new Error(`"${label}" was not sent: the connection to FreeSWITCH has ended.`);
      encodeCommand(text);
      this.#waiting.push({ text, label, resolve, reject, expired: false });
      this.#sendNext();
    });
  }

  /** Ends the connection for a reason of ours or the peer's; frames received before are still delivered first. */
  end(end: ConnectionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelDeadline?.();
    this.#cancelWatch?.();
    this.#socket?.destroy();
    if (end.kind === 'overflow' || end.kind === 'left') this.#queue = [];
    this.#queue.push({ end });
    this.#drainSoon();
  }

  /** Takes leave: sends `exit`, waits up to `graceMs` for the peer to close, then closes. Nothing is delivered after. */
  async leave(graceMs: number): Promise<void> {
    const socket = this.#socket;
    const writable = socket !== null && !this.#ended && !socket.connecting;
    this.#over = true;
    if (writable) {
      const closed = new Promise<void>((resolve) => {
        socket.once('close', () => resolve());
        const cancel = this.#options.clock.after(graceMs, () => socket.destroy());
        socket.once('close', cancel);
      });
      socket.end(encodeCommand('exit'));
      await closed;
    }
    this.end({ kind: 'left', reason: 'This program closed the connection.', code: null });
    this.#rejectAll('This program closed the connection.');
  }

  #received(chunk: Buffer): void {
    if (this.#ended || this.#over) return;
    const { clock, queueFrames, queueBytes } = this.#options;
    this.#lastByteAt = clock.monotonic();
    const receivedAt = clock.now();
    for (const frame of this.#parser.push(chunk)) {
      if (!this.#greeted) this.#greeting();
      this.#queue.push({ frame, receivedAt, reply: this.#claim(frame) });
      this.#queuedBytes += frame.raw.length;
    }
    if (this.#parser.problem !== null) {
      this.end({ kind: 'protocol', reason: this.#parser.problem, code: null });
    } else if (this.#queue.length > queueFrames || this.#queuedBytes > queueBytes) {
      const reason = `${this.#queue.length} frames (${this.#queuedBytes} bytes) were waiting to be read by this program.`;
      this.end({ kind: 'overflow', reason, code: null });
    }
    this.#drainSoon();
  }

  #greeting(): void {
    this.#greeted = true;
    this.#cancelWatch?.();
    this.#watch(this.#options.idleMs);
  }

  /** The command this frame replies to; `null` for a frame that is no reply or comes too late to be one. */
  #claim(frame: EslFrame): Command | null {
    const command = this.#outstanding;
    if (command === null || !replyTypes.has(frame.contentType)) return null;
    this.#cancelDeadline?.();
    this.#outstanding = null;
    this.#sendNext();
    return command;
  }

  #sendNext(): void {
    if (this.#outstanding !== null || this.#ended) return;
    const command = this.#waiting.shift();
    if (command === undefined) return;
    this.#outstanding = command;
    this.#socket?.write(encodeCommand(command.text));
    this.#expect(command, this.#options.clock.monotonic());
  }

  #expect(command: Command, since: number): void {
    const { clock, commandTimeoutMs } = this.#options;
    this.#cancelDeadline = clock.after(commandTimeoutMs, () => {
      const reason = `There was no reply to "${command.label}" within ${commandTimeoutMs / 1000} s.`;
      const again = command.expired;
      command.expired = true;
      command.reject(
        new Error(`${reason} FreeSWITCH may be busy; the question will be asked again after a reconnect.`),
      );
      // As long as events come in, the reply may stand behind them; but not for ever.
      if (again || this.#lastByteAt <= since) this.end({ kind: 'silent', reason, code: null });
      else this.#expect(command, since);
    });
  }

  /** Asks a cheap question after a silence, so that a half-open connection is found out by the missing reply. */
  #watch(inMs: number): void {
    const { clock, idleMs } = this.#options;
    this.#cancelWatch = clock.after(inMs, () => {
      const quiet = clock.monotonic() - this.#lastByteAt;
      const asking = this.#outstanding !== null || this.#waiting.length > 0;
      // The missing reply ends the connection by itself; there is nothing to add to the rejection.
      if (quiet >= idleMs && !asking) this.send('api status', 'api status').catch(() => {});
      this.#watch(quiet >= idleMs ? idleMs : idleMs - quiet);
    });
  }

  #drainSoon(): void {
    if (this.#draining || this.#over || this.#queue.length === 0) return;
    this.#draining = true;
    this.#options.defer(() => {
      this.#draining = false;
      this.#drain();
      this.#drainSoon();
    });
  }

  #drain(): void {
    const { clock, queueFrames, queueBytes } = this.#options;
    const crowded = this.#queue.length > queueFrames / 4 || this.#queuedBytes > queueBytes / 4;
    const until = clock.monotonic() + (crowded ? longSliceMs : sliceMs);
    const items = this.#queue;
    let taken = 0;
    for (const item of items) {
      if (this.#over || this.#queue !== items) break;
      taken++;
      if ('end' in item) {
        this.#over = true;
        this.#rejectAll(item.end.reason);
        this.#consumer.onEnd(item.end);
        break;
      }
      this.#queuedBytes -= item.frame.raw.length;
      this.#consumer.onReceived(item.frame, item.receivedAt);
      if (item.reply !== null) {
        // Whoever waits for the reply goes on before the frames behind it are delivered.
        item.reply.resolve(item.frame);
        break;
      }
      this.#consumer.onFrame(item.frame, item.receivedAt);
      if (clock.monotonic() >= until) break;
    }
    if (this.#queue === items) items.splice(0, taken);
  }

  #rejectAll(reason: string): void {
    const open = [...(this.#outstanding === null ? [] : [this.#outstanding]), ...this.#waiting.splice(0)];
    this.#outstanding = null;
    for (const item of this.#queue) {
      if ('frame' in item && item.reply !== null) open.push(item.reply);
    }
    for (const command of open) command.reject(new Error(`"${command.label}" has no answer. ${reason}`));
  }
}

/** The text of a reply: the body of an `api/response`, the Reply-Text of a `command/reply`. */
export function replyText(reply: EslFrame): string {
  return reply.contentType === 'command/reply' ? (reply.headers.get('reply-text') ?? '') : bodyText(reply);
}
