/** The channels that have been told as living, and what the lists of the PBX say about them. */
import { type CallEvent, type ChannelId, channelOf } from '../../../src/telephony/call-event.ts';
import { OldestFirst } from '../../../src/telephony/oldest.ts';

interface Entry {
  /** When it was heard of last, on the steady clock, ms. */
  heardAt: number;
  /** The same or when it was listed last, ms since the epoch. */
  aliveAt: number;
  /** In a list at least once since it was told. */
  listed: boolean;
  /** Lists in a row that lack it. */
  missed: number;
}

/** The moment at which a list was asked for, on both clocks, ms. */
export interface Asked {
  readonly steady: number;
  readonly wall: number;
}

export interface Difference {
  /** Channels that live no more, and when each is known to have lived last, ms since the epoch. */
  readonly vanished: readonly { readonly channel: ChannelId; readonly aliveAt: number }[];
  /** Listed channels that are to be asked for. */
  readonly strangers: ReadonlySet<ChannelId>;
}

/** Ended channels kept, so that none is told again. */
const remembered = 20_000;

export class Register {
  readonly #restMs: number;
  readonly #living = new Map<ChannelId, Entry>();
  readonly #over = new Set<ChannelId>();
  readonly #oldest = new OldestFirst(this.#over);
  /** Listed, and not told or not told well enough: in how many lists. */
  #strangers = new Map<ChannelId, number>();
  #inDoubt = false;

  /** `restMs`: a list says nothing against a channel of which something was heard so shortly before. */
  constructor(restMs: number) {
    this.#restMs = restMs;
  }

  /** A connection begins; what has ended remains so. */
  begin(): void {
    this.#living.clear();
    this.#strangers.clear();
    this.#inDoubt = false;
  }

  /** True when the last list differs from what was told, and the next should not be waited for as long as usual. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  isOver(channel: ChannelId): boolean {
    return this.#over.has(channel);
  }

  /** True for a channel that has been told, and well enough. */
  isLiving(channel: ChannelId): boolean {
    return this.#living.has(channel) && !this.#strangers.has(channel);
  }

  /** `steady`: now, on the steady clock, ms. */
  note(event: CallEvent, steady: number): void {
    const id = channelOf(event);
    if (id === null) return;
    if (event.kind === 'cleared' || event.kind === 'vanished') {
      this.#end(id);
      return;
    }
    if (event.kind === 'renamed') {
      this.#end(id);
      this.#live(event.to, steady, event.receivedAt);
      return;
    }
    const told = event.kind === 'channel-created' || event.kind === 'snapshot-channel';
    if (told) this.#strangers.delete(id);
    if (told || this.#living.has(id)) this.#live(id, steady, event.receivedAt);
  }

  /** The channel has been told only in part: it is to be asked for again. */
  tellAgain(channel: ChannelId): void {
    this.#strangers.set(channel, 1);
  }

  /** Takes a list in. */
  compare(listed: readonly ChannelId[], asked: Asked): Difference {
    const present = new Set(listed);
    const vanished: { channel: ChannelId; aliveAt: number }[] = [];
    let missing = 0;
    for (const [channel, entry] of this.#living) {
      if (present.has(channel)) {
        Object.assign(entry, { listed: true, missed: 0, aliveAt: Math.max(entry.aliveAt, asked.wall) });
      } else if (entry.heardAt <= asked.steady - this.#restMs) {
        entry.missed++;
        missing++;
        // One that was never listed may not have been written down yet.
        if (entry.missed >= (entry.listed ? 2 : 3)) vanished.push({ channel, aliveAt: entry.aliveAt });
      }
    }
    const strangers = this.#listStrangers(present);
    this.#inDoubt = missing > vanished.length || strangers.size < this.#strangers.size;
    return { vanished, strangers };
  }

  /** Those that at least two lists in a row have. */
  #listStrangers(present: ReadonlySet<ChannelId>): ReadonlySet<ChannelId> {
    const before = this.#strangers;
    const now = new Map<ChannelId, number>();
    for (const channel of present) {
      const known = this.#living.has(channel) && !before.has(channel);
      if (channel !== '' && !known && !this.#over.has(channel)) now.set(channel, (before.get(channel) ?? 0) + 1);
    }
    this.#strangers = now;
    return new Set([...now].flatMap(([channel, lists]) => (lists >= 2 ? channel : [])));
  }

  #live(channel: ChannelId, steady: number, wall: number): void {
    if (this.#over.has(channel)) return;
    const entry = this.#living.get(channel);
    if (entry === undefined) {
      this.#living.set(channel, { heardAt: steady, aliveAt: wall, listed: false, missed: 0 });
    } else Object.assign(entry, { heardAt: steady, aliveAt: wall, missed: 0 });
  }

  #end(channel: ChannelId): void {
    this.#living.delete(channel);
    this.#strangers.delete(channel);
    this.#over.add(channel);
    if (this.#over.size > remembered) this.#over.delete(this.#oldest.next() ?? '');
  }
}
