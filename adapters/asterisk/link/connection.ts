/** One AMI connection: a TCP or TLS socket with its own parser and its own waiting actions. */
import net from 'node:net';
import tls from 'node:tls';
import type { Hold } from '../../../src/link/hold.ts';
import { oneBuffer } from '../../../src/link/one-buffer.ts';
import type { Clock } from '../../../src/ports.ts';
import type { SecureSettings } from '../../tls/settings.ts';
import { type AmiList, endsList, isResponse, PendingActions } from './actions.ts';
import { AmiParser, encodeAction } from './codec.ts';
import type { AmiPacket } from './packet.ts';
import {
  closedFailure,
  connectTimeout,
  isAmiGreeting,
  isOldGreeting,
  LinkFailure,
  notAmi,
  silentServer,
  socketFailure,
  tooOld,
} from './problem.ts';

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: SecureSettings | undefined;
  readonly clock: Clock;
  /** Number of this connection, part of every ActionID. */
  readonly number: number;
  /** ms for the connection to be made, and as much again for the greeting. */
  readonly connectTimeoutMs: number;
  /** Reads slowly while the journal is behind. */
  readonly hold: Hold;
}

export interface ConnectionHandlers {
  /** Each event, list items included, in order of arrival. `receivedAt`: ms since the epoch. */
  onEvent(packet: AmiPacket, receivedAt: number): void;
  /** Exact bytes of each frame: greeting, responses and events. */
  onFrame(raw: Uint8Array, receivedAt: number): void;
  /** One packet could not be used and was left out; `text`, one sentence, says why. The connection goes on. */
  onFault(subject: AmiFault, text: string): void;
  /** The connection is over, whoever ended it. Called once. */
  onClosed(failure: LinkFailure): void;
}

/** What is wrong with a packet: it goes beyond all limits, or what handles it throws. */
export type AmiFault = 'too large' | 'not handled';

export type ActionFields = readonly (readonly [key: string, value: string])[];

export class AmiConnection {
  readonly where: string;
  readonly #options: ConnectionOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #socket: net.Socket;
  readonly #parser: AmiParser;
  readonly #pending: PendingActions;
  readonly #greeting = Promise.withResolvers<string>();
  #cancelTimer: () => void = () => {};
  #closed = false;
  #orderly = false;
  #actions = 0;
  #bytes = 0;
  #heardAt: number;

  constructor(options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.where = `AMI at ${options.host}:${options.port}`;
    this.#options = options;
    this.#handlers = handlers;
    this.#heardAt = options.clock.monotonic();
    this.#pending = new PendingActions(options.clock);
    this.#parser = new AmiParser({
      onGreeting: (line, raw) => this.#greeted(line, raw),
      onPacket: (packet) => this.#packet(packet),
      onSkipped: (what) => handlers.onFault('too large', `${this.where} sent a packet of ${what}; it was left out.`),
      onError: (error) => this.close(new LinkFailure('refused', `${this.where}: ${error.message}`)),
    });
    // Whoever opened the connection learns of its end by onClosed, even when nobody waits for the greeting any more.
    this.#greeting.promise.catch(() => {});
    this.#socket = this.#tryOpen();
  }

  /** Bytes received so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the last of them arrived, monotonic ms; before the first, when the connection was opened. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** True once Asterisk has said that it is stopping. */
  get orderly(): boolean {
    return this.#orderly;
  }

  /** The greeting line; rejects with a `LinkFailure` when there is none. */
  greeting(): Promise<string> {
    return this.#greeting.promise;
  }

  /** Sends an action and resolves with its response; rejects with an `AmiActionError`. */
  async action(name: string, fields: ActionFields, deadlineMs: number): Promise<AmiPacket> {
    return (await this.#send(name, fields, false, deadlineMs)).response;
  }

  /** Sends an action that is answered by a list of events. `deadlineMs` is the longest silence within the list. */
  listAction(name: string, fields: ActionFields, deadlineMs: number): Promise<AmiList> {
    return this.#send(name, fields, true, deadlineMs);
  }

  /** Ends the connection at once. Waiting actions are rejected. */
  close(failure: LinkFailure): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer();
    this.#parser.stop();
    this.#socket.destroy();
    this.#greeting.reject(failure);
    this.#pending.rejectAll(failure.message);
    this.#handlers.onClosed(failure);
  }

  /** Runs what handles a packet. What goes wrong there is that packet's fault and is told by `onFault`; false then. */
  handle(packet: AmiPacket | string, run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      this.#notHandled(packet, error);
      return false;
    }
  }

  #notHandled(packet: AmiPacket | string, error: unknown): void {
    const name = typeof packet === 'string' ? packet : (packet.get('Event') ?? packet.get('Response') ?? 'packet');
    const why = error instanceof Error ? error.message : String(error);
    this.#handlers.onFault('not handled', `${this.where}: "${name}" could not be handled and was left out (${why}).`);
  }

  async #send(name: string, fields: ActionFields, list: boolean, deadlineMs: number): Promise<AmiList> {
    const id = `logcalld-${this.#options.number}-${++this.#actions}`;
    const bytes = encodeAction(name, fields, id);
    const answer = this.#pending.expect(id, name, list, deadlineMs);
    if (this.#closed) this.#pending.rejectAll('the connection is closed.');
    else this.#socket.write(bytes);
    return answer;
  }

  /** An authority that cannot be read, or an impossible port, is thrown by Node at once; report it like any other failure. */
  #tryOpen(): net.Socket {
    try {
      return this.#open();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const failure = new LinkFailure('refused', `${this.where} cannot be opened: ${message}`);
      process.nextTick(() => this.close(failure));
      return new net.Socket();
    }
  }

  #open(): net.Socket {
    const { host, port, clock, connectTimeoutMs, tls: secure } = this.#options;
    const settings = secure === undefined ? null : secure();
    const ready = () => {
      this.#cancelTimer();
      this.#cancelTimer = clock.after(connectTimeoutMs, () => this.close(silentServer(this.where, connectTimeoutMs)));
    };
    const take = (chunk: Uint8Array): void => {
      this.#bytes += chunk.length;
      this.#heardAt = clock.monotonic();
      this.#parser.push(chunk);
      this.#options.hold.read(socket);
    };
    const socket: net.Socket =
      settings === null
        ? net.connect({ host, port, onread: oneBuffer(take) }, ready)
        : tls.connect({ host, port, ...settings }, ready).on('data', take);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    socket.on('error', (error) => this.close(socketFailure(this.where, error)));
    socket.on('close', () => this.close(closedFailure(this.where, this.#orderly)));
    this.#cancelTimer = clock.after(connectTimeoutMs, () => this.close(connectTimeout(this.where, connectTimeoutMs)));
    return socket;
  }

  #greeted(line: string, raw: Uint8Array): void {
    if (!isAmiGreeting(line)) {
      this.close(notAmi(this.where, line));
      return;
    }
    this.#cancelTimer();
    this.handle('greeting', () => this.#handlers.onFrame(raw, this.#options.clock.now()));
    if (isOldGreeting(line)) this.close(new LinkFailure('refused', tooOld(this.where, JSON.stringify(line))));
    else this.#greeting.resolve(line);
  }

  #packet(packet: AmiPacket): void {
    const receivedAt = this.#options.clock.now();
    try {
      this.#handlers.onFrame(packet.raw, receivedAt);
    } catch (error) {
      this.#notHandled(packet, error);
    }
    if (packet.get('Event') === 'Shutdown') this.#orderly = true;
    if (isResponse(packet)) this.#pending.take(packet);
    else if (endsList(packet)) this.#listEnds(packet, receivedAt);
    // An item that could not be handled is missing in its list.
    else if (this.#handOn(packet, receivedAt)) this.#pending.take(packet);
  }

  #listEnds(packet: AmiPacket, receivedAt: number): void {
    this.#pending.end(packet, () => this.#handOn(packet, receivedAt));
  }

  /** False when what takes the event throws. */
  #handOn(packet: AmiPacket, receivedAt: number): boolean {
    try {
      this.#handlers.onEvent(packet, receivedAt);
      return true;
    } catch (error) {
      this.#notHandled(packet, error);
      return false;
    }
  }
}
