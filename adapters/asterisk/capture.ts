/** Reads the frames of an Asterisk capture file. */
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { normalise } from './normalise.ts';
import { parsePacketText } from './packet.ts';

/** Events of one captured frame: a packet, or the greeting line with which every connection begins. */
export function readAmiFrame(raw: Uint8Array, source: string, receivedAt: number): readonly CallEvent[] {
  const packet = parsePacketText(raw);
  if (packet !== null && packet.get('Event') !== undefined) return normalise(packet, source, receivedAt);
  const greeting = packet === null && raw.some((byte) => byte > 32);
  return greeting ? [{ kind: 'source-connected', source, at: receivedAt, receivedAt, boot: null, bootedAt: null }] : [];
}
