/** The header block of an event socket frame: what it says, and whether it can be one. */
import type { FrameLimits } from './codec.ts';

export interface Header {
  readonly headers: Map<string, string>;
  /** Bytes of the body; `null` where none is announced. */
  readonly length: number | null;
}

/** Reads a header block: its headers, or the sentence that says what is wrong with it. */
export function parseHeader(text: string, limits: FrameLimits): Header | string {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 1 || /[\s"{}]/.test(line.slice(0, colon).trim()))
      return `The peer sent "${shown(line)}" where a header was expected.`;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    // Two lengths that differ leave no way to tell where the frame ends.
    if (name === 'content-length' && (headers.get(name) ?? value) !== value) {
      return 'The peer sent a frame with two different Content-Length headers.';
    }
    headers.set(name, value);
  }
  const announced = headers.get('content-length');
  if (announced === undefined) {
    const type = headers.get('content-type') ?? '';
    // What follows would be taken for headers, and one event after another would be lost in silence.
    if (/^text\/event-/i.test(type)) return `The peer sent a frame of type "${shown(type)}" without a Content-Length.`;
    return { headers, length: null };
  }
  if (!/^\d{1,15}$/.test(announced) || Number(announced) > limits.absurdBytes) {
    return `The peer announced a Content-Length of "${shown(announced)}": not a whole number of at most ${limits.absurdBytes} bytes.`;
  }
  return { headers, length: Number(announced) };
}

/** The beginning of what a peer sent, fit to be shown in a message. */
export function shown(sent: string | Uint8Array): string {
  const text = typeof sent === 'string' ? sent : Buffer.from(sent).toString('latin1');
  return text
    .slice(0, 60)
    .replace(/[^\x20-\x7e]/g, ' ')
    .trim();
}
