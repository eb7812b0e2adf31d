import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { within } from './sip/moment.ts';

export interface Address {
  readonly address: string;
  readonly port: number;
}

interface Wire {
  readonly daemon: Socket;
  readonly pbx: Socket;
}

/** What the link must know of the PBX's protocol. Texts are bytes as latin-1: what a frame holds need not be UTF-8. */
export interface EventProtocol {
  /** Length of the frame that `received` begins with; 0 when it is not complete yet. */
  frameLength(received: string): number;
  /** True for the frame with which the PBX ends its list of running calls. */
  endsSnapshot(frame: string): boolean;
}

/** One frame the PBX sent to the daemon. */
export interface CapturedFrame {
  /** When it passed, ms since the epoch. */
  readonly at: number;
  /** Counts the daemon's connections, from 1. */
  readonly connection: number;
  readonly bytes: Buffer;
}

/** The cable between the daemon and the PBX's event interface: it can be cut, and it tells what the PBX said. */
export class Link {
  readonly port: number;
  readonly #server: Server;
  readonly #target: Address;
  readonly #protocol: EventProtocol;
  readonly #wires = new Set<Wire>();
  readonly #frames: CapturedFrame[] = [];
  readonly #expected = new Set<(frame: string) => void>();
  readonly #waiting: { readonly after: number; readonly resolve: () => void }[] = [];
  #connections = 0;
  #up = true;

  private constructor(server: Server, port: number, target: Address, protocol: EventProtocol) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    this.#protocol = protocol;
    server.on('connection', (socket) => this.#join(socket));
  }

  static async open(target: Address, protocol: EventProtocol): Promise<Link> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port on 127.0.0.1');
    return new Link(server, address.port, target, protocol);
  }

  /** False between `cut` and `repair`. */
  get isUp(): boolean {
    return this.#up;
  }

  /** Everything the PBX has said to the daemon. */
  get frames(): readonly CapturedFrame[] {
    return this.#frames;
  }

  /** Resolves when the daemon has connected anew and was told about every running call; waits for `ms`. */
  nextCaughtUp(ms?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ after: this.#connections, resolve });
    return within(promise, "the daemon's snapshot of the running calls", ms);
  }

  /** Resolves when the PBX says, from now on, what fits. */
  async passes(text: RegExp, ms?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (frame: string): void => {
      if (text.test(frame)) resolve();
    };
    this.#expected.add(look);
    await within(promise, `a frame of the PBX with ${text}`, ms).finally(() => this.#expected.delete(look));
  }

  /** Cuts the cable with a TCP reset; nobody gets through until `repair`. */
  cut(): void {
    this.#up = false;
    for (const wire of this.#wires) {
      // A reset is refused while a shutdown is under way, and then the socket would never close.
      if (wire.daemon.writableEnded) wire.daemon.destroy();
      else wire.daemon.resetAndDestroy();
      wire.pbx.destroy();
    }
    this.#wires.clear();
  }

  /** Resolves when the daemon has found back by itself. */
  repair(): Promise<void> {
    this.#up = true;
    return this.nextCaughtUp();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(daemon: Socket): void {
    if (!this.#up) {
      daemon.resetAndDestroy();
      return;
    }
    const pbx = connect(this.#target.port, this.#target.address);
    const wire = { daemon, pbx };
    this.#wires.add(wire);
    this.#connections += 1;
    const connection = this.#connections;
    let rest = '';
    pbx.on('data', (bytes) => {
      daemon.write(bytes);
      rest += bytes.toString('latin1');
      for (let length = this.#protocol.frameLength(rest); length > 0; length = this.#protocol.frameLength(rest)) {
        this.#capture(connection, rest.slice(0, length));
        rest = rest.slice(length);
      }
    });
    daemon.on('data', (bytes) => pbx.write(bytes));
    const end = (): void => {
      this.#wires.delete(wire);
      daemon.destroy();
      pbx.destroy();
    };
    for (const socket of [daemon, pbx]) socket.on('close', end).on('error', end);
  }

  #capture(connection: number, frame: string): void {
    this.#frames.push({ at: Date.now(), connection, bytes: Buffer.from(frame, 'latin1') });
    for (const look of this.#expected) look(frame);
    if (!this.#protocol.endsSnapshot(frame)) return;
    for (const waiting of this.#waiting) if (connection > waiting.after) waiting.resolve();
  }
}
