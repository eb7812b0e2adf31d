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
  /** Bytes of one line. */
  readonly maxLineBytes: number;
  /** Lines of one packet. */
  readonly maxLines: number;
}

/** The largest packets of real PBXs are some 10 KB; `Output` of a long command may reach hundreds. */
export const DEFAULT_LIMITS: AmiLimits = { maxPacketBytes: 1 << 20, maxLineBytes: 1 << 18, maxLines: 10_000 };

export interface AmiParserHandlers {
  /** The first line of the connection, e.g. `Asterisk Call Manager/11.0.0`; whether it is AMI is for the caller to judge. */
  onGreeting(line: string, raw: Uint8Array): void;
  onPacket(packet: AmiPacket): void;
  /** The stream cannot be followed any more: drop the connection. Called once; the parser ignores everything after. */
  onError(error: AmiProtocolError): void;
}

/** The other side sent what no AMI server sends. The message says what, and what to do. */
export class AmiProtocolError extends Error {
  override readonly name = 'AmiProtocolError';
}

const LF = 10;
const CR = 13;
const SLICE = 1 << 16;
const FOLLOWS = Buffer.from('Response: Follows');
const END_COMMAND_BYTES = Buffer.from(END_COMMAND);

/** Cuts the byte stream of one connection into packets. Make a new one for each connection: it owns the unread rest. */
export class AmiParser {
  readonly #handlers: AmiParserHandlers;
  readonly #limits: AmiLimits;
  #mode: 'greeting' | 'packet' | 'output' = 'greeting';
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
    if (data === chunk) this.#reserve(left);
    data.copy(this.#rest, 0, start);
    this.#length = left;
    this.#scanned = left;
    this.#lineStart -= start;
  }

  /** Looks at each byte once and returns where the unfinished packet begins. */
  #scan(data: Buffer): number {
    const { maxPacketBytes, maxLineBytes, maxLines } = this.#limits;
    let start = 0;
    let line = this.#lineStart;
    for (let i = this.#scanned; i < data.length; i += 1) {
      if (data[i] !== LF) continue;
      if (i - line > maxLineBytes) return this.#fail(`a line longer than ${maxLineBytes} bytes`);
      const end = i > line && data[i - 1] === CR ? i - 1 : i;
      if (this.#endsPacket(data, start, line, end)) {
        if (i + 1 - start > maxPacketBytes) return this.#fail(`a packet larger than ${maxPacketBytes} bytes`);
        if (end > line || line > start) this.#emit(data.subarray(start, i + 1));
        if (this.#stopped) return start;
        start = i + 1;
        this.#lines = 0;
      } else if (++this.#lines > maxLines) return this.#fail(`a packet of more than ${maxLines} lines`);
      line = i + 1;
    }
    if (data.length - line > maxLineBytes) return this.#fail(`a line longer than ${maxLineBytes} bytes`);
    if (data.length - start > maxPacketBytes) return this.#fail(`a packet larger than ${maxPacketBytes} bytes`);
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
    if (line === start && end > line && FOLLOWS.equals(data.subarray(line, end))) this.#mode = 'output';
    return end === line;
  }

  #emit(bytes: Buffer): void {
    // A copy, so that a packet that is kept does not keep the whole chunk alive.
    const raw = Buffer.from(bytes);
    if (this.#mode === 'greeting') {
      this.#mode = 'packet';
      this.#handlers.onGreeting(raw.toString('utf8').replace(/\r?\n$/, ''), raw);
    } else this.#handlers.onPacket(new Packet(raw));
  }

  #reserve(size: number): void {
    if (this.#rest.length >= size) return;
    const grown = Buffer.alloc(Math.max(size, this.#rest.length * 2, 4096));
    this.#rest.copy(grown, 0, 0, this.#length);
    this.#rest = grown;
  }

  #fail(what: string): number {
    this.stop();
    this.#handlers.onError(
      new AmiProtocolError(`The server sent ${what}, which Asterisk never does; check that the port is that of AMI.`),
    );
    return 0;
  }
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
