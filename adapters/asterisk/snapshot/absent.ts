/**
 * Channels that were told to live, and that the lists of the PBX lack: their ends were not told, as where a filter holds `Hangup` back.
 *
 * A list overtakes events that wait to be sent, so one alone says nothing: a channel is over when two in a row lack it that were asked
 * for some seconds apart, and nothing was heard of it since some seconds before the first.
 */
import { type CallEvent, type ChannelId, channelOf } from '../../../src/telephony/call-event.ts';

/** Between two lists that both count, and before the first in which a channel is missed, ms. */
export const APART_MS = 5_000;
/** Where nobody may list, nothing tells that channels have ended: the oldest are forgotten. */
const MOST = 10_000;

interface Entry {
  /** When it was heard of last, on the steady clock, ms. */
  heardAt: number;
  /** The same or when it was listed last, ms since the epoch. */
  aliveAt: number;
  /** The list before lacked it. */
  missed: boolean;
}

/** The moment at which a list was asked for, on both clocks, ms. */
export interface Asked {
  readonly steady: number;
  readonly wall: number;
}

/** A channel that is over, and when it is known to have lived last, ms since the epoch. */
export interface Gone {
  readonly channel: ChannelId;
  readonly aliveAt: number;
}

export class Absent {
  readonly #living = new Map<ChannelId, Entry>();
  #comparedAt = Number.NEGATIVE_INFINITY;
  #inDoubt = false;

  /** True when the last list lacked channels of which only the next one tells whether they are over. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** A connection begins: its first list is all that lives. */
  begin(): void {
    this.#living.clear();
    this.#comparedAt = Number.NEGATIVE_INFINITY;
    this.#inDoubt = false;
  }

  /** What was told, those of lists as well. `steady`: now, on the steady clock, ms. */
  note(event: CallEvent, steady: number): void {
    const id = channelOf(event);
    if (id === null) return;
    if (event.kind === 'cleared' || event.kind === 'vanished') {
      this.#living.delete(id);
      return;
    }
    const entry = this.#living.get(id);
    if (entry !== undefined) {
      entry.heardAt = steady;
      entry.aliveAt = event.receivedAt;
      entry.missed = false;
    } else if (event.kind === 'channel-created' || event.kind === 'snapshot-channel') {
      this.#living.set(id, { heardAt: steady, aliveAt: event.receivedAt, missed: false });
      const [oldest] = this.#living.keys();
      if (this.#living.size > MOST && oldest !== undefined) this.#living.delete(oldest);
    }
  }

  /** Takes in a list that is whole. */
  compare(listed: ReadonlySet<ChannelId>, asked: Asked): readonly Gone[] {
    this.#together(listed, asked.wall);
    if (asked.steady - this.#comparedAt < APART_MS) return [];
    this.#comparedAt = asked.steady;
    this.#inDoubt = false;
    const gone: Gone[] = [];
    for (const [channel, entry] of this.#living) {
      if (listed.has(channel)) continue;
      if (entry.missed) gone.push({ channel, aliveAt: entry.aliveAt });
      else if (entry.heardAt <= asked.steady - APART_MS) {
        entry.missed = true;
        this.#inDoubt = true;
      }
    }
    return gone;
  }

  /** The rows of a list come one after the other, and tell of one moment: who is in a bridge with whom lived together. */
  #together(listed: ReadonlySet<ChannelId>, askedAt: number): void {
    const entries = [...listed].flatMap((id) => this.#living.get(id) ?? []);
    const at = entries.reduce((latest, { aliveAt }) => Math.max(latest, aliveAt), askedAt);
    for (const entry of entries) [entry.aliveAt, entry.missed] = [at, false];
  }
}
