/**
 * An AMI server on the loopback interface that plays recorded calls to whoever logs in, as the PBX would have sent them:
 * for demonstrations and tests without a PBX.
 *
 * There is one playback, as there is one PBX: it goes on while at least one client is logged in, and all clients receive
 * the same. What concerned only the recorded client (greeting, responses, lists, its `FullyBooted`) is not played;
 * clients get their own. `CoreShowChannels` and `Status` tell the channels that are alive at this point of the recording.
 * Where the recorded client lost its connection, the player closes the connections and goes on after the next login.
 */
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AmiPacket } from '../link/packet.ts';
import { PlayerClient, type PlayerFaults } from './client.ts';
import { IdShift } from './id-shift.ts';
import { type RecordedConnection, type Recording, readRecording } from './recording.ts';
import { type LiveChannel, liveChannels, offsets, type Step, timeline } from './timeline.ts';

export interface AmiPlayerOptions {
  /** Capture files, gzipped or not. */
  readonly captures: readonly string[];
  /** One after the other (default), or all from the beginning. */
  readonly order?: 'sequence' | 'together';
  readonly username: string;
  readonly secret: string;
  /** 1 (default) as recorded, 2 twice as fast, Infinity as fast as the clients read. */
  readonly speed?: number;
  /** Give the channels ids of the present, so that no two replays have calls in common. Default false: as recorded. */
  readonly shiftTimes?: boolean;
  /** First line of each connection. */
  readonly greeting?: string;
  /** A client has so many ms after its login, and after each action, to ask for lists before the playback goes on. */
  readonly settleMs?: number;
  /** Let nobody in for as long as the recorded client was away. Default false: what lies between is passed over. */
  readonly breaksLast?: boolean;
  readonly faults?: PlayerFaults;
}

export class AmiPlayer {
  readonly #options: Required<Omit<AmiPlayerOptions, 'faults'>>;
  readonly #recordings: readonly Recording[];
  readonly #steps: readonly Step[];
  readonly #server: Server;
  readonly #clients = new Set<PlayerClient>();
  readonly #settled = new Map<PlayerClient, number>();
  readonly #finished = Promise.withResolvers<void>();
  #shifts: IdShift[] = [];
  #faults: PlayerFaults;
  #position = 0;
  #connection: RecordedConnection | undefined;
  #connectionBeganAt = Date.now();
  /** Nobody is let in before, on the clock of `performance.now()`. */
  #awayUntil = 0;
  /** No packet was played since the connection began: the lists recorded with it are still right. */
  #fresh = true;
  #wake = Promise.withResolvers<void>();
  #closed = false;
  #watchers: { readonly test: (packet: AmiPacket) => boolean; readonly resolve: () => void }[] = [];

  /** Reads the capture files; throws when one is not a capture of Asterisk. */
  constructor(options: AmiPlayerOptions) {
    const greeting = 'Asterisk Call Manager/11.0.0';
    this.#options = {
      order: 'sequence',
      speed: 1,
      shiftTimes: false,
      greeting,
      settleMs: 100,
      breaksLast: false,
      ...options,
    };
    this.#faults = options.faults ?? {};
    this.#recordings = options.captures.map(readRecording);
    this.#steps = timeline(this.#recordings, this.#options.order);
    this.#connection = this.#recordings[0]?.connections[0];
    this.#server = createServer((socket) => {
      if (performance.now() < this.#awayUntil) {
        socket.destroy();
        return;
      }
      const { username, secret } = this.#options;
      const client = new PlayerClient(socket, {
        username,
        secret,
        greeting: this.#options.greeting,
        faults: () => this.#faults,
        onLogin: (who) => this.#loggedIn(who),
        onAction: (name) => this.#answer(client, name),
        onClose: (who) => this.#gone(who),
      });
      this.#clients.add(client);
    });
  }

  /** Resolves when the whole recording has been sent. The server stays and answers until `close()`. */
  get done(): Promise<void> {
    return this.#finished.promise;
  }

  /** Packets of the recording, and breaks, that are still to come. */
  get remaining(): number {
    return this.#steps.length - this.#position;
  }

  /** Resolves when a packet that passes the test, as recorded, has been sent; at once if that was before. */
  reached(test: (packet: AmiPacket) => boolean): Promise<void> {
    const passed = this.#steps.slice(0, this.#position).some(({ packet }) => packet !== null && test(packet));
    return passed ? Promise.resolve() : new Promise((resolve) => this.#watchers.push({ test, resolve }));
  }

  /** Replaces the faults; an empty object makes the player behave again. */
  setFaults(faults: PlayerFaults): void {
    this.#faults = faults;
    this.#stir();
  }

  /** Begins to listen on 127.0.0.1 and resolves with the port; 0 takes any that is free. */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#play().catch((error: unknown) => this.#finished.reject(error));
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Drops all clients and stops listening. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stir();
    for (const client of this.#clients) client.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #makeShifts(): IdShift[] {
    const { order, speed } = this.#options;
    const began = Date.now();
    const offset = offsets(this.#recordings, order);
    return this.#recordings.map((recording, track) => {
      const packets = recording.connections.flatMap((connection) => [
        ...connection.events.map((event) => event.packet),
        ...[...connection.lists.values()].flat(),
      ]);
      const toReplay = (ms: number) => began + (ms - recording.beganAt + (offset[track] ?? 0)) / speed;
      return new IdShift(packets, toReplay);
    });
  }

  #stir(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  #gone(client: PlayerClient): void {
    this.#clients.delete(client);
    this.#settled.delete(client);
    this.#stir();
  }

  #loggedIn(client: PlayerClient): void {
    if (this.#options.shiftTimes && this.#shifts.length === 0) this.#shifts = this.#makeShifts();
    const booting = this.#steps
      .slice(this.#position)
      .some(({ connection, packet }) => connection === this.#connection && packet?.get('Event') === 'FullyBooted');
    if (!booting) {
      const booted = this.#connection?.fullyBooted;
      const recorded = Number(booted?.get('Uptime') ?? 3600);
      const uptime = recorded + Math.floor((Date.now() - this.#connectionBeganAt) / 1000);
      const lines = ['Event: FullyBooted', 'Privilege: system,all', `Uptime: ${uptime}`, `LastReload: ${uptime}`];
      const text = `${lines.join('\r\n')}\r\nStatus: Fully Booted\r\n\r\n`;
      client.send(Buffer.from(text)).catch(() => client.destroy());
    }
    this.#settle(client);
  }

  #settle(client: PlayerClient): void {
    if (client.ended) return;
    this.#settled.set(client, performance.now() + this.#options.settleMs);
    this.#stir();
  }

  #answer(client: PlayerClient, name: string): readonly string[] | null {
    this.#settle(client);
    if (name === 'Events') return [`Response: Success\r\nEvents: ${client.wantsEvents ? 'On' : 'Off'}`];
    if (name !== 'CoreShowChannels' && name !== 'Status') return null;
    const event = name === 'Status' ? 'Status' : 'CoreShowChannel';
    const items = this.#recordedList(event) ?? liveChannels(this.#steps, this.#position).map(describe(event));
    const text = name === 'Status' ? 'Channel status will follow' : 'Channels will follow';
    return [
      `Response: Success\r\nEventList: start\r\nMessage: ${text}`,
      ...items.map(({ track, item }) => this.#rewrite(track, Buffer.from(item, 'latin1')).toString('latin1')),
      `Event: ${name}Complete\r\nEventList: Complete\r\nListItems: ${items.length}`,
    ];
  }

  /** The list as it was recorded at the beginning of this connection, without its ActionID. */
  #recordedList(event: string): { track: number; item: string }[] | undefined {
    if (!this.#fresh || this.#options.order === 'together') return undefined;
    const list = this.#connection?.lists.get(event === 'Status' ? event : 'CoreShowChannels');
    const track = this.#recordings.findIndex(({ connections }) => connections.some((one) => one === this.#connection));
    return list?.map(({ raw }) => {
      const text = Buffer.from(raw).toString('latin1').trim();
      return { track, item: text.replace(/^ActionID:.*(?:\r\n|$)/m, '').trim() };
    });
  }

  #rewrite(track: number, raw: Uint8Array): Buffer {
    return this.#shifts[track]?.rewrite(raw) ?? Buffer.from(raw);
  }

  /** Resolves when somebody listens: all who are logged in have had time to ask for lists. */
  async #audience(): Promise<PlayerClient[]> {
    while (!this.#closed) {
      const wake = this.#wake.promise;
      const until = Math.max(...this.#settled.values()) - performance.now();
      const { mute = false, held = false } = this.#faults;
      if (this.#settled.size === 0 || mute || held) await wake;
      else if (until > 0) await Promise.race([wake, delay(until, null, { ref: false })]);
      else return [...this.#settled.keys()];
    }
    return [];
  }

  async #play(): Promise<void> {
    const { speed } = this.#options;
    let anchor = { real: performance.now(), at: this.#steps[0]?.at ?? 0 };
    for (let sent = 0; this.#position < this.#steps.length && !this.#closed; sent += 1) {
      const wait = performance.now();
      const audience = await this.#audience();
      const step = this.#steps[this.#position];
      if (step === undefined || audience.length === 0) return;
      // While nobody listens, time stands still.
      if (performance.now() - wait > 5) anchor = { real: performance.now(), at: Math.min(step.at, anchor.at) };
      const due = anchor.real + (step.at - anchor.at) / speed - performance.now();
      if (due >= 1) {
        await Promise.race([delay(due, null, { ref: false }), this.#wake.promise]);
        continue;
      }
      anchor = { real: anchor.real + (step.at - anchor.at) / speed, at: step.resumeAt ?? step.at };
      this.#position += 1;
      await this.#perform(step, audience);
      if (sent % 64 === 63) await new Promise((resolve) => setImmediate(resolve));
    }
    if (!this.#closed) this.#finished.resolve();
  }

  async #perform({ at, packet, track, connection, resumeAt }: Step, audience: readonly PlayerClient[]): Promise<void> {
    if (packet === null) {
      const { breaksLast, speed } = this.#options;
      if (breaksLast) this.#awayUntil = performance.now() + ((resumeAt ?? at) - at) / speed;
      this.#connection = connection;
      this.#connectionBeganAt = Date.now();
      this.#fresh = true;
      for (const client of audience) client.end();
      this.#settled.clear();
      return;
    }
    this.#fresh = false;
    const bytes = this.#rewrite(track, packet.raw);
    const listeners = audience.filter((client) => client.wantsEvents);
    if (this.#faults.cutAfter === undefined) {
      await Promise.all(listeners.map((client) => client.send(bytes)));
      this.#watchers = this.#watchers.filter(({ test, resolve }) => !test(packet) || resolve());
      return;
    }
    const cut = this.#faults.cutAfter === 0;
    const { cutAfter, ...others } = this.#faults;
    this.#faults = cut ? others : { ...others, cutAfter: cutAfter - 1 };
    const part = cut ? bytes.subarray(0, bytes.length >> 1) : bytes;
    await Promise.all(listeners.map((client) => client.send(part)));
    if (!cut) return;
    for (const client of audience) client.end();
    this.#settled.clear();
  }
}

/** A live channel as an item of `CoreShowChannels` or `Status`, with the headers that Asterisk 22 gives. */
function describe(event: 'CoreShowChannel' | 'Status') {
  return (channel: LiveChannel): { track: number; item: string } => {
    const seconds = Math.floor(channel.ageMs / 1000);
    const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const duration = clock.map((part) => String(part).padStart(2, '0')).join(':');
    const own =
      event === 'Status'
        ? [`DNID: ${channel.dnid}`, `BridgeID: ${channel.bridge}`, `Seconds: ${seconds}`]
        : [`Duration: ${duration}`, `BridgeId: ${channel.bridge}`];
    const state = channel.headers.map(([name, value]) => `${name}: ${value}`);
    const text = [`Event: ${event}`, ...state, ...own].join('\r\n');
    return { track: channel.track, item: Buffer.from(text, 'utf8').toString('latin1') };
  };
}
