import { branchOf, formatMessage, type SipRequest, type SipResponse, value } from './message.ts';

/** RFC 3261 section 17.1.1.1, ms. */
const T1 = 500;
const GIVE_UP_MS = 8_000;

interface Pending {
  readonly request: SipRequest;
  readonly onProvisional: (response: SipResponse) => void;
  readonly ack: ((response: SipResponse) => SipRequest) | null;
  readonly settled: PromiseWithResolvers<SipResponse>;
  timer: NodeJS.Timeout | null;
  answered: boolean;
}

/** Client transactions over UDP: requests are repeated until they are answered, answers to INVITE are acknowledged. */
export class ClientTransactions {
  readonly #send: (text: string) => void;
  readonly #pending = new Map<string, Pending>();

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /**
   * Sends a request and resolves with its final answer. `ack` makes the ACK of an INVITE; it is sent again for every
   * repetition of the answer. Rejects when nothing at all was heard for 8 s.
   */
  run(
    request: SipRequest,
    onProvisional: (response: SipResponse) => void = () => undefined,
    ack: ((response: SipResponse) => SipRequest) | null = null,
  ): Promise<SipResponse> {
    const pending: Pending = {
      request,
      onProvisional,
      ack,
      settled: Promise.withResolvers(),
      timer: null,
      answered: false,
    };
    this.#pending.set(`${branchOf(request)} ${request.method}`, pending);
    this.#transmit(pending, T1, Date.now() + GIVE_UP_MS);
    return pending.settled.promise;
  }

  /** Takes a response; false when it belongs to no transaction. */
  receive(response: SipResponse): boolean {
    const method = value(response, 'cseq').split(' ')[1] ?? '';
    const pending = this.#pending.get(`${branchOf(response)} ${method}`);
    if (!pending) return false;
    if (pending.timer) clearTimeout(pending.timer);
    if (response.status < 200) {
      pending.onProvisional(response);
      return true;
    }
    if (pending.ack) this.#send(formatMessage(pending.ack(response)));
    if (!pending.answered) {
      pending.answered = true;
      pending.settled.resolve(response);
    }
    return true;
  }

  close(): void {
    for (const pending of this.#pending.values()) if (pending.timer) clearTimeout(pending.timer);
    this.#pending.clear();
  }

  #transmit(pending: Pending, interval: number, until: number): void {
    this.#send(formatMessage(pending.request));
    pending.timer = setTimeout(() => {
      if (Date.now() < until) this.#transmit(pending, interval * 2, until);
      else pending.settled.reject(new Error(`no answer to ${pending.request.method} ${pending.request.uri}`));
    }, interval);
  }
}
