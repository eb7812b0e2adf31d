/** A way through TCP that can be cut, or can go dead without a word, in either direction. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class FaultProxy {
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Nothing gets through, and nobody is told: what is sent is gone. */
  silent: { readonly toServer: boolean; readonly toClient: boolean } = { toServer: false, toClient: false };
  port = 0;

  constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#join(client));
  }

  #join(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    }
    const forward = (from: Socket, to: Socket, dead: () => boolean): void => {
      from.on('data', (bytes: Buffer) => {
        if (!dead()) to.write(bytes);
      });
      from.on('end', () => {
        if (!dead()) to.end();
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        if (!dead()) to.destroy();
      });
    };
    forward(client, server, () => this.silent.toServer);
    forward(server, client, () => this.silent.toClient);
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    return this;
  }

  dead(toServer: boolean, toClient: boolean): void {
    this.silent = { toServer, toClient };
  }

  /** New connections get through; what was dead stays so until its ends notice. */
  heal(): void {
    this.silent = { toServer: false, toClient: false };
  }

  /** Both sides see the connection reset. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
