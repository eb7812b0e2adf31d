/**
 * Commands on their way and the replies they get.
 *
 * Replies carry no mark: FreeSWITCH carries commands out one after another, in the order in which they came, so a reply
 * belongs to the first command that it fits. Several are under way at once, since each would otherwise cost a journey there
 * and back; not all at once, since FreeSWITCH sends no event while there are commands to read.
 */
import type { Clock } from '../../../src/ports.ts';
import { bodyText, type EslFrame, encodeCommand } from './codec.ts';

/** Whether a frame can be the reply to a command. Asked only of frames of the right type. */
export type Fits = (reply: EslFrame) => boolean;

/** The peer had the time to answer this command and did not, as opposed to one whose turn never came. */
export class Unanswered extends Error {}

interface Question {
  readonly text: string;
  /** How messages name it; never holds a password. */
  readonly label: string;
  readonly fits: Fits;
  readonly resolve: (reply: EslFrame) => void;
  readonly reject: (error: Error) => void;
  /** When it was sent, on the steady clock, ms. */
  sentAt: number;
  /** Its time is up; only its place in the order of replies is kept. */
  expired: boolean;
}

/** A reply that has come in and waits to be handed to whoever asked. */
export interface Answer {
  readonly resolve: (reply: EslFrame) => void;
  readonly reject: (error: Error) => void;
  readonly label: string;
}

export interface QuestionOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  /** For a reply, from the moment at which nothing stands before it, ms. */
  readonly timeoutMs: number;
  /** How many may be under way. */
  readonly window: number;
  readonly write: (bytes: Uint8Array) => void;
  /** False while nothing is read from the socket, so that no reply can come. */
  readonly reading: () => boolean;
}

const replyTypes = new Set(['command/reply', 'api/response']);

export class Questions {
  readonly #options: QuestionOptions;
  readonly #waiting: Question[] = [];
  /** Sent, in this order, and without a reply; also those whose time is up. */
  readonly #sent: Question[] = [];
  /** Since when the first of them is the next to be answered. */
  #turnAt = 0;
  #cancelDeadline: (() => void) | null = null;

  constructor(options: QuestionOptions) {
    this.#options = options;
  }

  /**
   * Sends one command and resolves with its reply. Rejects with `Unanswered` when none comes within `timeoutMs`, and when a
   * reply to a later command comes first; with another Error when its turn never came, and for control characters in the command. `urgent`: goes out at once, however many are under way.
   */
  ask(text: string, label: string, fits: Fits = anyReply, urgent = false): Promise<EslFrame> {
    return new Promise((resolve, reject) => {
      encodeCommand(text);
      const question = { text, label, fits, resolve, reject, sentAt: 0, expired: false };
      if (urgent) this.#send(question);
      else this.#waiting.push(question);
      this.#sendMore();
    });
  }

  /** Whom this frame answers; `null` for a frame that is no reply, or one that comes too late. */
  claim(frame: EslFrame): Answer | null {
    if (!replyTypes.has(frame.contentType)) return null;
    const first = this.#sent.find(
      ({ text, fits }) => frame.contentType === replyTypeOf(text) && (frame.passedOver > 0 || fits(frame)),
    );
    if (first === undefined) return null;
    // Asked once more, a question is answered by what comes late as well as by what comes next.
    const taker = this.#sent.find(({ text, expired }) => !expired && text === first.text) ?? first;
    const unanswered = this.#sent.slice(0, this.#sent.indexOf(first));
    this.#sent.splice(0, unanswered.length + 1);
    if (taker !== first) this.#sent.splice(this.#sent.indexOf(taker), 1);
    for (const { label, reject } of unanswered) {
      reject(new Unanswered(`"${label}" was not answered, but what was asked after it.`));
    }
    this.#nextTurn();
    this.#sendMore();
    return taker.expired ? null : taker;
  }

  /** When the first command without a reply went out of those sent at `since` or later (steady clock, ms); `null`: none. */
  sentSince(since: number): number | null {
    return this.#sent.find(({ sentAt }) => sentAt >= since)?.sentAt ?? null;
  }

  /** No reply can come any more. */
  rejectAll(reason: string): void {
    this.#cancelDeadline?.();
    const next = this.#next;
    for (const { label, reject } of this.#sent.splice(0)) {
      const told = `"${label}" has no answer. ${reason}`;
      reject(label === next?.label ? new Unanswered(told) : new Error(told));
    }
    for (const { label, reject } of this.#waiting.splice(0)) reject(new Error(`"${label}" has no answer. ${reason}`));
  }

  #sendMore(): void {
    while (this.#sent.filter(({ expired }) => !expired).length < this.#options.window) {
      const question = this.#waiting.shift();
      if (question === undefined) return;
      this.#send(question);
    }
  }

  #send(question: Question): void {
    question.sentAt = this.#options.clock.monotonic();
    this.#sent.push(question);
    this.#options.write(encodeCommand(question.text));
    if (this.#next === question) this.#nextTurn();
  }

  get #next(): Question | undefined {
    return this.#sent.find(({ expired }) => !expired);
  }

  #nextTurn(): void {
    const { clock, timeoutMs, reading } = this.#options;
    this.#cancelDeadline?.();
    const question = this.#next;
    if (question === undefined) return;
    this.#turnAt = clock.monotonic();
    const overdue = (): void => {
      const late = clock.monotonic() - this.#turnAt - timeoutMs;
      // This program stood still or did not read: the reply may be waiting to be read.
      if (!reading() || late > timeoutMs / 2) {
        this.#nextTurn();
        return;
      }
      question.expired = true;
      question.reject(new Unanswered(`There was no reply to "${question.label}" within ${timeoutMs / 1000} s.`));
      this.#nextTurn();
      this.#sendMore();
    };
    this.#cancelDeadline = clock.after(timeoutMs, overdue);
  }
}

/** The same frame in other memory: `raw` has its bytes. */
export function movedTo(raw: Uint8Array, frame: EslFrame): EslFrame {
  const { contentType, body, passedOver } = frame;
  if (raw === frame.raw) return frame;
  return {
    ...{ contentType, raw, passedOver, headers: frame.headers },
    body: body === null ? null : raw.subarray(raw.length - body.length),
  };
}

function replyTypeOf(command: string): string {
  return command.startsWith('api ') ? 'api/response' : 'command/reply';
}

/** Data in JSON is the answer to a question that says so. */
function anyReply(reply: EslFrame): boolean {
  return reply.contentType === 'command/reply' || !bodyText(reply).startsWith('{');
}
