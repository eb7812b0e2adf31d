/** Mailboxes of app_voicemail: their greetings, and who listens to one. */
import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import type { AmiPacket } from '../link/packet.ts';
import type { Stamp } from './channel.ts';

/** Contexts in which FreePBX (`macro-vm`, `vm-...`) plays the greeting of a mailbox. */
const VOICEMAIL_CONTEXT = /^(?:macro-vm|sub-vm|app-vmblast|vmblast)$/;

/** Contexts in which FreePBX (`*97`, `*98`) lets people listen to a mailbox. */
const MAILBOX_CONTEXT = /^app-(?:vmmain|dialvm)$/;
const MAILBOX_APPLICATION = /^VoiceMailMain$/i;

/** An event of a channel on which somebody listens to a mailbox, as far as the packet tells that. */
export function mailboxRead(packet: AmiPacket, stamp: Stamp, channel: ChannelId): CallEvent[] {
  const runs = packet.get('Application') ?? packet.get('LastApplication') ?? '';
  const reads = MAILBOX_APPLICATION.test(runs) || MAILBOX_CONTEXT.test(packet.get('Context') ?? '');
  return reads ? [{ ...stamp, kind: 'mailbox-read', channel }] : [];
}

/** Somebody reached a mailbox, if `reached`; `header`: what tells it. */
export function voicemail(
  stamp: Stamp,
  channel: ChannelId,
  reached: boolean,
  header: string,
  packet: AmiPacket,
): CallEvent[] {
  if (!reached) return [];
  return [{ ...stamp, kind: 'voicemail-reached', channel, fact: `${header} ${packet.get(header)}` }];
}

/** True for a channel in a place of the dialplan where the greeting of a mailbox is played. */
export function inVoicemail(packet: AmiPacket): boolean {
  return VOICEMAIL_CONTEXT.test(packet.get('Context') ?? '');
}
