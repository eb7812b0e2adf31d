/** Reads the frames of an Asterisk capture file, and tells when they are of no use. */
import { frameReader } from '../../src/capture/reader.ts';
import { normalise } from './events/normalise.ts';
import { type AmiPacket, parsePacketText } from './link/packet.ts';
import { isAmiGreeting, isOldGreeting, tooOld } from './link/problem.ts';

/** A packet, or the greeting line with which every connection begins. */
export const readAmiFrame = frameReader((raw, source, receivedAt) => {
  const packet = parsePacketText(raw);
  if (packet !== null) return packet.get('Event') === undefined ? [] : normalise(packet, source, receivedAt);
  return raw.some((byte) => byte > 32) ? 'greeting' : [];
});

/** Events that ended with Asterisk 11; 12 has DialBegin, BridgeEnter and their like instead. */
const OLD_EVENTS = new Set(['Dial', 'Bridge', 'Link', 'Unlink']);

/**
 * Why no calls can be read from this capture; `null` when they can. The greeting decides. A capture without one is of an Asterisk
 * that is too old when it has events that ended with Asterisk 11, or channels but nowhere a `Linkedid`, which came with 12.
 */
export function amiCaptureProblem(file: string, frames: Iterable<Uint8Array>): string | null {
  let old: string | null = null;
  let linked = false;
  let channels = false;
  let greeted = false;
  for (const raw of frames) {
    const packet = parsePacketText(raw);
    if (packet === null) {
      const line = Buffer.from(raw).toString('utf8').trim();
      if (isOldGreeting(line)) return tooOld(file, JSON.stringify(line));
      greeted ||= isAmiGreeting(line);
      continue;
    }
    const event = packet.get('Event') ?? '';
    if (OLD_EVENTS.has(event)) old ??= `it has the event ${event}`;
    channels ||= event === 'Newchannel';
    linked ||= isLinked(packet);
  }
  if (greeted) return null;
  if (old === null && channels && !linked) old = 'its channels have no Linkedid';
  return old === null ? null : tooOld(file, old);
}

function isLinked(packet: AmiPacket): boolean {
  return packet.headers.some(([name]) => name.endsWith('Linkedid'));
}
