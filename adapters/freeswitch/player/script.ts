/** A capture file as something that can be played to a client: what was sent, when, and what answered which question. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { bodyText, type EslFrame, parseFrameText } from '../link/codec.ts';

/** One frame that FreeSWITCH sent by itself. `t`: ms since the recording began. */
export interface RecordedFrame {
  readonly t: number;
  readonly raw: Buffer;
}

/** One connection of the recorded client. */
export interface RecordedConnection {
  /** ms since the recording began. */
  readonly from: number;
  readonly frames: readonly RecordedFrame[];
  /** Bodies of `api/response` frames, in the order recorded. */
  readonly answers: readonly string[];
}

export interface Script {
  /** Wall clock at which the recording began, ms since the epoch. */
  readonly startedAt: number;
  readonly connections: readonly RecordedConnection[];
}

interface CaptureLine {
  readonly t: number;
  readonly at: string;
  readonly conn: number | null;
  readonly raw: Buffer;
}

/** Reads a capture file, gzip or plain. Throws when it is not one of FreeSWITCH. */
export async function loadScript(file: string): Promise<Script> {
  const bytes = await readFile(file);
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  const connections: { from: number; frames: RecordedFrame[]; answers: string[] }[] = [];
  let startedAt: number | null = null;
  let conn: number | null = null;
  for (const line of captureLines(plain, file)) {
    startedAt ??= Date.parse(line.at) - line.t;
    const frame = parseFrameText(line.raw);
    const greeting = frame.contentType === 'auth/request';
    // Not every recorder numbers its connections, but FreeSWITCH greets each.
    const previous = connections.at(-1);
    const fresh = previous === undefined || greeting || line.conn !== conn;
    conn = line.conn;
    const current = fresh ? { from: line.t, frames: [], answers: [] } : previous;
    if (fresh) connections.push(current);
    if (frame.contentType === 'api/response') current.answers.push(bodyText(frame));
    else if (isSpontaneous(frame)) current.frames.push({ t: line.t, raw: line.raw });
  }
  if (startedAt === null) throw new Error(`${file} holds no frames.`);
  return { startedAt, connections };
}

function isSpontaneous(frame: EslFrame): boolean {
  return frame.contentType.startsWith('text/event-') || frame.contentType === 'text/disconnect-notice';
}

function* captureLines(bytes: Buffer, file: string): Generator<CaptureLine> {
  let number = 0;
  for (let from = 0; from < bytes.length; ) {
    const lineFeed = bytes.indexOf(0x0a, from);
    const to = lineFeed < 0 ? bytes.length : lineFeed;
    const text = bytes.toString('utf8', from, to).trim();
    from = to + 1;
    number++;
    if (text === '') continue;
    const value: unknown = JSON.parse(text);
    const line = captureLine(value);
    if (line !== null) yield line;
    else if (number > 1 || !isFreeSwitchHeader(value)) {
      throw new Error(`${file}, line ${number}: this is not a line of a FreeSWITCH capture file.`);
    }
  }
}

function isFreeSwitchHeader(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'pbx' in value && value.pbx === 'freeswitch';
}

function captureLine(value: unknown): CaptureLine | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!('t' in value) || typeof value.t !== 'number' || !('at' in value) || typeof value.at !== 'string') return null;
  const conn = 'conn' in value && typeof value.conn === 'number' ? value.conn : null;
  const { t, at } = value;
  if ('raw' in value && typeof value.raw === 'string') return { t, at, conn, raw: Buffer.from(value.raw, 'utf8') };
  if (!('rawBase64' in value) || typeof value.rawBase64 !== 'string') return null;
  return { t, at, conn, raw: Buffer.from(value.rawBase64, 'base64') };
}

/** Changes bytes of the recording before they are sent, never their number: Content-Length stays true. */
export type Rewrite = (bytes: Buffer) => Buffer;

/** One rewrite after another, on text in which each byte is one character. */
export function rewriteWith(...steps: readonly ((text: string) => string)[]): Rewrite {
  if (steps.length === 0) return (bytes) => bytes;
  return (bytes) =>
    Buffer.from(
      steps.reduce((text, step) => step(text), bytes.toString('latin1')),
      'latin1',
    );
}

/** Gives every uuid another one, always the same for the same. */
export function freshIds(): (text: string) => string {
  const fresh = new Map<string, string>();
  return (text) =>
    text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
      const other = fresh.get(id) ?? randomUUID();
      fresh.set(id, other);
      return other;
    });
}

const dayMs = 86_400_000;

/**
 * Moves the times of a recording that began at `from` to begin at `to` (ms since the epoch): microseconds, whole
 * seconds, and `YYYY-MM-DD hh:mm:ss` stamps (as they are, without a zone). Numbers further than a day from the recording
 * are no times of it. The shift is a whole number of seconds, so that the forms still agree.
 */
export function shiftTimes(from: number, to: number): (text: string) => string {
  const shiftMs = Math.round((to - from) / 1000) * 1000;
  const near = (ms: number) => Math.abs(ms - from) < dayMs;
  return (text) =>
    text
      .replace(/(?<!\d)\d{16}(?!\d)/g, (us) => {
        return near(Number(us) / 1000) ? String(BigInt(us) + BigInt(shiftMs) * 1000n) : us;
      })
      .replace(/(?<!\d)\d{10}(?!\d)/g, (s) => (near(Number(s) * 1000) ? String(Number(s) + shiftMs / 1000) : s))
      .replace(/(\d{4}-\d\d-\d\d)( |%20)(\d\d)(:|%3A)(\d\d)(?:\4)(\d\d)/g, (stamp, day, gap, h, colon, m, s) => {
        const ms = Date.parse(`${day}T${h}:${m}:${s}Z`);
        if (Number.isNaN(ms)) return stamp;
        const [date = '', time = ''] = new Date(ms + shiftMs).toISOString().slice(0, 19).split('T');
        return `${date}${gap}${time.replaceAll(':', colon)}`;
      });
}
