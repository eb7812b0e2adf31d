/** One AMI connection: a TCP or TLS socket with its own parser and its own waiting actions. */
import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../../src/ports.ts';
import { type AmiList, isResponse, PendingActions } from './actions.ts';
import { AmiParser, encodeAction } from './codec.ts';
import type { AmiPacket } from './packet.ts';
import {
  closedFailure,
  connectTimeout,
  isAmiGreeting,
  LinkFailure,
  notAmi,
  silentServer,
  socketFailure,
} from './problem.ts';

export interface TlsOptions {
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string | Buffer;
  /** Name to expect in the certificate when it is not the host's. */
  readonly servername?: string;
  /** Default true. False accepts any certificate: the secret can then be read by who sits in between. */
  readonly rejectUnauthorized?: boolean;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions | undefined;
  readonly clock: Clock;
  /** Number of this connection, part of every ActionID. */
  readonly number: number;
  /** ms for the connection to be made, and as much again for the greeting. */
  readonly connectTimeoutMs: number;
}

export interface ConnectionHandlers {
  /** Each event, list items included, in order of arrival. `receivedAt`: ms since the epoch. */
  onEvent(packet: AmiPacket, receivedAt: number): void;
  /** Exact bytes of each frame: greeting, responses and events. */
  onFrame(raw: Uint8Array, receivedAt: number): void;
  /** The connection is over, whoever ended it. Called once. */
  onClosed(failure: LinkFailure): void;
}

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

  constructor(options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.where = `AMI at ${options.host}:${options.port}`;
    this.#options = options;
    this.#handlers = handlers;
    this.#pending = new PendingActions(options.clock);
    this.#parser = new AmiParser({
      onGreeting: (line, raw) => this.#greeted(line, raw),
      onPacket: (packet) => this.#packet(packet),
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

  async #send(name: string, fields: ActionFields, list: boolean, deadlineMs: number): Promise<AmiList> {
    const id = `logcalld-${this.#options.number}-${++this.#actions}`;
    const bytes = encodeAction(name, fields, id);
    const answer = this.#pending.expect(id, name, list, deadlineMs);
    if (this.#closed) this.#pending.rejectAll('the connection is closed.');
    else this.#socket.write(bytes);
    return answer;
  }

  /** An authority that is not PEM, or an impossible port, is thrown by Node at once; report it like any other failure. */
  #tryOpen(): net.Socket {
    try {
      return this.#open();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const failure = new LinkFailure('refused', `${this.where} cannot be opened: ${message}; check port and tls.`);
      process.nextTick(() => this.close(failure));
      return new net.Socket();
    }
  }

  #open(): net.Socket {
    const { host, port, clock, connectTimeoutMs, tls: secure } = this.#options;
    const ready = () => {
      this.#cancelTimer();
      this.#cancelTimer = clock.after(connectTimeoutMs, () => this.close(silentServer(this.where, connectTimeoutMs)));
    };
    const socket =
      secure === undefined ? net.connect({ host, port }, ready) : tls.connect({ host, port, ...secure }, ready);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    socket.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.#parser.push(chunk);
    });
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
    this.#handlers.onFrame(raw, this.#options.clock.now());
    this.#greeting.resolve(line);
  }

  #packet(packet: AmiPacket): void {
    const receivedAt = this.#options.clock.now();
    this.#handlers.onFrame(packet.raw, receivedAt);
    if (packet.get('Event') === 'Shutdown') this.#orderly = true;
    if (!isResponse(packet)) this.#handlers.onEvent(packet, receivedAt);
    this.#pending.take(packet);
  }
}
