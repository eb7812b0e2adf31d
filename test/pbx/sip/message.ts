/** Reading and writing SIP messages (RFC 3261 section 7), as far as a test telephone needs it. */

export interface Header {
  readonly name: string;
  readonly value: string;
}

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly Header[];
  readonly body: string;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Header[];
  readonly body: string;
}

export type SipMessage = SipRequest | SipResponse;

/** RFC 3261 section 7.3.3. */
const COMPACT_NAMES: Readonly<Record<string, string>> = {
  c: 'content-type',
  f: 'from',
  i: 'call-id',
  l: 'content-length',
  m: 'contact',
  t: 'to',
  v: 'via',
};

/** Reads one datagram; `null` when it is no SIP message (keep-alives). */
export function parseMessage(datagram: Uint8Array): SipMessage | null {
  const text = new TextDecoder().decode(datagram);
  const blank = text.indexOf('\r\n\r\n');
  if (blank < 0) return null;
  const [first = '', ...lines] = text.slice(0, blank).split('\r\n');
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    if (colon < 0) return [];
    const name = line.slice(0, colon).trim().toLowerCase();
    return [{ name: COMPACT_NAMES[name] ?? name, value: line.slice(colon + 1).trim() }];
  });
  const body = text.slice(blank + 4);
  const status = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(first);
  if (status) return { kind: 'response', status: Number(status[1]), reason: status[2] ?? '', headers, body };
  const request = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(first);
  if (request) return { kind: 'request', method: request[1] ?? '', uri: request[2] ?? '', headers, body };
  return null;
}

/** The exact text to send; Content-Length is added. */
export function formatMessage(message: SipMessage): string {
  const first =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  const lines = message.headers.map((header) => `${header.name}: ${header.value}`);
  return [first, ...lines, `content-length: ${Buffer.byteLength(message.body)}`, '', message.body].join('\r\n');
}

/** Every value of a header, in order. */
export function values(message: SipMessage, name: string): readonly string[] {
  return message.headers.filter((header) => header.name === name).map((header) => header.value);
}

/** The first value of a header; empty when it is missing. */
export function value(message: SipMessage, name: string): string {
  return values(message, name)[0] ?? '';
}

/** The `branch` of the topmost Via: names the transaction. */
export function branchOf(message: SipMessage): string {
  return /;branch=([^;,\s]+)/.exec(value(message, 'via'))?.[1] ?? '';
}

export function tagOf(address: string): string | null {
  return /;tag=([^;>\s]+)/.exec(address)?.[1] ?? null;
}

/** The URI in a From, To or Contact value. */
export function uriOf(address: string): string {
  return /<([^>]+)>/.exec(address)?.[1] ?? address.split(';')[0]?.trim() ?? '';
}

/** The user part of a SIP URI or of an address that holds one. */
export function userOf(address: string): string {
  return /^sips?:([^@;>]+)@/.exec(uriOf(address))?.[1] ?? '';
}
