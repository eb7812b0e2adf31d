/**
 * Which channels live: asked after each (re)connect, when no event tells what happened before, and again and again while the
 * link stands, since the end of a channel may have got lost.
 *
 *   what is asked                       without an answer
 *   `show channels as json`, first      asked three times, then the link is made anew
 *   `uuid_dump` of each row             asked twice, then its row tells what it can; asked four times in all, at later looks or on
 *                                     later connections, since a FreeSWITCH that hangs on it costs the link
 *   `show channels as json`, later      the next look comes anyway; the third in a row that fails gives the link up
 *
 * That the list is complete is told when every row has been told. The later looks end a channel only when several of them, at
 * least `againMs` apart, agree that it is gone and nothing was heard of it meanwhile: an answer overtakes the events that wait
 * to be sent, and FreeSWITCH writes its table of channels some time after the fact. In the same way a channel that is listed
 * and of which nothing was told is asked for at the second look. A channel that has been told as ended is never told again.
 */
import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import type { Ticker } from '../link/connection.ts';
import type { EslEvent } from '../link/event.ts';
import { noListWarning } from '../link/problem.ts';
import { Unanswered } from '../link/questions.ts';
import { type ChannelDump, NoList, Unreadable } from './queries.ts';
import { Register } from './register.ts';
import { rowEvent, snapshotEvents } from './snapshot.ts';

export interface RollCallOptions {
  readonly source: string;
  readonly clock: Ticker;
  readonly list: () => Promise<readonly EslEvent[]>;
  /** `null` when the channel has just gone. */
  readonly dump: (uuid: ChannelId) => Promise<ChannelDump | null>;
  readonly emit: (events: readonly CallEvent[], raw: Uint8Array | null, receivedAt: number) => void;
  /** The connection is of no use: one sentence. */
  readonly giveUp: (reason: string) => void;
  readonly warn: (text: string) => void;
}

/** Between looks, ms; a PBX that takes long to answer is asked less often. */
const lookMs = 20_000;
/** Before a second look at what was found to be different, ms. */
const againMs = 10_000;
const patience = 3;
const dumpsAtOnce = 2;
const dumpsInAll = 4;

export class RollCall {
  readonly #options: RollCallOptions;
  readonly #register = new Register(againMs);
  /** Dumps that were asked for in vain. */
  readonly #vain = new Map<ChannelId, number>();
  /** Names the connection; another one, or none, while an answer is awaited means that the answer counts no more. */
  #link: symbol | null = null;
  #complete = false;
  #failures = 0;
  #refusalTold = false;
  #cancelLook: (() => void) | null = null;

  constructor(options: RollCallOptions) {
    this.#options = options;
  }

  /** The link is up, and events come in already. */
  begin(): void {
    this.#link = Symbol('link');
    this.#complete = false;
    this.#failures = 0;
    this.#register.begin();
    this.#look(this.#link).catch((error: unknown) => this.#broken(error));
  }

  /** The link is down: nothing is asked any more. */
  end(): void {
    this.#link = null;
    this.#cancelLook?.();
  }

  /** Takes note of events that are told. */
  heard(events: readonly CallEvent[]): void {
    const { clock } = this.#options;
    for (const event of events) this.#register.note(event, clock.monotonic());
  }

  /** True for a channel that has been told as ended. */
  isOver(channel: ChannelId): boolean {
    return this.#register.isOver(channel);
  }

  async #look(link: symbol): Promise<void> {
    const { clock, list } = this.#options;
    const asked = { steady: clock.monotonic(), wall: clock.now() };
    let rows: readonly EslEvent[];
    try {
      rows = await list();
    } catch (error) {
      if (link === this.#link) this.#failed(link, error);
      return;
    }
    if (link !== this.#link) return;
    this.#failures = 0;
    const took = clock.monotonic() - asked.steady;
    if (this.#complete) await this.#compare(rows, asked);
    else await this.#tellAll(link, rows);
    if (link !== this.#link) return;
    this.#lookIn(link, !this.#complete || this.#register.inDoubt ? againMs : Math.max(lookMs, 10 * took));
  }

  #lookIn(link: symbol, ms: number): void {
    this.#cancelLook = this.#options.clock.after(ms, () => {
      this.#look(link).catch((error: unknown) => this.#broken(error));
    });
  }

  #failed(link: symbol, error: unknown): void {
    const { giveUp, warn, source } = this.#options;
    if (error instanceof NoList) {
      if (!this.#refusalTold) warn(noListWarning(source, error.message));
      this.#refusalTold = true;
      this.#lookIn(link, lookMs);
      return;
    }
    this.#failures++;
    if (this.#failures >= patience) giveUp(`It did not list its channels when it was asked ${patience} times.`);
    else this.#lookIn(link, this.#complete ? againMs : 0);
  }

  #broken(error: unknown): void {
    this.#options.giveUp(
      `Its list of channels could not be taken in (${error instanceof Error ? error.message : error}).`,
    );
  }

  async #tellAll(link: symbol, rows: readonly EslEvent[]): Promise<void> {
    const told = await Promise.all(rows.map((row) => this.#tell(link, row)));
    if (link !== this.#link || told.includes(false)) return;
    this.#complete = true;
    const { clock, emit, source } = this.#options;
    const at = clock.now();
    emit([{ kind: 'snapshot-complete', source, at, receivedAt: at }], null, at);
  }

  async #compare(rows: readonly EslEvent[], asked: { readonly steady: number; readonly wall: number }): Promise<void> {
    const { clock, emit, source } = this.#options;
    const link = this.#link;
    const listed = rows.map((row) => row.get('uuid') ?? '');
    const { vanished, strangers } = this.#register.compare(listed, asked);
    // A leg that is gone is not asked for again.
    const present = new Set(listed);
    for (const uuid of this.#vain.keys()) if (!present.has(uuid)) this.#vain.delete(uuid);
    if (vanished.length > 0) {
      const receivedAt = clock.now();
      const events = vanished.map(({ channel, aliveAt }): CallEvent => {
        return { kind: 'vanished', source, at: Math.min(aliveAt, receivedAt), receivedAt, channel };
      });
      emit(events, null, receivedAt);
    }
    if (link === null) return;
    await Promise.all(rows.filter((row) => strangers.has(row.get('uuid') ?? '')).map((row) => this.#tell(link, row)));
  }

  /** Tells a listed channel as well as can be; false when it must be asked for once more. */
  async #tell(link: symbol, row: EslEvent): Promise<boolean> {
    const { clock, emit, source } = this.#options;
    const uuid = row.get('uuid');
    if (uuid === undefined || uuid === '' || this.#register.isOver(uuid)) return true;
    const dump = await this.#dump(link, uuid);
    if (link !== this.#link || dump === null || this.#register.isOver(uuid)) return true;
    if (dump === 'no link') return false;
    const receivedAt = clock.now();
    if (dump !== 'not to be had') {
      emit(snapshotEvents(dump.event, source, receivedAt), dump.frame.raw, receivedAt);
      return true;
    }
    const event = rowEvent(row, source, receivedAt);
    const given = (this.#vain.get(uuid) ?? 0) >= dumpsInAll;
    if (event?.kind !== 'snapshot-channel') return given;
    emit([event], null, receivedAt);
    if (!given) this.#register.tellAgain(uuid);
    return true;
  }

  async #dump(link: symbol, uuid: ChannelId): Promise<ChannelDump | null | 'not to be had' | 'no link'> {
    for (let times = 0; times < dumpsAtOnce; times++) {
      const vain = this.#vain.get(uuid) ?? 0;
      if (vain >= dumpsInAll || link !== this.#link) break;
      try {
        const dump = await this.#options.dump(uuid);
        this.#vain.delete(uuid);
        return dump;
      } catch (error) {
        if (error instanceof Unreadable) break;
        if (!(error instanceof Unanswered)) return 'no link';
        this.#vain.set(uuid, vain + 1);
      }
    }
    return 'not to be had';
  }
}
