/** PBXs on real sockets in which copies of recorded calls go on, whether the daemon listens or not. */
import { createServer, type Server, type Socket } from 'node:net';
import { PlayerClient, type PlayerFaults } from '../../../adapters/asterisk/player/client.ts';
import { parseFrameText } from '../../../adapters/freeswitch/link/codec.ts';
import { type EslEvent, readEvent } from '../../../adapters/freeswitch/link/event.ts';
import { Answers } from '../../../adapters/freeswitch/player/answers.ts';
import { PlayerSession } from '../../../adapters/freeswitch/player/session.ts';
import { Exchange, type Placed } from '../calls/exchange.ts';
import { FREESWITCH_BOOT, type Pbx, type Template } from '../calls/template.ts';

export interface PlaceOptions {
  readonly speed: number;
  readonly customer: string;
}

/** Whoever listens to the PBX now. */
interface Audience {
  tell(raw: Buffer): void;
  close(): void;
}

export abstract class ScriptedPbx {
  abstract readonly pbx: Pbx;
  readonly exchange: Exchange;
  /** Connections that logged in, and those that ended since. */
  logins = 0;
  lost = 0;
  /** Ahead of this machine, ms. */
  clockAheadMs = 0;
  protected readonly listeners = new Set<Audience>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  port = 0;

  constructor(firstNumber: number) {
    this.exchange = new Exchange(firstNumber);
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
      this.accept(socket);
    });
  }

  protected abstract accept(socket: Socket): void;
  protected noted(_raw: Buffer): void {}

  /** `host`: a loopback address. */
  async listen(host = '127.0.0.1'): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, host, resolve);
    });
    const address = this.#server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    return this;
  }

  place(template: Template, { speed, customer }: PlaceOptions): Placed {
    const beganAt = Date.now() + this.clockAheadMs;
    const placed = this.exchange.place(template, { startAt: performance.now(), beganAt, speed, customer });
    this.#plan();
    return placed;
  }

  #plan(): void {
    const next = this.exchange.nextAt();
    if (next === null || next >= this.#timerAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => this.#run(), Math.max(0, next - performance.now()));
  }

  #run(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    for (const { raw } of this.exchange.due(performance.now())) {
      this.noted(raw);
      for (const listener of this.listeners) listener.tell(raw);
    }
    this.#plan();
    for (const resolve of this.exchange.going === 0 ? this.#idle.splice(0) : []) resolve();
  }

  readonly #idle: (() => void)[] = [];

  /** Resolves when all calls are over. */
  async quiet(): Promise<void> {
    if (this.exchange.going > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Ends all connections without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

const BOOTED_S = 86_400;

/** Asterisk 22 on an AMI socket. */
export class ScriptedAsterisk extends ScriptedPbx {
  readonly pbx = 'asterisk';
  faults: PlayerFaults = {};
  readonly #secret: string;

  constructor(secret: string, firstNumber = 1) {
    super(firstNumber);
    this.#secret = secret;
  }

  protected accept(socket: Socket): void {
    const client = new PlayerClient(socket, {
      username: 'test',
      secret: this.#secret,
      greeting: 'Asterisk Call Manager/11.0.0',
      faults: () => this.faults,
      onLogin: () => {
        this.logins += 1;
        const up = `Uptime: ${BOOTED_S}\r\nLastReload: ${BOOTED_S}`;
        audience.tell(
          Buffer.from(`Event: FullyBooted\r\nPrivilege: system,all\r\n${up}\r\nStatus: Fully Booted\r\n\r\n`),
        );
        this.listeners.add(audience);
      },
      onAction: (name) => this.#answer(name),
      onClose: () => {
        if (this.listeners.delete(audience)) this.lost += 1;
      },
    });
    const audience: Audience = {
      // A socket that failed is closed, which is handled there.
      tell: (raw) => void client.send(raw).catch(() => client.destroy()),
      close: () => client.destroy(),
    };
  }

  #answer(name: string): readonly string[] | null {
    if (name === 'Events') return ['Response: Success\r\nEvents: On'];
    if (name !== 'CoreShowChannels' && name !== 'Status') return null;
    const items = this.exchange.live(performance.now()).map(({ text, ageMs }) => {
      const seconds = Math.floor(ageMs / 1000);
      if (name === 'Status') return `${text}\r\nSeconds: ${seconds}`;
      const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
      const duration = clock.map((part) => String(part).padStart(2, '0')).join(':');
      return `${text.replace('Event: Status', 'Event: CoreShowChannel').replace('BridgeID:', 'BridgeId:')}\r\nDuration: ${duration}`;
    });
    return [
      'Response: Success\r\nEventList: start\r\nMessage: Channels will follow',
      ...items,
      `Event: ${name}Complete\r\nEventList: Complete\r\nListItems: ${items.length}`,
    ];
  }
}

/** FreeSWITCH 1.11 on an event socket. */
export class ScriptedFreeswitch extends ScriptedPbx {
  readonly pbx = 'freeswitch';
  readonly #password: string;
  readonly #answers = new Answers();

  constructor(password: string, firstNumber = 1) {
    super(firstNumber);
    this.#password = password;
    this.#answers.announce(FREESWITCH_BOOT);
  }

  protected override noted(raw: Buffer): void {
    const event = eventOf(raw);
    if (event !== null) this.#answers.played(event);
  }

  protected accept(socket: Socket): void {
    const session = new PlayerSession(socket, {
      password: this.#password,
      graceMs: 0,
      faults: {},
      answers: this.#answers,
      onCommand: () => {},
      onSubscribed: () => {
        this.logins += 1;
        this.listeners.add(audience);
      },
      onReady: () => {},
      onClose: () => {
        if (this.listeners.delete(audience)) this.lost += 1;
      },
    });
    const audience: Audience = {
      tell: (raw) => void session.write(raw).catch(() => session.cut()),
      close: () => session.cut(),
    };
  }
}

function eventOf(raw: Buffer): EslEvent | null {
  const reading = readEvent(parseFrameText(raw));
  return 'event' in reading ? reading.event : null;
}
