/**
 * Plays a capture file as a FreeSWITCH event socket would send it: for demonstrations without a PBX, and for tests.
 *
 * Only what FreeSWITCH sent by itself is played; questions of the client are answered anew. Where the recorded client
 * reconnected, the player closes the connection and goes on with the next.
 */
import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { parseFrameText } from '../link/codec.ts';
import { readEvent } from '../link/event.ts';
import { Answers } from './answers.ts';
import {
  freshIds,
  loadScript,
  type RecordedConnection,
  type Rewrite,
  rewriteWith,
  type Script,
  shiftTimes,
} from './script.ts';
import { PlayerSession, type SessionFaults } from './session.ts';

/** Misbehaviour for tests. The counted ones happen once, after so many played frames. */
export interface PlayerFaults extends SessionFaults {
  /** Goes mute with the socket open: neither frames nor answers. */
  halfOpenAfter?: number;
  /** Sends the first half of the next frame and cuts the connection; that frame is lost. */
  dropAfter?: number;
}

export interface PlayerOptions {
  readonly file: string;
  /** 0: any free port. */
  readonly port?: number;
  readonly password?: string;
  /** How many times faster than recorded; `Infinity` as fast as the client reads. */
  readonly speed?: number;
  /** Every uuid is replaced by a new one, so that two plays are two sets of calls. */
  readonly freshIds?: boolean;
  /** When the recording shall seem to have begun, ms since the epoch; as recorded when absent. */
  readonly startAt?: number;
  /** How long a client may take to ask for the live channels before the play begins without, ms. */
  readonly graceMs?: number;
  readonly faults?: PlayerFaults;
}

interface PlayerEvents {
  /** The last frame has been written. */
  done: [];
  /** A client has logged in and subscribed. */
  subscribed: [];
  /** A command of a client; the password is not in it. */
  command: [text: string];
}

export class EslPlayer extends EventEmitter<PlayerEvents> {
  /** May be changed while it plays. */
  readonly faults: PlayerFaults;
  readonly #options: PlayerOptions;
  readonly #server: Server;
  readonly #answers = new Answers();
  readonly #sessions = new Set<PlayerSession>();
  #script: Script = { startedAt: 0, connections: [] };
  #rewrite: Rewrite = (bytes) => bytes;
  #at = { connection: 0, frame: 0 };
  #sent = 0;
  #playingTo: PlayerSession | null = null;
  #closed = false;

  constructor(options: PlayerOptions) {
    super();
    this.#options = options;
    this.faults = { ...options.faults };
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Reads the file and listens on 127.0.0.1. Resolves with the port. Throws when the file is not a FreeSWITCH capture. */
  async listen(): Promise<number> {
    const { file, startAt, port = 0 } = this.#options;
    this.#script = await loadScript(file);
    const steps = [
      ...(this.#options.freshIds === true ? [freshIds()] : []),
      ...(startAt === undefined ? [] : [shiftTimes(this.#script.startedAt, startAt)]),
    ];
    this.#rewrite = rewriteWith(...steps);
    this.#begin();
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The player has no TCP port.');
    return address.port;
  }

  /** Cuts all connections and stops listening. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const session of this.#sessions) session.cut();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #connection(): RecordedConnection | undefined {
    return this.#script.connections[this.#at.connection];
  }

  #begin(): void {
    const connection = this.#connection();
    if (connection === undefined) return;
    this.#answers.begin(connection, (text) => this.#rewrite(Buffer.from(text, 'utf8')).toString('utf8'));
    for (const { raw } of connection.frames) {
      const reading = readEvent(parseFrameText(this.#rewrite(raw)));
      const core = 'event' in reading ? reading.event.get('Core-UUID') : undefined;
      if (core === undefined) continue;
      this.#answers.announce(core);
      break;
    }
  }

  #accept(socket: Socket): void {
    const session = new PlayerSession(socket, {
      password: this.#options.password ?? 'ClueCon',
      graceMs: this.#options.graceMs ?? 500,
      faults: this.faults,
      answers: this.#answers,
      onCommand: (text) => this.emit('command', text),
      onReady: () => this.#playNext(),
      onClose: () => {
        this.#sessions.delete(session);
        if (this.#playingTo === session) this.#playingTo = null;
        this.#playNext();
      },
      onSubscribed: () => this.emit('subscribed'),
    });
    this.#sessions.add(session);
  }

  #playNext(): void {
    if (this.#playingTo !== null || this.#closed) return;
    const session = [...this.#sessions].find((candidate) => candidate.ready && !candidate.closed);
    if (session === undefined) return;
    this.#playingTo = session;
    // Writing to a client that goes away ends its session, not the play.
    this.#play(session).catch(() => session.cut());
  }

  async #play(session: PlayerSession): Promise<void> {
    const connection = this.#connection();
    if (connection === undefined) return;
    const { speed = 1 } = this.#options;
    const begunAt = performance.now();
    const from = this.#at.frame === 0 ? connection.from : (connection.frames[this.#at.frame]?.t ?? 0);
    while (this.#at.frame < connection.frames.length) {
      const frame = connection.frames[this.#at.frame];
      if (frame === undefined) break;
      await session.pause(begunAt + (frame.t - from) / speed - performance.now());
      if (this.faults.halfOpenAfter === this.#sent) {
        delete this.faults.halfOpenAfter;
        session.mute();
        await session.gone();
      }
      if (session.closed) return;
      // Counted first: what was under way when a client went away is lost to it, as with FreeSWITCH.
      this.#at.frame++;
      await this.#send(session, this.#rewrite(frame.raw));
    }
    if (this.#at.connection + 1 >= this.#script.connections.length) {
      this.#at.connection = this.#script.connections.length;
      this.emit('done');
      return;
    }
    this.#at = { connection: this.#at.connection + 1, frame: 0 };
    this.#begin();
    session.end();
  }

  async #send(session: PlayerSession, raw: Buffer): Promise<void> {
    const cut = this.faults.dropAfter === this.#sent;
    this.#sent++;
    const reading = readEvent(parseFrameText(raw));
    const event = 'event' in reading ? reading.event : null;
    if (event !== null) this.#answers.played(event);
    if (cut) {
      delete this.faults.dropAfter;
      await session.write(raw.subarray(0, raw.length >> 1));
      session.end();
    } else if (event === null || session.wants(event)) await session.write(raw);
  }
}
