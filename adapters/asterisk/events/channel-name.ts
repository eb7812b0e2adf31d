/**
 * Names of Asterisk's channels: `TECHNOLOGY/endpoint-suffix`. The suffix makes the name unique and has a form of its own in each
 * channel driver; what is left names the endpoint. Read in the drivers' sources (`ast_channel_alloc` in each).
 */
import type { LineHint } from '../../../src/telephony/call-event.ts';
import { isExtensionLike } from '../../../src/telephony/digits.ts';

/** Channels that Asterisk makes for its own use: they carry media, nobody is at their end. */
const SERVICE =
  /^(Local|Announcer|Bridge|CBAnn|CBRec|Message|Surrogate|Recorder|Multicast\w*|UnicastRTP|AudioSocket|Snoop|DAHDI\/pseudo)(?:\/|-)/i;

/** The suffix of each driver; the first that fits is taken off. */
const SUFFIXES: readonly (readonly [driver: RegExp, suffix: RegExp])[] = [
  // chan_pjsip, chan_sip: eight hexadecimal digits; chan_sccp writes them in capitals.
  [/^(?:PJSIP|SIP|SCCP|WebSocket)\//i, /-[\da-f]{8}$/i],
  // chan_iax2: the number of the call, decimal.
  [/^IAX2\//i, /-\d+$/],
  // chan_dahdi: `DAHDI/7-1` (channel and sub-channel), `DAHDI/i1/9845012345-1a` (span, number of the call, counter).
  [/^(?:DAHDI|Zap)\/i\d+\//i, /\/[^/]*$/],
  [/^(?:DAHDI|Zap)\//i, /-[\da-f]+$/i],
  // chan_unistim: the address of the sub-channel; chan_mgcp, chan_skinny: its number.
  [/^USTM\//i, /-(?:0x)?[\da-f]+$/i],
  [/^(?:MGCP|Skinny)\//i, /-\d+$/],
  // chan_misdn `mISDN/1-u12`, chan_motif, chan_dongle and its kin, chan_ooh323.
  [/^mISDN\//i, /-u\d+$/i],
  [/^(?:Motif|Gtalk|Jingle|Dongle|Quectel|Datacard|OOH323|H323|Phone|VPB|Khomp)\//i, /-[\da-fx.]+$/i],
  // Anything else that ends like a SIP channel.
  [/^/, /-[\da-f]{8}$/i],
];

/** `PJSIP/trunk-in-0000001a` -> `PJSIP/trunk-in`; what Asterisk appends while a channel changes hands goes first. */
export function endpointOf(name: string): string {
  const plain = name.replace(/<(?:ZOMBIE|MASQ)>$/, '');
  if (plain.startsWith('Local/')) return plain.replace(/-[\da-f]{8};[12]$/i, '');
  const suffix = SUFFIXES.find(([driver, form]) => driver.test(plain) && form.test(plain))?.[1];
  return suffix === undefined ? plain : plain.replace(suffix, '');
}

/**
 * True for the channel on which text messages between phones (SIP MESSAGE) run through the dialplan: Asterisk makes it with the first of
 * them, it lives for ever, and no call is on it. From Asterisk 20 on each message is counted as a call all the same.
 */
export function isOfMessages(name: string): boolean {
  return name.startsWith('Message/');
}

/** The text that both halves of a pair share, `null` for a real channel. */
export function wireOf(name: string): string | null {
  return SERVICE.test(name) ? name.replace(/;[12]$/, '') : null;
}

/**
 * The extension that a Local channel stands for: `Local/1005@followme`. FreePBX puts a mark before it: `FMPR-1005` and `FMGL-1005`
 * (follow me), `LC-1005` (call confirmed by a key), `RG-502-1005` (member of ring group 502). Outside numbers stand there, too.
 */
export function wiredExtension(endpoint: string): string | null {
  const dialled = /^Local\/([^@]*)@/.exec(endpoint)?.[1];
  if (dialled === undefined) return null;
  const number = dialled.replace(/^(?:FMPR|FMGL|LC|RG-[^-]*|GRP-[^-]*)-/, '').replace(/#$/, '');
  return isExtensionLike(number) ? number : null;
}

/** Drivers whose endpoints are named after sockets and not after extensions: there the phone's own number tells who it is. */
const SOCKETS = /^(?:DAHDI|Zap|USTM|MGCP|Skinny|Phone|VPB|Console)\//i;

/** The extension that the channel of a phone at a socket shows as its own number, `null` where the name tells it. */
export function socketExtension(name: string, ownNumber: string | null): string | null {
  return SOCKETS.test(name) && isExtensionLike(ownNumber) ? ownNumber : null;
}

/** What the driver of a channel says about its side. */
export function lineOf(name: string): LineHint | null {
  const span = /^(?:DAHDI|Zap)\/(i\d+)\//i.exec(name)?.[1];
  if (span !== undefined) return { side: 'trunk', fact: `ISDN span ${span.slice(1)}` };
  const modem = /^(Dongle|Quectel|Datacard)\//i.exec(name)?.[1];
  return modem === undefined ? null : { side: 'trunk', fact: `mobile modem (${modem})` };
}

/** ISDN lines: chan_dahdi ends the channel when the far end has hung up, without the HangupRequest of other drivers. */
export function tellsNoHangup(name: string): boolean {
  return /^(?:DAHDI|Zap)\/i\d+\//i.test(name);
}
