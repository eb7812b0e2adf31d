/** One client of the player: reads its actions, checks its login, and writes to it in order. */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { AmiParser } from '../link/codec.ts';
import type { AmiPacket } from '../link/packet.ts';

/** What the player does wrong on purpose. */
export interface PlayerFaults {
  /** Every login is answered `Authentication failed`. */
  readonly refuseLogin?: boolean;
  /** Half-open link: connections stay up, but nothing is read, answered or sent. */
  readonly mute?: boolean;
  /** Nothing of the recording is sent: its time stands still. All else is answered. */
  readonly held?: boolean;
  /** After so many more packets of the recording, the next is cut in half and the connection dropped. It is lost. */
  readonly cutAfter?: number;
  /** Everything is written in pieces of so many bytes. */
  readonly chunkBytes?: number;
}

export interface PlayerClientOptions {
  readonly username: string;
  readonly secret: string;
  readonly greeting: string;
  readonly faults: () => PlayerFaults;
  /** Called right after the answer to the login was queued. */
  readonly onLogin: (client: PlayerClient) => void;
  /** Every action after the login, but for Ping and Logoff; the answer, without ActionID, or `null` if unknown. */
  readonly onAction: (name: string, action: AmiPacket) => readonly string[] | null;
  readonly onClose: (client: PlayerClient) => void;
}

export class PlayerClient {
  readonly #socket: Socket;
  readonly #options: PlayerClientOptions;
  readonly #challenge = String(randomInt(100_000_000, 999_999_999));
  #queue: Promise<void> = Promise.resolve();
  loggedIn = false;
  /** The player has closed this connection, or is about to. */
  ended = false;
  /** False after `Events: off`. */
  wantsEvents = true;

  constructor(socket: Socket, options: PlayerClientOptions) {
    this.#socket = socket;
    this.#options = options;
    const parser = new AmiParser({
      onGreeting: () => {},
      onPacket: (action) => this.#action(action),
      onSkipped: () => socket.destroy(),
      onError: () => socket.destroy(),
    });
    // A client sends no greeting; the parser is given one in its place.
    parser.push(Buffer.from('client\r\n'));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      if (options.faults().mute !== true) parser.push(chunk);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => options.onClose(this));
    this.send(Buffer.from(`${options.greeting}\r\n`)).catch(() => socket.destroy());
  }

  /** Writes after all that was written before; resolves when the socket takes more. */
  send(bytes: Buffer): Promise<void> {
    this.#queue = this.#queue.then(() => this.#write(bytes));
    return this.#queue;
  }

  /** Writes what is queued, then closes. */
  end(): void {
    this.ended = true;
    this.#queue = this.#queue.then(() => {
      this.#socket.end();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #write(bytes: Buffer): Promise<void> {
    const { chunkBytes, mute } = this.#options.faults();
    if (mute === true || this.#socket.destroyed || this.#socket.writableEnded) return;
    for (let at = 0; at < bytes.length; at += chunkBytes ?? bytes.length) {
      const taken = this.#socket.write(bytes.subarray(at, at + (chunkBytes ?? bytes.length)));
      if (chunkBytes !== undefined) await new Promise((resolve) => setImmediate(resolve));
      if (taken || this.#socket.destroyed) continue;
      const stop = new AbortController();
      const done = ['drain', 'close', 'error'].map((event) => once(this.#socket, event, { signal: stop.signal }));
      await Promise.race(done).catch(() => {});
      for (const waiting of done) waiting.catch(() => {});
      stop.abort();
    }
  }

  #action(action: AmiPacket): void {
    if (this.ended) return;
    const name = action.get('Action') ?? '';
    if (name === 'Challenge') this.#answer(action, ['Response: Success'], [`Challenge: ${this.#challenge}`]);
    else if (name === 'Login') this.#login(action);
    else if (!this.loggedIn) this.#answer(action, ['Response: Error'], ['Message: Permission denied']);
    else if (name === 'Ping') this.#answer(action, ['Response: Success'], ['Ping: Pong']);
    else if (name === 'Logoff') {
      this.#answer(action, ['Response: Goodbye'], ['Message: Thanks for all the fish.']);
      this.end();
    } else {
      if (name === 'Events') this.wantsEvents = action.get('EventMask')?.toLowerCase() !== 'off';
      this.#reply(action, this.#options.onAction(name, action));
    }
  }

  /** Packets without ActionID: it goes after the first line of each, as Asterisk has it. */
  #reply(action: AmiPacket, packets: readonly string[] | null): void {
    if (packets === null) this.#answer(action, ['Response: Error'], ['Message: Invalid/unknown command']);
    for (const packet of packets ?? []) {
      const [first = '', ...rest] = packet.split('\r\n');
      this.#answer(action, [first], rest);
    }
  }

  #answer(action: AmiPacket, before: readonly string[], after: readonly string[]): void {
    const id = action.get('ActionID');
    const lines = [...before, ...(id === undefined ? [] : [`ActionID: ${id}`]), ...after];
    this.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')).catch(() => this.destroy());
  }

  #login(action: AmiPacket): void {
    const { username, secret, faults, onLogin } = this.#options;
    const md5 = action.get('AuthType')?.toUpperCase() === 'MD5';
    const wanted = md5
      ? createHash('md5')
          .update(this.#challenge + secret)
          .digest('hex')
      : secret;
    const given = action.get(md5 ? 'Key' : 'Secret') ?? '';
    const right =
      Buffer.byteLength(given) === Buffer.byteLength(wanted) &&
      timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
    if (faults().refuseLogin === true || !right || action.get('Username') !== username) {
      this.#answer(action, ['Response: Error'], ['Message: Authentication failed']);
      this.end();
      return;
    }
    this.loggedIn = true;
    this.wantsEvents = action.get('Events')?.toLowerCase() !== 'off';
    this.#answer(action, ['Response: Success'], ['Message: Authentication accepted']);
    onLogin(this);
  }
}
