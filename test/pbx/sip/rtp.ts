import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

const PACKET_MS = 20;
const SAMPLES = 160;
/** G.711 mu-law silence: the PBX only wants to see that audio flows. */
const SILENCE = Buffer.alloc(SAMPLES, 0xff);

/** One PCMU audio stream: 50 packets a second while it runs, so that the PBX sees a live conversation. */
export class RtpStream {
  readonly port: number;
  readonly #socket: Socket;
  readonly #ssrc = randomInt(2 ** 31);
  #sequence = randomInt(1000);
  #timestamp = randomInt(100_000);
  #timer: NodeJS.Timeout | null = null;
  #remote: { readonly address: string; readonly port: number } | null = null;
  #received = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', () => {
      this.#received += 1;
    });
    // ICMP "port unreachable" after the other side closed is no fault of the story.
    socket.on('error', () => undefined);
  }

  static async open(address: string): Promise<RtpStream> {
    const socket = createSocket('udp4');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('error', reject);
    socket.bind(0, address, resolve);
    await promise;
    socket.removeAllListeners('error');
    return new RtpStream(socket);
  }

  /** Packets heard so far. */
  get received(): number {
    return this.#received;
  }

  sendTo(address: string, port: number): void {
    this.#remote = { address, port };
    this.#timer ??= setInterval(() => this.#sendPacket(), PACKET_MS);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#remote = null;
    this.#socket.close();
  }

  #sendPacket(): void {
    if (!this.#remote) return;
    const head = Buffer.alloc(12);
    head.writeUInt8(0x80, 0);
    head.writeUInt8(0, 1);
    head.writeUInt16BE(this.#sequence, 2);
    head.writeUInt32BE(this.#timestamp, 4);
    head.writeUInt32BE(this.#ssrc, 8);
    this.#sequence = (this.#sequence + 1) % 2 ** 16;
    this.#timestamp = (this.#timestamp + SAMPLES) % 2 ** 32;
    this.#socket.send([head, SILENCE], this.#remote.port, this.#remote.address);
  }
}

export type MediaDirection = 'sendrecv' | 'sendonly';

/** An SDP description of one PCMU stream. */
export function describeMedia(address: string, port: number, version: number, direction: MediaDirection): string {
  return [
    'v=0',
    `o=- 4711 ${version} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    'a=rtpmap:0 PCMU/8000',
    'a=ptime:20',
    `a=${direction}`,
    '',
  ].join('\r\n');
}

/** Where an SDP description wants its audio; `null` when it has none. */
export function mediaAddress(sdp: string): { readonly address: string; readonly port: number } | null {
  const address = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1];
  const port = Number(/^m=audio (\d+)/m.exec(sdp)?.[1] ?? 0);
  return address !== undefined && port > 0 ? { address, port } : null;
}
