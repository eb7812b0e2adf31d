/**
 * Which channels live: asked after each (re)connect, when no event tells what happened before, and again and again while the
 * link stands, since the end of a channel may have got lost.
 *
 *   what is asked                       without an answer
 *   `show channels as json`, first      asked three times, then the link is made anew
 *   `uuid_dump` of each row             asked twice, then its row tells what it can; asked four times in all, at later looks or on
 *                                     later connections, since a FreeSWITCH that hangs on it costs the link; none is asked
 *                                     any more in a look that has taken half a minute
 *   `show channels as json`, later      the next look comes anyway; the third in a row that fails gives the link up
 *
 * What is waited for in vain is the problem of the link meanwhile. A channel that cannot be taken in is left out of the list,
 * which is not complete then, and is asked for again.
 *
 * That the list is complete is told when every row has been told. The later looks end a channel only when several of them, at
 * least `againMs` apart, agree that it is gone and nothing was heard of it meanwhile: an answer overtakes the events that wait
 * to be sent, and FreeSWITCH writes its table of channels some time after the fact. In the same way a channel that is listed
 * and of which nothing was told is asked for at the second look. A channel that has been told as ended is never told again.
 */
import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import type { Ticker } from '../link/connection.ts';
import type { EslEvent } from '../link/event.ts';
import { noDumpFault, noListProblem, oddListProblem, partListProblem, slowListProblem } from '../link/problem.ts';
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
  /** What is wrong with the list, one sentence; `null` when it is there. */
  readonly note: (problem: string | null) => void;
  /** An answer that could not be used and was left out: one sentence. */
  readonly fault: (subject: RollFault, text: string) => void;
}

export type RollFault = 'not answered' | 'not handled';

/** Between looks, ms; a PBX that takes long to answer is asked less often. */
const lookMs = 20_000;
/** Before a second look at what was found to be different, ms. */
const againMs = 10_000;
const patience = 3;
const dumpsAtOnce = 2;
const dumpsInAll = 4;
/** Channels that are asked for at a time. */
const rowsAtOnce = 8;
/** After so long a look asks for no further dump, ms: each that is not answered takes as long as any other command. */
const dumpMs = 30_000;

export class RollCall {
  readonly #options: RollCallOptions;
  readonly #register = new Register(againMs);
  /** Dumps that were asked for in vain. */
  readonly #vain = new Map<ChannelId, number>();
  /** Names the connection; another one, or none, while an answer is awaited means that the answer counts no more. */
  #link: symbol | null = null;
  #complete = false;
  #failures = 0;
  /** The next list is told, whatever is known. */
  #telling = false;
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
    this.#lookSafely(this.#link);
  }

  /** The link is down: nothing is asked any more. */
  end(): void {
    this.#link = null;
    this.#cancelLook?.();
  }

  /** Tells with the next list each channel that it has: of a leg that is quiet nothing else says that it lives. */
  tellAgain(): void {
    this.#telling = true;
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
    this.#forget(rows);
    if (this.#complete) await this.#compare(rows, asked);
    else await this.#tellAll(link, rows);
    if (link !== this.#link) return;
    this.#options.note(this.#complete ? null : partListProblem(this.#options.source));
    this.#lookIn(link, !this.#complete || this.#register.inDoubt ? againMs : Math.max(lookMs, 10 * took));
  }

  #lookIn(link: symbol, ms: number): void {
    this.#cancelLook = this.#options.clock.after(ms, () => this.#lookSafely(link));
  }

  /** What goes wrong here with one list is the fault of that one: the next look comes. */
  #lookSafely(link: symbol): void {
    this.#look(link).catch((error: unknown) => {
      if (link !== this.#link) return;
      const { note, fault, source } = this.#options;
      const problem = oddListProblem(source, error instanceof Error ? error.message : String(error));
      fault('not handled', problem);
      note(problem);
      this.#lookIn(link, lookMs);
    });
  }

  #failed(link: symbol, error: unknown): void {
    const { giveUp, note, source } = this.#options;
    if (error instanceof NoList) {
      note(noListProblem(source, error.message));
      this.#lookIn(link, lookMs);
      return;
    }
    this.#failures++;
    if (this.#failures >= patience) {
      giveUp(`It did not list its channels when it was asked ${patience} times.`);
      return;
    }
    note(slowListProblem(source, this.#failures));
    this.#lookIn(link, this.#complete ? againMs : 0);
  }

  /** Of channels that are listed no more nothing is asked again. */
  #forget(rows: readonly EslEvent[]): void {
    const listed = new Set(rows.map((row) => row.get('uuid')));
    for (const uuid of this.#vain.keys()) if (!listed.has(uuid)) this.#vain.delete(uuid);
  }

  async #tellAll(link: symbol, rows: readonly EslEvent[]): Promise<void> {
    const told = await this.#tellSome(link, rows);
    if (link !== this.#link || !told) return;
    const { clock, emit, note, source } = this.#options;
    const at = clock.now();
    note(null);
    emit([{ kind: 'snapshot-complete', source, at, receivedAt: at }], null, at);
    this.#complete = true;
  }

  /** Tells channels, a few at a time; false when one of them must be asked for once more. */
  async #tellSome(link: symbol, rows: readonly EslEvent[]): Promise<boolean> {
    const until = this.#options.clock.monotonic() + dumpMs;
    const left = rows.values();
    let all = true;
    // Each takes the next row of the same iterator.
    const work = async (): Promise<void> => {
      for (const row of left) if (!(await this.#tell(link, row, until))) all = false;
    };
    await Promise.all(Array.from({ length: rowsAtOnce }, work));
    return all;
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
    if (this.#telling) this.#tellRows(rows);
    if (link === null) return;
    await this.#tellSome(
      link,
      rows.filter((row) => strangers.has(row.get('uuid') ?? '')),
    );
  }

  #tellRows(rows: readonly EslEvent[]): void {
    const { clock, emit, source } = this.#options;
    this.#telling = false;
    const receivedAt = clock.now();
    for (const row of rows) {
      const event = this.#register.isLiving(row.get('uuid') ?? '') ? rowEvent(row, source, receivedAt) : null;
      if (event !== null) emit([event], null, receivedAt);
    }
  }

  /** Tells a listed channel as well as can be; false when it must be asked for once more. `until`: steady clock, ms. */
  async #tell(link: symbol, row: EslEvent, until: number): Promise<boolean> {
    const uuid = row.get('uuid');
    if (uuid === undefined || uuid === '' || this.#register.isOver(uuid)) return true;
    const dump = await this.#dump(link, uuid, until);
    if (link !== this.#link || dump === null || this.#register.isOver(uuid)) return true;
    if (dump === 'no link') return false;
    try {
      return this.#take(uuid, row, dump);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.fault('not handled', `A listed channel could not be taken in and was left out (${why}).`);
      return false;
    }
  }

  /** Emits what is known of a listed channel. */
  #take(uuid: ChannelId, row: EslEvent, dump: ChannelDump | 'not to be had'): boolean {
    const { clock, emit, source } = this.#options;
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

  async #dump(link: symbol, uuid: ChannelId, until: number): Promise<ChannelDump | null | 'not to be had' | 'no link'> {
    const { clock, dump, note, fault, source } = this.#options;
    for (let times = 0; times < dumpsAtOnce; times++) {
      const vain = this.#vain.get(uuid) ?? 0;
      if (vain >= dumpsInAll || link !== this.#link || clock.monotonic() >= until) break;
      try {
        const answer = await dump(uuid);
        this.#vain.delete(uuid);
        return answer;
      } catch (error) {
        const unreadable = error instanceof Unreadable;
        if (!unreadable && !(error instanceof Unanswered)) return 'no link';
        this.#vain.set(uuid, vain + 1);
        if (vain + 1 === dumpsInAll) fault('not answered', noDumpFault(source, dumpsInAll));
        if (unreadable) break;
        if (link === this.#link && !this.#complete) note(partListProblem(source));
      }
    }
    return 'not to be had';
  }
}
