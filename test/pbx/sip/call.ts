import { acknowledgeRefusal, type Dialog, dialogRequest, responseTo } from './dialog.ts';
import type { Line } from './line.ts';
import {
  formatMessage,
  type Header,
  type SipRequest,
  type SipResponse,
  tagOf,
  uriOf,
  userOf,
  value,
} from './message.ts';
import { Moment, within } from './moment.ts';
import { describeMedia, type MediaDirection, mediaAddress, type RtpStream } from './rtp.ts';

const REASONS: Readonly<Record<number, string>> = {
  404: 'Not Found',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  503: 'Service Unavailable',
  603: 'Decline',
};

/** RFC 3261 section 13.3.1.4: a 200 is repeated until its ACK comes, ms. */
const REPEAT_ANSWER_MS = 500;

/**
 * One call as one telephone sees it.
 *
 *     placed:   calling -> ringing -> answered -> ended        (cancel, refusal: calling|ringing -> ended)
 *     received: offered -> ringing -> answered -> ended        (reject, caller gives up: offered|ringing -> ended)
 */
export class Call {
  readonly ringing: Moment;
  readonly answered: Moment;
  readonly ended: Moment;
  /** The PBX reported the final result of a transfer asked for by this call. */
  readonly transferred: Moment;
  /** True for a call this telephone placed. */
  readonly placed: boolean;
  readonly calledNumber: string;
  readonly callerNumber: string;
  /** When the call was placed or offered, ms since the epoch. */
  readonly startedAt = Date.now();
  /** SIP status of the final answer; 0 until there is one. */
  status = 0;
  readonly #line: Line;
  readonly #dialog: Dialog;
  readonly #rtp: RtpStream;
  #invite: SipRequest | null = null;
  #offer: SipRequest | null = null;
  #lastAnswer = '';
  #sdpVersion = 0;
  #acknowledged = false;
  #transferStatus = 0;

  constructor(line: Line, dialog: Dialog, rtp: RtpStream, offer: SipRequest | null) {
    this.#line = line;
    this.#dialog = dialog;
    this.#rtp = rtp;
    this.#offer = offer;
    this.placed = offer === null;
    this.calledNumber = offer ? userOf(offer.uri) : userOf(dialog.remoteAddress);
    this.callerNumber = userOf(offer ? value(offer, 'from') : dialog.localAddress);
    const moment = (what: string): Moment => new Moment(`${line.name}: "${what}"`);
    this.ringing = moment('ringing');
    this.answered = moment('answered');
    this.ended = moment('ended');
    this.transferred = moment('transfer reported');
  }

  /** Audio packets heard from the PBX so far. */
  get audioPackets(): number {
    return this.#rtp.received;
  }

  /** Sends the INVITE of a placed call, with these headers besides. Does not wait. */
  place(more: readonly Header[] = []): void {
    const body = this.#describe('sendrecv');
    const attempt = this.#line.transact(
      (login) => {
        this.#invite = dialogRequest(this.#dialog, 'INVITE', { headers: [...login, ...more], body });
        return this.#invite;
      },
      (response) => {
        if (response.status > 100) this.ringing.happen();
      },
      (response) => this.#acknowledge(response),
    );
    attempt.then(
      (response) => this.#onFinal(response),
      (error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)),
    );
  }

  ring(): void {
    this.#answer(180, 'Ringing');
    this.ringing.happen();
  }

  answer(): void {
    if (this.ended.at !== null) throw new Error(`${this.#line.name}: the call ended before it was answered`);
    this.#listen(this.#offer?.body ?? '');
    this.#answer(200, 'OK', this.#describe('sendrecv'));
    this.answered.happen();
    this.#repeatAnswer(REPEAT_ANSWER_MS);
  }

  /** Refuses an offered call with a SIP status such as 486. */
  reject(status: number): void {
    this.status = status;
    this.#answer(status, REASONS[status] ?? 'Refused');
    this.#finish();
  }

  /** Gives up a placed call that is not answered yet. */
  async cancel(): Promise<void> {
    const invite = this.#invite;
    if (!invite) throw new Error(`${this.#line.name}: nothing to cancel`);
    await this.#line.transact(() => dialogRequest(this.#dialog, 'CANCEL', { of: invite }));
    await this.ended.wait();
  }

  /** Ends an answered call; does nothing when the other side was faster. */
  async hangUp(): Promise<void> {
    if (this.ended.at !== null) return;
    this.#finish();
    await this.#line.transact(() => dialogRequest(this.#dialog, 'BYE'));
  }

  hold(): Promise<void> {
    return this.#reinvite('sendonly');
  }

  retrieve(): Promise<void> {
    return this.#reinvite('sendrecv');
  }

  /** Blind transfer by REFER: waits for the PBX to report the result, then hangs up. */
  transferTo(extension: string): Promise<void> {
    return this.#refer(`sip:${extension}@${this.#line.pbxHost}`);
  }

  /** Attended transfer: joins this call's other party with the other party of `consultation` (RFC 3891 Replaces). */
  joinWith(consultation: Call): Promise<void> {
    const other = consultation.#dialog;
    const replaces = `${other.callId};to-tag=${other.remoteTag ?? ''};from-tag=${other.localTag}`;
    return this.#refer(
      `sip:${consultation.calledNumber}@${this.#line.pbxHost}?Replaces=${encodeURIComponent(replaces)}`,
    );
  }

  /** Takes a request of the other side within this call. */
  receive(request: SipRequest): void {
    switch (request.method) {
      case 'ACK':
        this.#acknowledged = true;
        return;
      case 'CANCEL':
        this.#reply(request, 200, 'OK');
        if (this.answered.at !== null || this.ended.at !== null) return;
        this.#answer(487, 'Request Terminated');
        this.#finish();
        return;
      case 'BYE':
        this.#reply(request, 200, 'OK');
        this.#finish();
        return;
      case 'INVITE':
        this.#receiveInvite(request);
        return;
      case 'UPDATE':
        this.#reply(request, 200, 'OK', request.body ? this.#describe('sendrecv') : '');
        return;
      case 'NOTIFY':
        this.#reply(request, 200, 'OK');
        this.#transferStatus = Number(/^SIP\/2\.0 (\d{3})/.exec(request.body)?.[1] ?? this.#transferStatus);
        if (this.#transferStatus >= 200) this.transferred.happen();
        return;
      default:
        this.#reply(request, 200, 'OK');
    }
  }

  /** Frees the call's sockets and timers. */
  close(): void {
    this.#acknowledged = true;
    if (this.ended.at === null) this.#finish();
  }

  #receiveInvite(request: SipRequest): void {
    if (tagOf(value(request, 'to')) === null) {
      if (this.#lastAnswer) this.#line.send(this.#lastAnswer);
      return;
    }
    this.#listen(request.body);
    this.#offer = request;
    this.#answer(200, 'OK', this.#describe('sendrecv'));
  }

  #onFinal(response: SipResponse): void {
    this.status = response.status;
    if (response.status >= 300) {
      this.#finish();
      return;
    }
    this.#listen(response.body);
    this.answered.happen();
  }

  /** The ACK of an answer; a 200 also tells where the rest of the call is to be sent. */
  #acknowledge(response: SipResponse): SipRequest {
    const invite = this.#invite;
    if (!invite) throw new Error(`${this.#line.name}: an answer to an INVITE that was never sent`);
    if (response.status >= 300) return acknowledgeRefusal(invite, response);
    this.#dialog.remoteTag = tagOf(value(response, 'to'));
    this.#dialog.target = uriOf(value(response, 'contact')) || this.#dialog.target;
    return dialogRequest(this.#dialog, 'ACK', { of: invite });
  }

  async #reinvite(direction: MediaDirection): Promise<void> {
    const body = this.#describe(direction);
    const response = await this.#line.transact(
      () => {
        this.#invite = dialogRequest(this.#dialog, 'INVITE', { body });
        return this.#invite;
      },
      undefined,
      (answer) => this.#acknowledge(answer),
    );
    if (response.status >= 300) throw new Error(`${this.#line.name}: re-INVITE was answered ${response.status}`);
  }

  async #refer(target: string): Promise<void> {
    const headers = [
      { name: 'refer-to', value: `<${target}>` },
      { name: 'referred-by', value: `<${uriOf(this.#dialog.contact)}>` },
    ];
    const response = await this.#line.transact(() => dialogRequest(this.#dialog, 'REFER', { headers }));
    if (response.status >= 300) throw new Error(`${this.#line.name}: REFER was answered ${response.status}`);
    await Promise.race([this.transferred.wait(), this.ended.wait()]);
    if (this.#transferStatus >= 300)
      throw new Error(`${this.#line.name}: the transfer failed: ${this.#transferStatus}`);
    await this.hangUp();
  }

  #describe(direction: MediaDirection): string {
    this.#sdpVersion += 1;
    return describeMedia(this.#line.address, this.#rtp.port, this.#sdpVersion, direction);
  }

  #listen(sdp: string): void {
    const remote = mediaAddress(sdp);
    if (remote && this.ended.at === null) this.#rtp.sendTo(remote.address, remote.port);
  }

  #answer(status: number, reason: string, body = ''): void {
    if (!this.#offer) throw new Error(`${this.#line.name}: there is no offered call to answer`);
    const { localTag, contact } = this.#dialog;
    this.#lastAnswer = formatMessage(responseTo(this.#offer, status, reason, { localTag, contact, body }));
    this.#line.send(this.#lastAnswer);
  }

  #reply(request: SipRequest, status: number, reason: string, body = ''): void {
    const { localTag, contact } = this.#dialog;
    this.#line.send(formatMessage(responseTo(request, status, reason, { localTag, contact, body })));
  }

  #repeatAnswer(afterMs: number): void {
    setTimeout(() => {
      if (this.#acknowledged || this.ended.at !== null) return;
      this.#line.send(this.#lastAnswer);
      this.#repeatAnswer(Math.min(afterMs * 2, 4_000));
    }, afterMs);
  }

  #finish(): void {
    if (this.ended.at !== null) return;
    this.ended.happen();
    this.#rtp.close();
    for (const never of [this.ringing, this.answered]) never.fail(`the call ended first (status ${this.status})`);
  }

  #fail(reason: string): void {
    this.ringing.fail(reason);
    this.answered.fail(reason);
    this.#finish();
  }
}

/** Both, or an error naming which telephone waited in vain. */
export function bothEnded(first: Call, second: Call): Promise<unknown> {
  return within(Promise.all([first.ended.wait(), second.ended.wait()]), 'the end of both calls');
}
