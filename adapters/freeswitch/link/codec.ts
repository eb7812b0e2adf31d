/**
 * FreeSWITCH event socket: bytes -> frames.
 *
 * A frame is a header block (`Name: value` lines, ended by a blank line) and, where the block has a Content-Length,
 * exactly that many bytes of body. Content-Length counts bytes and bodies may be invalid UTF-8 (recorded: Latin-1
 * caller names), so frames are cut from bytes and only then decoded, with replacement characters.
 *
 * A frame whose end cannot be told is left out, and the next one looked for by how it begins. The first frame of a connection
 * must be whole: what begins otherwise is another service.
 */
import { type Header, headersOf, parseHeader, shown } from './header.ts';
import { findHead, headBytes } from './resync.ts';

/** One frame as it came over the wire. */
export interface EslFrame {
  /** Content-Type without parameters, lower case; `''` when the header block has none. */
  readonly contentType: string;
  /** Header values as sent, by lower-case name. Values of this outer block are not URL-encoded by FreeSWITCH. */
  readonly headers: ReadonlyMap<string, string>;
  /** `null` when the frame announced no Content-Length, or more than is kept. */
  readonly body: Uint8Array | null;
  /** The exact bytes of the frame, header block included; of a frame that was passed over only that block. */
  readonly raw: Uint8Array;
  /** Bytes of a body that was too long to keep and was passed over; 0 for every frame that is whole. */
  readonly passedOver: number;
}

/** Nobody asks for the headers of most frames, which are events: so the map of them is made when it is asked for. */
class Frame implements EslFrame {
  readonly contentType: string;
  readonly body: Uint8Array | null;
  readonly raw: Uint8Array;
  readonly passedOver: number;
  readonly #header: Header;

  constructor(header: Header, body: Uint8Array | null, raw: Uint8Array, passedOver: number) {
    this.#header = header;
    this.contentType = header.contentType;
    this.body = body;
    this.raw = raw;
    this.passedOver = passedOver;
  }

  get headers(): ReadonlyMap<string, string> {
    return headersOf(this.#header);
  }
}

/** In bytes. */
export interface FrameLimits {
  /** A longer header block is none: where it ends is unknown. */
  readonly headerBytes: number;
  /** A longer body is passed over without being kept, which costs that frame. No further the beginning of a frame is looked for. */
  readonly bodyBytes: number;
  /** A body announced as longer than this is no body. */
  readonly absurdBytes: number;
}

/** The largest event recorded has 12 KB; 16 MiB are a list of more than ten thousand channels. */
export const defaultLimits: FrameLimits = {
  headerBytes: 64 * 1024,
  bodyBytes: 16 * 1024 * 1024,
  absurdBytes: 256 * 1024 * 1024,
};

const lineFeed = 0x0a;
const headerEnd = Buffer.from('\n\n');
const [smallest, worthKeeping] = [64 * 1024, 1024 * 1024];

/** The bytes of a frame whose end cannot be told are being left out. */
interface Astray {
  readonly problem: string;
  bytes: number;
  /** The unread rest begins with what looks like a frame. */
  atHead: boolean;
}

/**
 * Cuts a stream into frames, at any chunking, in time linear in the bytes. One parser belongs to one connection: what is
 * left of a broken connection must never be put in front of the bytes of the next.
 */
export class EslParser {
  /** Why the stream cannot be followed any further, one sentence; `null` while all is well. */
  problem: string | null = null;
  readonly #limits: FrameLimits;
  readonly #onSkipped: (problem: string) => void;
  readonly #room: (bytes: number) => Buffer;
  /** A frame was read whole: it is an event socket. */
  #known = false;
  #astray: Astray | null = null;
  /** Where what was found to be wrong ends, as far as that is known. */
  #wrongTo = 0;
  #buffer = Buffer.allocUnsafe(smallest);
  #start = 0;
  #end = 0;
  /** Where the search for the end of the header block goes on. */
  #scan = 0;
  #firstLineSeen = false;
  #header: Header | null = null;
  #bodyAt = 0;
  /** A frame whose body is being passed over, and how much of it is still to come. */
  #passing: { readonly frame: EslFrame; left: number } | null = null;

  /** `onSkipped`: a frame was left out, since its end could not be told; one sentence says why. `room`: memory for a frame. */
  constructor(
    limits: FrameLimits = defaultLimits,
    onSkipped: (problem: string) => void = () => {},
    room: (bytes: number) => Buffer = Buffer.allocUnsafe,
  ) {
    this.#limits = limits;
    this.#onSkipped = onSkipped;
    this.#room = room;
  }

  /** Bytes of a frame that is not complete yet. */
  get pendingBytes(): number {
    return this.#end - this.#start + (this.#passing?.left ?? 0);
  }

  /** Takes the next bytes and returns the frames they complete. After a `problem` everything is ignored. */
  push(chunk: Uint8Array): readonly EslFrame[] {
    if (this.problem !== null) return [];
    const frames: EslFrame[] = [];
    this.#append(this.#passOver(chunk, frames));
    for (;;) {
      const frame = this.#next();
      if (frame === null) break;
      frames.push(frame);
    }
    if (this.#start === this.#end) this.#rewind();
    return frames;
  }

  /** Takes from the chunk what belongs to a body that is not kept; returns the rest. */
  #passOver(chunk: Uint8Array, frames: EslFrame[]): Uint8Array {
    const passing = this.#passing;
    if (passing === null) return chunk;
    const taken = Math.min(passing.left, chunk.length);
    passing.left -= taken;
    if (passing.left > 0) return chunk.subarray(taken);
    this.#passing = null;
    frames.push(passing.frame);
    return chunk.subarray(taken);
  }

  #append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const live = this.#end - this.#start;
      // Moving the live bytes to the front is paid for only when that frees at least half; otherwise the room doubles.
      const needed = live + chunk.length;
      const target =
        needed * 2 > this.#buffer.length ? Buffer.allocUnsafe(Math.max(smallest, needed * 2)) : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#scan -= this.#start;
      this.#bodyAt -= this.#start;
      this.#buffer = target;
      this.#start = 0;
      this.#end = live;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #rewind(): void {
    if (this.#buffer.length > worthKeeping) this.#buffer = Buffer.allocUnsafe(smallest);
    this.#start = 0;
    this.#end = 0;
    this.#scan = 0;
  }

  #next(): EslFrame | null {
    if (this.#header === null && !this.#readHeader()) return null;
    const header = this.#header;
    if (header === null) return null;
    const length = header.length ?? 0;
    const passedOver = length > this.#limits.bodyBytes ? length : 0;
    const end = this.#bodyAt + (passedOver > 0 ? 0 : length);
    if (end > this.#end) return null;
    const raw = this.#room(end - this.#start);
    this.#buffer.copy(raw, 0, this.#start, end);
    const body = header.length === null || passedOver > 0 ? null : raw.subarray(this.#bodyAt - this.#start);
    this.#header = null;
    this.#known = true;
    this.#firstLineSeen = false;
    const frame = new Frame(header, body, raw, passedOver);
    const here = Math.min(passedOver, this.#end - end);
    this.#start = end + here;
    this.#scan = this.#start;
    if (here === passedOver) return frame;
    this.#passing = { frame, left: passedOver - here };
    return null;
  }

  #readHeader(): boolean {
    for (;;) {
      if (this.#astray !== null && !this.#seek(this.#astray)) return false;
      const header = this.#parseHeader();
      if (header === null) return false;
      if (typeof header !== 'string') {
        this.#astray = null;
        this.#header = header;
        return true;
      }
      if (!this.#known) return this.#fail(header);
      this.#goAstray(header);
    }
  }

  /** The header block at `#start`; `null` while its end has not come; what is wrong with it. */
  #parseHeader(): Header | string | null {
    while (this.#start < this.#end && !this.#firstLineSeen && this.#buffer[this.#start] === lineFeed) this.#start++;
    if (this.#scan < this.#start) this.#scan = this.#start;
    this.#wrongTo = this.#start + 1;
    const from = this.#scan;
    const live = this.#buffer.subarray(0, this.#end);
    if (!this.#firstLineSeen) {
      const lineEnd = live.indexOf(lineFeed, from);
      this.#firstLineSeen = lineEnd >= 0;
      // Another protocol's greeting (`Asterisk Call Manager/...`) has no blank line to wait for.
      if (lineEnd >= 0 && !live.subarray(this.#start, lineEnd).includes(':')) {
        return `The peer sent "${shown(live.subarray(this.#start, lineEnd))}" where a header was expected.`;
      }
    }
    // The two line feeds may lie in two chunks: one byte of the last search is looked at again.
    const at = live.indexOf(headerEnd, Math.max(this.#start, from - 1));
    const size = (at < 0 ? this.#end : at) - this.#start;
    if (size > this.#limits.headerBytes) {
      return `The peer sent a header block of more than ${this.#limits.headerBytes} bytes.`;
    }
    this.#scan = this.#end;
    if (at < 0) return null;
    this.#bodyAt = at + headerEnd.length;
    this.#wrongTo = this.#bodyAt;
    return parseHeader(live.toString('utf8', this.#start, at), this.#limits);
  }

  /** What begins at `#start` is no frame that can be followed. Told once, however much of what comes next is none either. */
  #goAstray(problem: string): void {
    if (this.#astray === null) this.#onSkipped(problem);
    // What only looked like a beginning may hold one.
    const passed = this.#astray === null ? this.#wrongTo - this.#start : 1;
    this.#astray = { problem, bytes: (this.#astray?.bytes ?? 0) + passed, atHead: false };
    this.#start += passed;
  }

  /** Moves `#start` to where the next frame may begin; false when that has not come. */
  #seek(astray: Astray): boolean {
    if (astray.atHead) return true;
    const found = findHead(this.#buffer.subarray(this.#start, this.#end));
    const passed = found >= 0 ? found : Math.max(0, this.#end - this.#start - headBytes);
    astray.bytes += passed;
    astray.atHead = found >= 0;
    this.#start += passed;
    this.#scan = this.#start;
    this.#firstLineSeen = false;
    if (astray.bytes > this.#limits.bodyBytes) return this.#fail(astray.problem);
    return astray.atHead;
  }

  #fail(problem: string): false {
    this.problem = problem;
    this.#buffer = Buffer.alloc(0);
    this.#start = 0;
    this.#end = 0;
    return false;
  }
}

/**
 * Reads one frame from its exact text or bytes, as a line of a capture file holds it.
 * Throws when it is not exactly one complete frame.
 */
export function parseFrameText(raw: string | Uint8Array, limits: FrameLimits = defaultLimits): EslFrame {
  const parser = new EslParser(limits);
  const frames = parser.push(typeof raw === 'string' ? Buffer.from(raw, 'utf8') : raw);
  const [frame] = frames;
  if (parser.problem !== null) throw new Error(`This is not an event socket frame. ${parser.problem}`);
  if (frame === undefined || frames.length > 1 || parser.pendingBytes > 0) {
    const found = `${frames.length} complete, ${parser.pendingBytes} bytes left over`;
    throw new Error(`This is not exactly one event socket frame: ${found}.`);
  }
  return frame;
}

/** The body as text, invalid UTF-8 replaced; `''` when there is none. */
export function bodyText(frame: EslFrame): string {
  return frame.body === null
    ? ''
    : Buffer.from(frame.body.buffer, frame.body.byteOffset, frame.body.length).toString('utf8');
}

/** Bytes of a command: one line and a blank line. Throws when control characters could make two commands of it. */
export function encodeCommand(command: string): Uint8Array {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not pass.
  if (/[\u0000-\u001f\u007f]/.test(command)) {
    throw new Error('An event socket command must not hold control characters such as line feeds.');
  }
  return Buffer.from(`${command}\n\n`, 'utf8');
}
