import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { EventProtocol } from '../link.ts';
import { within } from '../sip/moment.ts';

/** Length of the frame that `received` (bytes as latin-1) begins with, 0 when it is not complete. */
export function eslFrameLength(received: string): number {
  const head = received.indexOf('\n\n');
  if (head < 0) return 0;
  const length = head + 2 + Number(/^Content-Length: *(\d+)/im.exec(received.slice(0, head))?.[1] ?? 0);
  return received.length < length ? 0 : length;
}

/** What a frame of this type carries, `null` for another type. */
function bodyOf(frame: string, type: string): string | null {
  const head = frame.indexOf('\n\n');
  const found = /^Content-Type: *(\S+)/im.exec(frame.slice(0, head))?.[1];
  return found === type ? frame.slice(head + 2) : null;
}

/**
 * The event socket as the link must know it. The daemon asks for the list of channels and then for each of them: the
 * snapshot ends with the answer about the last. Follows one connection at a time.
 */
export function eslProtocol(): EventProtocol {
  let missing = 0;
  return {
    frameLength: eslFrameLength,
    endsSnapshot: (frame) => {
      const answer = bodyOf(frame, 'api/response');
      if (answer === null) return false;
      const rows = /^\s*\{\s*"row_count":\s*(\d+)/.exec(answer)?.[1];
      const about = /"Event-Name":\s*"CHANNEL_DATA"|^-ERR No such channel/.test(answer);
      if (rows !== undefined) missing = Number(rows);
      else if (about && missing > 0) missing -= 1;
      else return false;
      return missing === 0;
    },
  };
}

/** The few commands the tests themselves need: wait for the PBX to be up, and click-to-call. One at a time. */
export class EslSession implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #frames: string[] = [];
  readonly #closed = Promise.withResolvers<never>();
  #arrived = Promise.withResolvers<void>();
  #rest = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed.promise.catch(() => undefined);
    socket.setEncoding('latin1');
    socket.on('data', (text) => this.#receive(String(text)));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed.reject(new Error('the event socket was closed')));
  }

  /** Rejects when the port is closed or the password refused. */
  static async login(port: number, password: string): Promise<EslSession> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const session = new EslSession(socket);
    try {
      await session.#answer('auth/request', 'the greeting of the event socket');
      socket.write(`auth ${password}\n\n`);
      const reply = await session.#answer('command/reply', 'the answer to auth');
      if (!reply.includes('+OK')) throw new Error('the event socket refused the password');
      return session;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Answer to an API command, in one text. */
  async api(command: string): Promise<string> {
    this.#socket.write(`api ${command}\n\n`);
    const frame = await this.#answer('api/response', `the answer to "${command}"`);
    return (bodyOf(frame, 'api/response') ?? '').trim();
  }

  /** Starts an API command without waiting for its end; rejects when it is not even taken. */
  async background(command: string): Promise<void> {
    this.#socket.write(`bgapi ${command}\n\n`);
    const frame = await this.#answer('command/reply', `the answer to "${command}"`);
    if (!frame.includes('+OK')) throw new Error(`FreeSWITCH refused "${command}": ${frame.trim()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  /** The next frame of this type; others are passed over. */
  async #answer(type: string, what: string): Promise<string> {
    const search = async (): Promise<string> => {
      for (;;) {
        for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) {
          if (bodyOf(frame, 'text/rude-rejection') !== null) throw new Error('the event socket refused the address');
          if (bodyOf(frame, type) !== null) return frame;
        }
        await Promise.race([this.#arrived.promise, this.#closed.promise]);
      }
    };
    return within(search(), what);
  }

  #receive(text: string): void {
    this.#rest += text;
    for (let length = eslFrameLength(this.#rest); length > 0; length = eslFrameLength(this.#rest)) {
      this.#frames.push(this.#rest.slice(0, length));
      this.#rest = this.#rest.slice(length);
    }
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}
