/**
 * Bytes of the Asterisk Manager Interface (AMI) to packets, and actions to bytes.
 *
 * A packet is a run of `Name: value` lines that ends with an empty line. Framing is done on bytes, so that a character
 * cut in half by the network is never seen, and a packet is decoded once, as a whole: Asterisk 16 passes names on in
 * whatever encoding the phone used, so bytes that are not UTF-8 become U+FFFD instead of ending the connection.
 */

import { type AmiPacket, END_COMMAND, Packet } from './packet.ts';

export interface AmiLimits {
  /** Bytes of one packet. */
  readonly maxPacketBytes: number;
  /** Lines of one packet. */
  readonly maxLines: number;
  /** Bytes of the first line of a connection: what is longer is no AMI greeting. */
  readonly maxGreetingBytes: number;
}

/**
 * The largest packets that are usual have some 10 KB, but a channel variable may hold whatever a dialplan put there, such as
 * the answer of a web server: a line of 16 MB is read.
 */
const DEFAULT_LIMITS: AmiLimits = { maxPacketBytes: 17 << 20, maxLines: 100_000, maxGreetingBytes: 4096 };

export interface AmiParserHandlers {
  /** The first line of the connection, e.g. `Asterisk Call Manager/11.0.0`; whether it is AMI is for the caller to judge. */
  onGreeting(line: string, raw: Uint8Array): void;
  onPacket(packet: AmiPacket): void;
  /** A packet went beyond the limit that `what` names. It is left out to its end, and the next one is read. */
  onSkipped(what: string): void;
  /** What begins here is no AMI: drop the connection. Called once; the parser ignores everything after. */
  onError(error: AmiProtocolError): void;
}

/** The other side began with what no AMI server sends. The message says what, and what to do. */
export class AmiProtocolError extends Error {
  override readonly name = 'AmiProtocolError';
}

const CR = 13;
const LF = 10;
const SLICE = 1 << 16;
/** How much room is kept after a large packet. */
const ROOM = 1 << 20;
const FOLLOWS = Buffer.from('Response: Follows');
const END_COMMAND_BYTES = Buffer.from(END_COMMAND);
/** What is kept of an unfinished line of a packet that is left out: enough to know its end. */
const TAIL = 64;

/** Cuts the byte stream of one connection into packets. Make a new one for each connection: it owns the unread rest. */
export class AmiParser {
  readonly #handlers: AmiParserHandlers;
  readonly #limits: AmiLimits;
  #mode: 'greeting' | 'packet' | 'output' = 'greeting';
  /** The packet being read is too large: nothing of it is kept. */
  #skipping = false;
  #stopped = false;
  /** The unfinished packet is `#rest[0, #length)`; `#scanned` and `#lineStart` count from its first byte. */
  #rest: Buffer = Buffer.alloc(0);
  #length = 0;
  #scanned = 0;
  #lineStart = 0;
  #lines = 0;

  constructor(handlers: AmiParserHandlers, limits: Partial<AmiLimits> = {}) {
    this.#handlers = handlers;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Takes the next bytes and reports what they complete, in order, before it returns. */
  push(chunk: Uint8Array): void {
    // Slices bound what a huge chunk can add to the buffer before the limits are looked at.
    for (let at = 0; at < chunk.length && !this.#stopped; at += SLICE) {
      const length = Math.min(SLICE, chunk.length - at);
      this.#take(Buffer.from(chunk.buffer, chunk.byteOffset + at, length));
    }
  }

  /** Ignores everything from now on, also what is left of the chunk being read. */
  stop(): void {
    this.#stopped = true;
    this.#rest = Buffer.alloc(0);
    this.#length = 0;
  }

  #take(chunk: Buffer): void {
    let data = chunk;
    if (this.#length > 0) {
      this.#reserve(this.#length + chunk.length);
      chunk.copy(this.#rest, this.#length);
      data = this.#rest.subarray(0, this.#length + chunk.length);
    }
    const start = this.#scan(data);
    if (this.#stopped) return;
    const left = data.length - start;
    if (this.#rest.length > ROOM && left <= SLICE) this.#rest = Buffer.alloc(SLICE);
    else if (data === chunk) this.#reserve(left);
    data.copy(this.#rest, 0, start);
    this.#length = left;
    this.#scanned = left;
    this.#lineStart -= start;
  }

  /** Looks at each byte once and returns where the unfinished packet begins, or what must be kept of one left out. */
  #scan(data: Buffer): number {
    const { maxPacketBytes, maxLines, maxGreetingBytes } = this.#limits;
    let start = 0;
    let line = this.#lineStart;
    for (let i = lineFeedFrom(data, this.#scanned); i < data.length; i = lineFeedFrom(data, i + 1)) {
      if (this.#mode === 'greeting' && i - line > maxGreetingBytes) return this.#fail(maxGreetingBytes);
      const end = i > line && data[i - 1] === CR ? i - 1 : i;
      if (this.#endsPacket(data, start, line, end)) {
        if (!this.#skipping && i + 1 - start > maxPacketBytes) this.#skip(`more than ${maxPacketBytes} bytes`);
        if (!this.#skipping && (end > line || line > start)) this.#emit(data, start, i + 1);
        if (this.#stopped) return start;
        this.#skipping = false;
        start = i + 1;
        this.#lines = 0;
      } else if (++this.#lines > maxLines && !this.#skipping) this.#skip(`more than ${maxLines} lines`);
      line = i + 1;
    }
    if (this.#mode === 'greeting' && data.length - line > maxGreetingBytes) return this.#fail(maxGreetingBytes);
    if (!this.#skipping && data.length - start > maxPacketBytes) this.#skip(`more than ${maxPacketBytes} bytes`);
    if (this.#skipping) {
      line = Math.max(line, data.length - TAIL);
      start = line;
    }
    this.#lineStart = line;
    return start;
  }

  /** Whether the line [line, end) closes what began at `start`; a leading empty line closes nothing and is dropped. */
  #endsPacket(data: Buffer, start: number, line: number, end: number): boolean {
    if (this.#mode === 'greeting') return true;
    if (this.#mode === 'output') {
      const marker = end - END_COMMAND_BYTES.length;
      if (marker >= line && END_COMMAND_BYTES.equals(data.subarray(marker, end))) this.#mode = 'packet';
      return false;
    }
    const first = line === start && !this.#skipping;
    if (first && end - line === FOLLOWS.length && FOLLOWS.equals(data.subarray(line, end))) this.#mode = 'output';
    return end === line;
  }

  #emit(data: Buffer, start: number, end: number): void {
    // A copy, so that a packet that is kept does not keep the whole chunk alive.
    const raw = Buffer.allocUnsafe(end - start);
    data.copy(raw, 0, start, end);
    if (this.#mode === 'greeting') {
      this.#mode = 'packet';
      this.#handlers.onGreeting(raw.toString('utf8').replace(/\r?\n$/, ''), raw);
    } else this.#handlers.onPacket(new Packet(raw));
  }

  #skip(what: string): void {
    this.#skipping = true;
    this.#handlers.onSkipped(what);
  }

  #reserve(size: number): void {
    if (this.#rest.length >= size) return;
    const most = this.#limits.maxPacketBytes + 2 * SLICE;
    const grown = Buffer.alloc(Math.max(size, Math.min(this.#rest.length * 2, most), 4096));
    this.#rest.copy(grown, 0, 0, this.#length);
    this.#rest = grown;
  }

  #fail(bytes: number): number {
    this.stop();
    const what = `The server began with a line longer than ${bytes} bytes`;
    this.#handlers.onError(
      new AmiProtocolError(`${what}, which Asterisk never does; check that the port is that of AMI.`),
    );
    return 0;
  }
}

/** Where the next line feed stands, at or behind `from`; behind the last byte when there is none. Lines are short: a search would cost more than its way. */
function lineFeedFrom(data: Uint8Array, from: number): number {
  let at = from;
  while (at < data.length && data[at] !== LF) at += 1;
  return at;
}

/** Asterisk reads an action's line into a buffer of 1,025 bytes and throws longer ones away. */
const MAX_ACTION_LINE = 1024;

/**
 * Writes one action. Throws when a name or value holds a control character (it could smuggle in a second action), or a
 * line is longer than Asterisk reads. The message never holds the value, which may be a secret.
 */
export function encodeAction(
  name: string,
  fields: readonly (readonly [key: string, value: string])[],
  actionId: string,
): Buffer {
  const all = [['Action', name], ['ActionID', actionId], ...fields] as const;
  const lines = all.map(([key, value]) => {
    if (!/^[A-Za-z][\w-]*$/.test(key)) throw new Error(`AMI action ${JSON.stringify(name)}: bad header name.`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\x00-\x1f\x7f]/.test(value)) throw new Error(`AMI action: the value of ${key} holds a control character.`);
    const line = `${key}: ${value}\r\n`;
    if (Buffer.byteLength(line) > MAX_ACTION_LINE) throw new Error(`AMI action: the value of ${key} is too long.`);
    return line;
  });
  return Buffer.from(`${lines.join('')}\r\n`, 'utf8');
}
