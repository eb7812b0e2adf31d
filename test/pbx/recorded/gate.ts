import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands before a player, and refuses connections for as long as the recorded client was away: the player itself would
 * go on as soon as the daemon is back, ahead of the times in the recording.
 */
export class Gate {
  readonly port: number;
  readonly #server: Server;
  readonly #player: number;
  readonly #pauses: number[];
  readonly #sockets = new Set<Socket>();
  #opensAt = 0;

  private constructor(server: Server, port: number, player: number, pauses: readonly number[]) {
    this.#server = server;
    this.port = port;
    this.#player = player;
    this.#pauses = [...pauses];
    server.on('connection', (socket) => this.#join(socket));
  }

  /** `player`: TCP port of 127.0.0.1. `pauses`: how long it refuses after each end of a connection, ms. */
  static async open(player: number, pauses: readonly number[]): Promise<Gate> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port on 127.0.0.1');
    return new Gate(server, address.port, player, pauses);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #join(daemon: Socket): void {
    if (performance.now() < this.#opensAt) {
      daemon.resetAndDestroy();
      return;
    }
    const player = connect(this.#player, '127.0.0.1');
    player.once('end', () => {
      this.#opensAt = performance.now() + (this.#pauses.shift() ?? 0);
    });
    for (const [socket, other] of [
      [daemon, player],
      [player, daemon],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
      socket.pipe(other);
    }
  }
}
