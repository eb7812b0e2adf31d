import { connect, type Socket } from 'node:net';
import { within } from '../sip/moment.ts';

type Packet = ReadonlyMap<string, string>;

/** The few AMI actions the tests themselves need: wait for the PBX to be up, and click-to-call. */
export class AmiSession implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #waiting: { readonly wanted: (packet: Packet) => boolean; readonly found: (packet: Packet) => void }[] = [];
  readonly #seen: Packet[] = [];
  #rest = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text) => this.#receive(String(text)));
    socket.on('error', () => undefined);
  }

  /** Rejects when the port is closed or the login refused. */
  static async login(port: number, username: string, secret: string): Promise<AmiSession> {
    const socket = connect(port, '127.0.0.1');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('connect', resolve);
    socket.once('error', reject);
    await promise;
    const session = new AmiSession(socket);
    await session.act('Login', { Username: username, Secret: secret });
    return session;
  }

  /** Sends an action; rejects with Asterisk's message when it is refused. */
  async act(action: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const id = crypto.randomUUID();
    const lines = Object.entries({ Action: action, ...fields, ActionID: id }).map(
      ([name, text]) => `${name}: ${text}\r\n`,
    );
    const answer = this.#next((packet) => packet.has('Response') && packet.get('ActionID') === id);
    this.#socket.write(`${lines.join('')}\r\n`);
    const packet = await within(answer, `AMI's answer to ${action}`);
    if (packet.get('Response') !== 'Success') {
      throw new Error(`AMI refused ${action}: ${packet.get('Message')}`);
    }
  }

  async event(name: string): Promise<void> {
    await within(
      this.#next((packet) => packet.get('Event') === name),
      `AMI event ${name}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.destroy();
    await closed;
  }

  #next(wanted: (packet: Packet) => boolean): Promise<Packet> {
    const seen = this.#seen.find(wanted);
    if (seen) return Promise.resolve(seen);
    const { promise, resolve } = Promise.withResolvers<Packet>();
    this.#waiting.push({ wanted, found: resolve });
    return promise;
  }

  #receive(text: string): void {
    const packets = (this.#rest + text).split('\r\n\r\n');
    this.#rest = packets.pop() ?? '';
    for (const raw of packets) {
      const packet = new Map(raw.split('\r\n').map((line): [string, string] => split(line)));
      this.#seen.push(packet);
      for (const waiting of this.#waiting) if (waiting.wanted(packet)) waiting.found(packet);
    }
  }
}

function split(line: string): [string, string] {
  const colon = line.indexOf(': ');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 2)];
}
