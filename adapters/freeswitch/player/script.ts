/** A capture file as something that can be played to a client: what was sent, when, and what answered which question. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { captureOf } from '../../../src/capture/file.ts';
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

/** Reads a capture file, gzip or plain. Throws when it is not one of FreeSWITCH. */
export async function loadScript(file: string): Promise<Script> {
  const { pbx, frames } = captureOf(await readFile(file), file);
  if (pbx !== 'freeswitch') throw new Error(`${file}: is a capture of ${pbx}, not of FreeSWITCH.`);
  const connections: { from: number; frames: RecordedFrame[]; answers: string[] }[] = [];
  let startedAt: number | null = null;
  let conn: number | null = null;
  for (const { t, receivedAt, connection, raw } of frames) {
    startedAt ??= receivedAt - t;
    const frame = parseFrameText(raw);
    const greeting = frame.contentType === 'auth/request';
    // Not every recorder numbers its connections, but FreeSWITCH greets each.
    const previous = connections.at(-1);
    const fresh = previous === undefined || greeting || connection !== conn;
    conn = connection;
    const current = fresh ? { from: t, frames: [], answers: [] } : previous;
    if (fresh) connections.push(current);
    if (frame.contentType === 'api/response') current.answers.push(bodyText(frame));
    else if (isSpontaneous(frame)) current.frames.push({ t, raw });
  }
  if (startedAt === null) throw new Error(`${file} holds no frames.`);
  return { startedAt, connections };
}

function isSpontaneous(frame: EslFrame): boolean {
  return frame.contentType.startsWith('text/event-') || frame.contentType === 'text/disconnect-notice';
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
