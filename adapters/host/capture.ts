/**
 * Capture files: what a PBX sent, frame by frame, one JSON object a line.
 *
 *     {"capture":1,"pbx":"asterisk"}
 *     {"t":304,"at":"2026-11-22T10:00:00.304Z","raw":"Event: Newchannel\r\n...","conn":1}
 *
 * `t`: ms since the beginning of the capture; `at`: wall clock, UTC; `raw`: the exact text, `rawBase64` where the bytes are
 * not UTF-8; `conn`: counts connections where there is more than one.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

export interface CapturedFrame {
  /** ms since the epoch, UTC. */
  readonly receivedAt: number;
  readonly connection: number;
  readonly raw: Uint8Array;
}

export interface Capture {
  readonly pbx: string;
  readonly frames: readonly CapturedFrame[];
}

/** Reads a capture file, compressed with gzip or not. Throws an Error that names the file, the line and what is wrong. */
export async function readCapture(path: string): Promise<Capture> {
  const handle = await open(path).catch((error: unknown) => {
    throw new Error(`${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const magic = Buffer.alloc(2);
  await handle.read(magic, 0, 2, 0);
  await handle.close();
  const bytes = createReadStream(path);
  const compressed = magic[0] === 0x1f && magic[1] === 0x8b;
  const text = compressed ? bytes.pipe(createGunzip()) : bytes;
  const lines = createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY });
  let pbx: string | null = null;
  const frames: CapturedFrame[] = [];
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line === '') continue;
    const value = parse(path, number, line);
    if (pbx === null) {
      if (value.capture !== 1 || typeof value.pbx !== 'string') {
        throw new Error(
          `${path}: line ${number}: not a capture file (its first line must be {"capture":1,"pbx":"..."})`,
        );
      }
      pbx = value.pbx;
    } else {
      frames.push(frameOf(path, number, value));
    }
  }
  if (pbx === null) throw new Error(`${path}: is empty; a capture file begins with {"capture":1,"pbx":"..."}`);
  return { pbx, frames };
}

function parse(path: string, number: number, line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below, with the place.
  }
  throw new Error(
    number === 1
      ? `${path}: is not a capture file: its first line must be {"capture":1,"pbx":"..."}. Make one with: logcalld capture FILE`
      : `${path}: line ${number}: not a JSON object; was the file cut off or edited?`,
  );
}

function frameOf(path: string, number: number, value: Record<string, unknown>): CapturedFrame {
  const { raw, rawBase64, at, conn } = value;
  const receivedAt = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(receivedAt))
    throw new Error(`${path}: line ${number}: "at" is not a time like 2026-11-22T10:00:00.304Z`);
  const bytes =
    typeof rawBase64 === 'string'
      ? Buffer.from(rawBase64, 'base64')
      : typeof raw === 'string'
        ? Buffer.from(raw)
        : null;
  if (bytes === null) throw new Error(`${path}: line ${number}: has neither "raw" nor "rawBase64"`);
  return { receivedAt, connection: typeof conn === 'number' ? conn : 1, raw: bytes };
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
