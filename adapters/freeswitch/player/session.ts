/** One client of the player: log-in, subscription and questions, in the words that FreeSWITCH uses. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EslEvent } from '../link/event.ts';
import type { Answers } from './answers.ts';

/** Misbehaviour from the first byte on. */
export interface SessionFaults {
  /** Every password is wrong. */
  refuseAuth?: boolean;
  /** The client's address is not in the access list. */
  rudeRejection?: boolean;
  /** Everything is sent in pieces of so many bytes, each in a turn of its own. */
  pieceBytes?: number;
}

export interface SessionOptions {
  readonly password: string;
  readonly graceMs: number;
  readonly faults: SessionFaults;
  readonly answers: Answers;
  readonly onCommand: (text: string) => void;
  readonly onSubscribed: () => void;
  /** The client has subscribed and has asked what it wanted to know before the first event. */
  readonly onReady: () => void;
  readonly onClose: () => void;
}

const goodbye = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';
/** Enough of the event names of FreeSWITCH to tell a misspelt one. */
const eventName =
  /^(ALL|CUSTOM|API|CODEC|HEARTBEAT|SHUTDOWN|CALL_UPDATE|BACKGROUND_JOB|MESSAGE_WAITING|PRESENCE_[A-Z]+|(CHANNEL|RECORD|PLAYBACK)_[A-Z_]+)$/;

export class PlayerSession {
  ready = false;
  closed = false;
  readonly #socket: Socket;
  readonly #options: SessionOptions;
  readonly #events = new Set<string>();
  readonly #subclasses = new Set<string>();
  readonly #left = new AbortController();
  #text = '';
  #authorised = false;
  #muted = false;
  #listed = false;
  #missing = new Set<string>();
  #grace: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(socket: Socket, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.closed = true;
      this.#left.abort();
      if (this.#grace !== null) clearTimeout(this.#grace);
      options.onClose();
    });
    if (options.faults.rudeRejection === true) {
      this.#post('text/rude-rejection', 'Access Denied, go away.\n');
      this.#leave();
    } else this.#put('Content-Type: auth/request\n\n');
  }

  /** True when the client subscribed to this event. */
  wants(event: EslEvent): boolean {
    if (event.name === 'CUSTOM' && this.#subclasses.size > 0)
      return this.#subclasses.has(event.get('Event-Subclass') ?? '');
    return this.#events.has(event.name) || this.#events.has('ALL');
  }

  /** Writes after everything written before; resolves when the client may be sent more, or is gone. */
  write(bytes: Uint8Array): Promise<void> {
    this.#writing = this.#writing.then(() => this.#pieces(bytes));
    return this.#writing;
  }

  /** Waits, or until the client is gone. */
  async pause(ms: number): Promise<void> {
    // The rejection says only that the client is gone.
    if (ms > 0) await sleep(ms, undefined, { signal: this.#left.signal }).catch(() => {});
  }

  /** Resolves when the client is gone. */
  async gone(): Promise<void> {
    if (!this.#left.signal.aborted) await once(this.#left.signal, 'abort');
  }

  /** Sends and answers nothing any more, and leaves the socket open. */
  mute(): void {
    this.#muted = true;
  }

  /** Closes as a process that ends does: after what is written, without a word. */
  end(): void {
    this.closed = true;
    this.#writing.then(() => this.#socket.end()).catch(() => this.#socket.destroy());
  }

  cut(): void {
    this.#socket.destroy();
  }

  async #pieces(bytes: Uint8Array): Promise<void> {
    const size = this.#options.faults.pieceBytes ?? bytes.length;
    for (let from = 0; from < bytes.length && !this.#muted && this.#socket.writable; from += size) {
      const more = this.#socket.write(bytes.subarray(from, from + size));
      // An aborted wait means that the client is gone; the loop sees that by itself.
      if (!more) await once(this.#socket, 'drain', { signal: this.#left.signal }).catch(() => {});
      else if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #put(text: string): void {
    // A failed write closes the socket, which is handled there.
    this.write(Buffer.from(text, 'utf8')).catch(() => {});
  }

  #post(contentType: string, body: string): void {
    this.#put(`Content-Type: ${contentType}\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`);
  }

  #reply(text: string): void {
    this.#put(`Content-Type: command/reply\nReply-Text: ${text}\n\n`);
  }

  #leave(): void {
    this.#post('text/disconnect-notice', goodbye);
    this.end();
  }

  #received(chunk: Buffer): void {
    this.#text += chunk.toString('utf8');
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      const command = this.#text.slice(0, end).trim();
      this.#text = this.#text.slice(end + 2);
      if (!this.#muted && !this.closed && command !== '') this.#command(command);
    }
  }

  #command(command: string): void {
    const [word = '', ...words] = command.split(/\s+/);
    this.#options.onCommand(word === 'auth' ? 'auth' : command);
    if (word === 'exit') {
      this.#reply('+OK bye');
      this.#leave();
    } else if (word === 'auth') this.#authorise(command.slice('auth '.length));
    else if (!this.#authorised) this.#reply('-ERR command not found');
    else if (word === 'event') this.#subscribe(words);
    else if (word === 'noevents') {
      this.#events.clear();
      this.#subclasses.clear();
      this.#reply('+OK no longer listening for events');
    } else if (word === 'api') this.#api(words.join(' '));
    else this.#reply('-ERR command not found');
  }

  #authorise(password: string): void {
    this.#authorised = password === this.#options.password && this.#options.faults.refuseAuth !== true;
    this.#reply(this.#authorised ? '+OK accepted' : '-ERR invalid');
    if (!this.#authorised) this.#leave();
  }

  #subscribe(words: readonly string[]): void {
    const [first = ''] = words;
    const named = /^(json|plain|xml)$/i.test(first);
    const names = named ? words.slice(1) : words;
    const custom = names.findIndex((name) => name.toUpperCase() === 'CUSTOM');
    const events = names.slice(0, custom < 0 ? names.length : custom + 1).map((name) => name.toUpperCase());
    const known = events.filter((name) => eventName.test(name));
    if (known.length === 0) {
      this.#reply('-ERR no keywords supplied');
      return;
    }
    for (const name of known) this.#events.add(name);
    if (custom >= 0) for (const name of names.slice(custom + 1)) this.#subclasses.add(name);
    this.#reply(`+OK event listener enabled ${named ? first.toLowerCase() : 'plain'}`);
    this.#options.onSubscribed();
    this.#missing = new Set(this.#options.answers.liveUuids);
    this.#await(this.#options.graceMs);
  }

  #api(command: string): void {
    this.#post('api/response', this.#options.answers.answer(command));
    if (this.#events.size === 0) return;
    if (command === 'show channels as json') this.#listed = true;
    this.#missing.delete(/^uuid_dump (\S+)/.exec(command)?.[1] ?? '');
    this.#await(this.#listed && this.#missing.size === 0 ? 0 : this.#options.graceMs);
  }

  #await(graceMs: number): void {
    if (this.ready) return;
    if (this.#grace !== null) clearTimeout(this.#grace);
    this.#grace = setTimeout(() => {
      this.ready = true;
      this.#options.onReady();
    }, graceMs);
  }
}
