import { randomBytes } from 'node:crypto';
import { type Header, type SipRequest, type SipResponse, tagOf, value, values } from './message.ts';

/** A word that is unique in this run: tags, branches, call ids. */
export function uniqueWord(): string {
  return randomBytes(10).toString('hex');
}

const ALLOW: Header = { name: 'allow', value: 'INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE' };

/** Both ends of one SIP dialog, as one end sees it (RFC 3261 section 12). */
export interface Dialog {
  readonly callId: string;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly localTag: string;
  readonly contact: string;
  /** Host and port answers are to be sent to. */
  readonly sentBy: string;
  remoteTag: string | null;
  /** Request-URI of the next request. */
  target: string;
  sequence: number;
}

export interface RequestParts {
  readonly headers?: readonly Header[];
  readonly body?: string;
  readonly contentType?: string;
  /** For ACK and CANCEL, which belong to an earlier request. */
  readonly of?: SipRequest;
}

/** The next request of a dialog; ACK and CANCEL repeat the number (and CANCEL the branch) of the INVITE they are for. */
export function dialogRequest(dialog: Dialog, method: string, parts: RequestParts = {}): SipRequest {
  const sequence = parts.of ? Number.parseInt(value(parts.of, 'cseq'), 10) : ++dialog.sequence;
  const via =
    parts.of && method === 'CANCEL'
      ? value(parts.of, 'via')
      : `SIP/2.0/UDP ${dialog.sentBy};branch=z9hG4bK${uniqueWord()};rport`;
  const tag = dialog.remoteTag === null || method === 'CANCEL' ? '' : `;tag=${dialog.remoteTag}`;
  const headers: Header[] = [
    { name: 'via', value: via },
    { name: 'max-forwards', value: '70' },
    { name: 'from', value: `${dialog.localAddress};tag=${dialog.localTag}` },
    { name: 'to', value: `${dialog.remoteAddress}${tag}` },
    { name: 'call-id', value: dialog.callId },
    { name: 'cseq', value: `${sequence} ${method}` },
    { name: 'contact', value: dialog.contact },
    ALLOW,
    { name: 'supported', value: 'replaces' },
    ...(parts.headers ?? []),
  ];
  const body = parts.body ?? '';
  if (body) headers.push({ name: 'content-type', value: parts.contentType ?? 'application/sdp' });
  const uri = parts.of && method === 'CANCEL' ? parts.of.uri : dialog.target;
  return { kind: 'request', method, uri, headers, body };
}

/** The ACK of a refusal: part of the INVITE's own transaction (RFC 3261 section 17.1.1.3). */
export function acknowledgeRefusal(invite: SipRequest, response: SipResponse): SipRequest {
  const keep = new Set(['via', 'max-forwards', 'from', 'call-id']);
  const sequence = Number.parseInt(value(invite, 'cseq'), 10);
  return {
    kind: 'request',
    method: 'ACK',
    uri: invite.uri,
    headers: [
      ...invite.headers.filter((header) => keep.has(header.name)),
      { name: 'to', value: value(response, 'to') },
      { name: 'cseq', value: `${sequence} ACK` },
    ],
    body: '',
  };
}

/** An answer to a request; `localTag` is put on To when the request had none. */
export function responseTo(
  request: SipRequest,
  status: number,
  reason: string,
  parts: { readonly localTag?: string; readonly contact?: string; readonly body?: string } = {},
): SipResponse {
  const to = value(request, 'to');
  const tagged = status > 100 && tagOf(to) === null ? `${to};tag=${parts.localTag ?? uniqueWord()}` : to;
  const copied = (name: string): Header[] => values(request, name).map((text) => ({ name, value: text }));
  const headers: Header[] = [
    ...copied('via'),
    ...copied('record-route'),
    ...copied('from'),
    { name: 'to', value: tagged },
    ...copied('call-id'),
    ...copied('cseq'),
    ALLOW,
  ];
  if (parts.contact) headers.push({ name: 'contact', value: parts.contact });
  if (parts.body) headers.push({ name: 'content-type', value: 'application/sdp' });
  return { kind: 'response', status, reason, headers, body: parts.body ?? '' };
}
