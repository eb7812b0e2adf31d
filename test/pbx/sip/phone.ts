import { createSocket, type Socket } from 'node:dgram';
import { Call } from './call.ts';
import { type Dialog, dialogRequest, responseTo, uniqueWord } from './dialog.ts';
import { answerChallenge, type Credentials } from './digest.ts';
import type { Line } from './line.ts';
import {
  formatMessage,
  type Header,
  parseMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
  uriOf,
  value,
} from './message.ts';
import { within } from './moment.ts';
import { RtpStream } from './rtp.ts';
import { ClientTransactions } from './transaction.ts';

export interface PhoneOptions {
  /** Shown in errors. */
  readonly name: string;
  readonly user: string;
  /** Local IPv4 address; the port is picked by the system. */
  readonly address: string;
  readonly pbx: { readonly address: string; readonly port: number };
  readonly credentials?: Credentials;
}

/** A real SIP telephone on UDP with PCMU audio: an agent's desk phone, or the carrier at the other end of a trunk. */
export class Phone implements Line {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly pbxHost: string;
  readonly #options: PhoneOptions;
  readonly #socket: Socket;
  readonly #transactions: ClientTransactions;
  readonly #calls = new Map<string, Call>();
  readonly #offered: Call[] = [];
  readonly #waiting: ((call: Call) => void)[] = [];

  private constructor(options: PhoneOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.name = options.name;
    this.address = options.address;
    this.port = socket.address().port;
    this.pbxHost = `${options.pbx.address}:${options.pbx.port}`;
    this.#transactions = new ClientTransactions((text) => this.send(text));
    socket.on('message', (datagram) => {
      const message = parseMessage(datagram);
      if (message) this.#receive(message);
    });
    // ICMP "port unreachable" while the PBX is not up: the transaction's own deadline reports it.
    socket.on('error', () => undefined);
  }

  static async open(options: PhoneOptions): Promise<Phone> {
    const socket = createSocket('udp4');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('error', reject);
    socket.bind(0, options.address, resolve);
    await promise;
    socket.removeAllListeners('error');
    return new Phone(options, socket);
  }

  async register(): Promise<void> {
    const { user, pbx } = this.#options;
    const dialog = this.#newDialog(`<sip:${user}@${pbx.address}>`, `<sip:${user}@${pbx.address}>`, '');
    dialog.target = `sip:${pbx.address}:${pbx.port}`;
    const response = await this.transact((login) => {
      const headers = [{ name: 'expires', value: '3600' }, ...login];
      return dialogRequest(dialog, 'REGISTER', { headers });
    });
    if (response.status !== 200) throw new Error(`${this.name}: REGISTER was answered ${response.status}`);
  }

  /**
   * Places a call. `from` is the caller's number shown (the phone's own user by default). `hidden`: he asked for privacy, and only what
   * the network asserts has his number (RFC 3323, RFC 3325).
   */
  async call(
    number: string,
    from: { readonly number?: string; readonly name?: string; readonly hidden?: boolean } = {},
  ): Promise<Call> {
    const { pbx, user } = this.#options;
    const shown = from.name === undefined ? '' : `"${from.name}" `;
    const own = `sip:${from.number ?? user}@${this.address}`;
    const local = from.hidden === true ? '"Anonymous" <sip:anonymous@anonymous.invalid>' : `${shown}<${own}>`;
    const asserted = [
      { name: 'p-asserted-identity', value: `<${own}>` },
      { name: 'privacy', value: 'id' },
    ];
    const remote = `<sip:${number}@${pbx.address}>`;
    const dialog = this.#newDialog(local, remote, `sip:${number}@${pbx.address}:${pbx.port}`);
    const call = new Call(this, dialog, await RtpStream.open(this.address), null);
    this.#calls.set(dialog.callId, call);
    call.place(from.hidden === true ? asserted : []);
    return call;
  }

  /** The next call that reaches this telephone (or reached it since the last time it was asked). */
  async nextCall(): Promise<Call> {
    const ready = this.#offered.shift();
    if (ready) return ready;
    const { promise, resolve } = Promise.withResolvers<Call>();
    this.#waiting.push(resolve);
    try {
      return await within(promise, `${this.name}: a call`);
    } finally {
      const index = this.#waiting.indexOf(resolve);
      if (index >= 0) this.#waiting.splice(index, 1);
    }
  }

  /** Ends what is still going on and forgets calls nobody asked for, so that the next story starts fresh. */
  async reset(): Promise<void> {
    this.#offered.length = 0;
    const open = [...this.#calls.values()].filter((call) => call.ended.at === null);
    await Promise.allSettled(
      open.map((call) => {
        if (call.answered.at !== null) return call.hangUp();
        if (call.placed) return call.cancel();
        call.reject(480);
        return Promise.resolve();
      }),
    );
  }

  close(): void {
    this.#transactions.close();
    for (const call of this.#calls.values()) call.close();
    this.#socket.close();
  }

  send(text: string): void {
    this.#socket.send(text, this.#options.pbx.port, this.#options.pbx.address);
  }

  async transact(
    make: (login: readonly Header[]) => SipRequest,
    onProvisional?: (response: SipResponse) => void,
    ack?: (response: SipResponse) => SipRequest,
  ): Promise<SipResponse> {
    const first = make([]);
    const response = await this.#transactions.run(first, onProvisional, ack);
    const { credentials } = this.#options;
    if ((response.status !== 401 && response.status !== 407) || !credentials) return response;
    // A proxy (407; FreeSWITCH for INVITE) reads credentials from another header than a server (401) does.
    const [asks, tells] =
      response.status === 401 ? ['www-authenticate', 'authorization'] : ['proxy-authenticate', 'proxy-authorization'];
    const answer = answerChallenge(value(response, asks), credentials, first.method, first.uri);
    return this.#transactions.run(make([{ name: tells, value: answer }]), onProvisional, ack);
  }

  #newDialog(localAddress: string, remoteAddress: string, target: string): Dialog {
    return {
      callId: `${uniqueWord()}@${this.address}`,
      localAddress,
      remoteAddress,
      localTag: uniqueWord(),
      contact: `<sip:${this.#options.user}@${this.address}:${this.port}>`,
      sentBy: `${this.address}:${this.port}`,
      remoteTag: null,
      target,
      sequence: 100,
    };
  }

  #receive(message: SipMessage): void {
    if (message.kind === 'response') {
      this.#transactions.receive(message);
      return;
    }
    const call = this.#calls.get(value(message, 'call-id'));
    if (call) call.receive(message);
    else if (message.method === 'INVITE') this.#offer(message);
    else if (message.method !== 'ACK') {
      const known = message.method === 'OPTIONS' || message.method === 'NOTIFY';
      this.send(formatMessage(responseTo(message, known ? 200 : 481, known ? 'OK' : 'Call Does Not Exist')));
    }
  }

  #offer(invite: SipRequest): void {
    this.send(formatMessage(responseTo(invite, 100, 'Trying')));
    const dialog: Dialog = {
      ...this.#newDialog(value(invite, 'to'), value(invite, 'from').replace(/;tag=[^;]+/, ''), ''),
      callId: value(invite, 'call-id'),
      remoteTag: tagOf(value(invite, 'from')),
      target: uriOf(value(invite, 'contact')),
    };
    RtpStream.open(this.address).then(
      (rtp) => {
        const call = new Call(this, dialog, rtp, invite);
        this.#calls.set(dialog.callId, call);
        const waiting = this.#waiting.shift();
        if (waiting) waiting(call);
        else this.#offered.push(call);
      },
      () => this.send(formatMessage(responseTo(invite, 503, 'Service Unavailable'))),
    );
  }
}
