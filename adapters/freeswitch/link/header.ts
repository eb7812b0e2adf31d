/** The header block of an event socket frame: what it says, and whether it can be one. */
import { Lately } from '../../../src/telephony/oldest.ts';
import type { FrameLimits } from './codec.ts';

export interface Header {
  readonly text: string;
  /** Content-Type without parameters, lower case; `''` when there is none. */
  readonly contentType: string;
  /** Bytes of the body; `null` where none is announced. */
  readonly length: number | null;
}

/** Names and types as they are written, read: there are few of either, and each frame has some. */
const names = new Lately(200, (written) => {
  const name = written.trim();
  return /[\s"{}]/.test(name) ? null : name.toLowerCase();
});
const types = new Lately(50, (written) => (written.split(';', 1)[0] ?? '').trim().toLowerCase());

/** Reads a header block: its headers, or the sentence that says what is wrong with it. */
export function parseHeader(text: string, limits: FrameLimits): Header | string {
  let type = '';
  let announced: string | null = null;
  for (let at = 0, end = 0; at <= text.length; at = end + 1) {
    end = lineEnd(text, at);
    const colon = text.indexOf(':', at);
    const name = colon <= at || colon >= end ? null : names.get(text.slice(at, colon));
    if (name === null) return `The peer sent "${shown(text.slice(at, end))}" where a header was expected.`;
    if (name === 'content-type') type = text.slice(colon + 1, end).trim();
    if (name !== 'content-length') continue;
    const value = text.slice(colon + 1, end).trim();
    // Two lengths that differ leave no way to tell where the frame ends.
    if ((announced ?? value) !== value) return 'The peer sent a frame with two different Content-Length headers.';
    announced = value;
  }
  if (announced === null) {
    // What follows would be taken for headers, and one event after another would be lost in silence.
    if (/^text\/event-/i.test(type)) return `The peer sent a frame of type "${shown(type)}" without a Content-Length.`;
    return { text, contentType: types.get(type), length: null };
  }
  if (!/^\d{1,15}$/.test(announced) || Number(announced) > limits.absurdBytes) {
    return `The peer announced a Content-Length of "${shown(announced)}": not a whole number of at most ${limits.absurdBytes} bytes.`;
  }
  return { text, contentType: types.get(type), length: Number(announced) };
}

/** All headers of a block that has been read, by lower-case name. */
export function headersOf({ text }: Header): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** The beginning of what a peer sent, fit to be shown in a message. */
export function shown(sent: string | Uint8Array): string {
  const text = typeof sent === 'string' ? sent : Buffer.from(sent).toString('latin1');
  return text
    .slice(0, 60)
    .replace(/[^\x20-\x7e]/g, ' ')
    .trim();
}
