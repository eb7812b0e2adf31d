/**
 * Capture files: what a PBX sent, frame by frame, one JSON object a line, compressed with gzip or not.
 *
 *     {"capture":1,"pbx":"asterisk"}
 *     {"t":304,"at":"2026-11-22T10:00:00.304Z","raw":"Event: Newchannel\r\n...","conn":1}
 *
 * `t`: ms since the beginning of the capture; `at`: wall clock, UTC; `raw`: the exact text, `rawBase64` where the bytes are
 * not UTF-8; `conn`: counts connections where there is more than one.
 */
import { gunzipSync } from 'node:zlib';

export interface CapturedFrame {
  /** ms since the epoch, UTC. */
  readonly receivedAt: number;
  readonly connection: number;
  readonly raw: Uint8Array;
}

/** A frame of a file, with its place in the capture. */
export interface PlacedFrame extends CapturedFrame {
  /** ms since the beginning of the capture. */
  readonly t: number;
  readonly raw: Buffer;
}

export interface Capture {
  readonly pbx: string;
  readonly frames: readonly PlacedFrame[];
}

/** Reads a capture line by line, in whatever pieces it comes. Throws an Error that names the file, the line and what is wrong. */
export class CaptureLines {
  readonly #path: string;
  readonly #frames: PlacedFrame[] = [];
  #number = 0;
  #pbx: string | null = null;

  /** `path`: how messages name the file. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the next line. */
  take(line: string): void {
    this.#number += 1;
    if (line.trim() === '') return;
    const value = this.#parse(line);
    if (this.#pbx !== null) {
      this.#frames.push(this.#frameOf(value));
      return;
    }
    if (value.capture !== 1 || typeof value.pbx !== 'string') {
      throw new Error(
        `${this.#path}: line ${this.#number}: not a capture file (its first line must be {"capture":1,"pbx":"..."})`,
      );
    }
    this.#pbx = value.pbx;
  }

  /** All that was taken. */
  end(): Capture {
    if (this.#pbx === null)
      throw new Error(`${this.#path}: is empty; a capture file begins with {"capture":1,"pbx":"..."}`);
    return { pbx: this.#pbx, frames: this.#frames };
  }

  #parse(line: string): Readonly<Record<string, unknown>> {
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    } catch {
      // Reported below, with the place.
    }
    throw new Error(
      this.#number === 1
        ? `${this.#path}: is not a capture file: its first line must be {"capture":1,"pbx":"..."}. Make one with: logcalld capture FILE`
        : `${this.#path}: line ${this.#number}: not a JSON object; was the file cut off or edited?`,
    );
  }

  #frameOf({ raw, rawBase64, at, conn, t }: Readonly<Record<string, unknown>>): PlacedFrame {
    const place = `${this.#path}: line ${this.#number}`;
    const receivedAt = typeof at === 'string' ? Date.parse(at) : Number.NaN;
    if (Number.isNaN(receivedAt)) throw new Error(`${place}: "at" is not a time like 2026-11-22T10:00:00.304Z`);
    const bytes =
      typeof rawBase64 === 'string'
        ? Buffer.from(rawBase64, 'base64')
        : typeof raw === 'string'
          ? Buffer.from(raw)
          : null;
    if (bytes === null) throw new Error(`${place}: has neither "raw" nor "rawBase64"`);
    const began = this.#frames[0];
    return {
      receivedAt,
      connection: typeof conn === 'number' ? conn : 1,
      raw: bytes,
      t: typeof t === 'number' ? t : receivedAt - (began === undefined ? receivedAt : began.receivedAt - began.t),
    };
  }
}

/** A capture that is in memory as a whole, compressed or not. Throws as `CaptureLines` does. */
export function captureOf(bytes: Uint8Array, path: string): Capture {
  const lines = new CaptureLines(path);
  const text = Buffer.from(isCompressed(bytes) ? gunzipSync(bytes) : bytes).toString('utf8');
  for (const line of text.split('\n')) lines.take(line);
  return lines.end();
}

/** Whether a file that begins so is compressed with gzip. */
export function isCompressed(beginning: Uint8Array): boolean {
  return beginning[0] === 0x1f && beginning[1] === 0x8b;
}

/** First line of a capture file. */
export function captureHeader(pbx: string): string {
  return `${JSON.stringify({ capture: 1, pbx })}\n`;
}

/** One line of a capture file. `startedAt`: when the capture began, ms since the epoch. */
export function captureLine(frame: CapturedFrame, startedAt: number): string {
  const bytes = Buffer.from(frame.raw);
  const text = bytes.toString('utf8');
  const content = Buffer.from(text).equals(bytes) ? { raw: text } : { rawBase64: bytes.toString('base64') };
  const connection = frame.connection === 1 ? {} : { conn: frame.connection };
  const at = new Date(frame.receivedAt).toISOString();
  return `${JSON.stringify({ t: frame.receivedAt - startedAt, at, ...content, ...connection })}\n`;
}
