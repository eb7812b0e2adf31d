/** A PBX of the simulation: calls go on in it whether it is heard or not, and a link to it that can be lost. */
import type { FrameReader } from '../../src/capture/reader.ts';
import { PbxClock } from '../../src/link/pbx-clock.ts';
import type { Clock, EventSource, SourceFrame, SourceStatus } from '../../src/ports.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { Exchange, type Placed } from '../faults/calls/exchange.ts';
import { FREESWITCH_BOOT, type Pbx, type Template } from '../faults/calls/template.ts';
import { readers } from '../support/recordings.ts';
import type { SimClock } from './clock.ts';

/** What was told so long ago is stored, unless the disk is in trouble, ms: a grace, and the wait of a slow disk. */
const STORED_MS = 10_000;
/** On a sound disk a frame is stored within, ms. */
const SURELY_MS = 1000;
const BEAT_MS: Readonly<Record<Pbx, number>> = { asterisk: 10_000, freeswitch: 20_000 };
/** From the login to the list of live channels, ms. */
const LIST_MS = 40;

type OwnKind = 'source-connected' | 'source-lost' | 'snapshot-complete' | 'clock-stepped';

/** Of a PBX: one listener, the life that is alive. */
export class SimPbx {
  readonly pbx: Pbx;
  readonly exchange: Exchange;
  /** Copies of which something was not heard, for whatever reason. */
  readonly disturbed = new Set<Placed>();
  /** Copies of which the beginning was heard and must have been stored when the program was killed. */
  readonly stored = new Set<Placed>();
  /** When the first frame of a copy was heard. */
  readonly #firstHeard = new Map<Placed, number>();
  /** The disk is in trouble: nothing is known of what is stored. */
  unsound = false;
  readonly #clock: SimClock;
  readonly #read: FrameReader;
  readonly #going = new Set<Placed>();
  #listener: ((frame: SourceFrame) => void) | null = null;
  /** Something gets through. */
  #dead = false;
  #bootedAt: number;
  /** By the clock that does not step. */
  #heardAt = 0;
  /** How far its wall clock is ahead of the clock that does not step, ms. */
  #ahead: number;
  #pbxClock = new PbxClock();
  /** Copies that were begun since it was heard last. */
  readonly #unheard = new Set<Placed>();
  /** Copies that were going on, or not heard of yet, when its clock was set or ours: their records are looked for at another time. */
  readonly #elsewhere = new Set<Placed>();
  /** The clock of the life that listens. */
  #ours: Clock;
  #connection = 0;
  #everListened = false;
  /** Copies that were begun before anybody ever listened. */
  readonly #before = new Set<Placed>();
  #cancelTimer: () => void = () => {};

  constructor(pbx: Pbx, clock: SimClock) {
    const read = readers[pbx];
    if (read === undefined) throw new Error(`no reader of ${pbx}`);
    this.pbx = pbx;
    this.exchange = new Exchange();
    this.#clock = clock;
    this.#read = read;
    this.#ours = clock;
    this.#ahead = clock.now() - clock.monotonic();
    this.#bootedAt = this.now() - 86_400_000;
  }

  /** What its own clock shows, ms since the epoch. */
  now(): number {
    return Math.floor(this.#clock.monotonic() + this.#ahead);
  }

  /** Its clock is set. */
  set(byMs: number): void {
    this.#ahead += byMs;
    this.setBeside();
  }

  /** Its clock, or that of the program, was set. */
  setBeside(): void {
    this.disturb();
    for (const placed of [...this.#going, ...this.#unheard]) this.#elsewhere.add(placed);
  }

  /** FreeSWITCH tells its time with each HEARTBEAT, Asterisk when it answers a Ping. */
  #beat(connection: number): void {
    this.#clock.after(BEAT_MS[this.pbx], () => {
      if (connection !== this.#connection || this.#listener === null) return;
      if (this.heard && this.pbx === 'freeswitch') this.#compare(this.now(), this.#ours.now());
      else if (this.heard) this.#pbxClock.answer(this.now(), this.#ours.now());
      this.#beat(connection);
    });
  }

  #compare(at: number, receivedAt: number): void {
    const by = this.#pbxClock.read(at, receivedAt);
    if (by !== 0) this.#own({ kind: 'clock-stepped', clock: 'pbx', by });
  }

  get heard(): boolean {
    return this.#listener !== null && !this.#dead;
  }

  place(template: Template, customer: string): Placed {
    const [startAt, beganAt] = [this.#clock.monotonic(), this.now()];
    const placed = this.exchange.place(template, { startAt, beganAt, speed: 1, customer });
    this.#going.add(placed);
    if (!this.heard) {
      this.disturbed.add(placed);
      this.#unheard.add(placed);
    }
    if (!this.#everListened) this.#before.add(placed);
    this.#plan();
    return placed;
  }

  #plan(): void {
    this.#cancelTimer();
    const next = this.exchange.nextAt();
    if (next === null) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, next - this.#clock.monotonic()), () => {
      for (const { raw, placed, index } of this.exchange.due(this.#clock.monotonic())) {
        if (this.heard) {
          this.#tell(raw);
          if (index === 0 && !this.unsound) this.#firstHeard.set(placed, this.#clock.monotonic());
        } else this.disturbed.add(placed);
        if (index === placed.template.length - 1) this.#clock.after(STORED_MS, () => this.#going.delete(placed));
      }
      this.#plan();
    });
  }

  #tell(raw: Uint8Array): void {
    const receivedAt = this.#ours.now();
    this.#heardAt = this.#clock.monotonic();
    const events = this.#read(raw, this.pbx, receivedAt);
    const [first] = events;
    if (first === undefined) return;
    if (first.at !== receivedAt) this.#compare(first.at, receivedAt);
    this.#listener?.({ source: this.pbx, receivedAt, events, raw });
  }

  #own(event: { kind: OwnKind } & Partial<CallEvent>): void {
    const receivedAt = this.#ours.now();
    const whole = { source: this.pbx, at: receivedAt, receivedAt, ...event } as CallEvent;
    this.#listener?.({ source: this.pbx, receivedAt, events: [whole], raw: null });
  }

  /**
   * Whether the program can find the records of a call that it did not hear: not of what began before anybody ever listened, as that is
   * no gap, and not where it cannot know what the clock of the PBX showed.
   */
  isFindable(placed: Placed): boolean {
    return !this.#before.has(placed) && !this.#elsewhere.has(placed);
  }

  /** Of all that goes on something may be missed from now on. */
  disturb(): void {
    for (const placed of this.#going) this.disturbed.add(placed);
  }

  /** The life that listens has logged in. */
  #connect(listener: (frame: SourceFrame) => void): void {
    this.#listener = listener;
    this.#everListened = true;
    this.#connection += 1;
    const connection = this.#connection;
    this.#heardAt = this.#clock.monotonic();
    this.#unheard.clear();
    this.#pbxClock.connect();
    this.#pbxClock.answer(this.now(), this.#ours.now());
    this.#beat(this.#connection);
    const boot = this.pbx === 'freeswitch' ? FREESWITCH_BOOT : null;
    this.#own({ kind: 'source-connected', boot, bootedAt: this.#bootedAt });
    this.#clock.after(LIST_MS, () => {
      if (connection !== this.#connection || !this.heard) return;
      for (const raw of this.#listed()) this.#tell(raw);
      this.#own({ kind: 'snapshot-complete' });
    });
  }

  #listed(): Buffer[] {
    return this.exchange.live(this.#clock.monotonic()).map(({ text, ageMs }) => {
      if (this.pbx === 'asterisk')
        return Buffer.from(`${text}\r\nSeconds: ${Math.floor(ageMs / 1000)}\r\n\r\n`, 'latin1');
      return Buffer.from(`Content-Type: api/response\nContent-Length: ${text.length}\n\n${text}`, 'latin1');
    });
  }

  /** The link is dead for so long, and it takes `noticedMs` until that is noticed. */
  lose(forMs: number, noticedMs: number): void {
    if (!this.heard) return;
    this.#dead = true;
    this.disturb();
    const [listener, connection, heardAt] = [this.#listener, this.#connection, this.#heardAt];
    this.#clock.after(noticedMs, () => {
      if (connection !== this.#connection || listener === null) return;
      // As of a link that was silent for so long.
      const at = Math.floor(this.#ours.now() - (this.#clock.monotonic() - heardAt));
      this.#own({ kind: 'source-lost', at, orderly: false, reason: 'the link went dead' });
    });
    this.#clock.after(Math.max(forMs, noticedMs) + 500, () => {
      if (connection !== this.#connection || listener === null) return;
      this.#dead = false;
      this.#connect(listener);
    });
  }

  /** The PBX is killed with all its calls, and is back after `forMs`. */
  crash(forMs: number): void {
    this.disturb();
    this.exchange.crash();
    this.#going.clear();
    this.#bootedAt = this.now() + forMs;
    this.lose(forMs, 100);
  }

  /** The disk is in trouble, or sound again. */
  troubled(unsound: boolean): void {
    this.unsound = unsound;
    this.disturb();
    this.#firstHeard.clear();
  }

  /** Nobody listens any more. */
  gone(): void {
    const before = this.#clock.monotonic() - SURELY_MS;
    for (const [placed, at] of this.#firstHeard) if (at < before) this.stored.add(placed);
    this.#firstHeard.clear();
    this.#listener = null;
    this.#dead = false;
    this.#connection += 1;
    this.disturb();
  }

  /** The port of the core, for one life; it logs in after `delayMs`. */
  source(alive: () => boolean, delayMs: number, ours: Clock): EventSource {
    const status = (): SourceStatus => {
      const state = this.heard ? 'connected' : 'connecting';
      const lastFrameAt = Math.floor(ours.now() - (this.#clock.monotonic() - this.#heardAt));
      const counts = { frames: 0, unknownEvents: 0, faults: 0, lastFrameAt, aheadMs: this.#pbxClock.aheadMs };
      return { name: this.pbx, state, since: 0, problem: null, ...counts };
    };
    return {
      name: this.pbx,
      start: (onFrame) => {
        this.#ours = ours;
        this.#pbxClock = new PbxClock();
        ours.watch?.((news) => alive() && news.kind === 'stepped' && this.#pbxClock.arrivalSet(news.by));
        this.#clock.after(delayMs, () => {
          if (alive()) this.#connect((frame) => alive() && onFrame(frame));
        });
      },
      stop: async () => this.gone(),
      status,
      hold: () => {},
    };
  }
}
