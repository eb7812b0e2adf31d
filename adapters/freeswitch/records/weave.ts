/**
 * Legs in the order in which they were recorded, woven into pages of whole calls.
 *
 * A leg is recorded at its end, so the legs of a call may come hours apart, with those of other calls between them. Each names some of
 * the others (`CdrLeg.ties`). A call is told when
 *
 *   every leg that is named      | has come, or is known to have no record; never in a conference, which names none
 *   and it was quiet             | for `SETTLE_MS`: legs that nobody names, such as a phone that a queue rang in vain, end before
 *   or, at the latest            | `LOOK_MS` after its last leg, or when the reading ends
 *
 * Kept in memory are the calls between their first recorded leg and that moment, and a page.
 */
import type { Span } from '../../../src/call/cdr/coverage.ts';
import type { RecordsPage, WantedCall } from '../../../src/records/port.ts';
import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import { eventsOfLegs } from '../cdr/call.ts';
import type { CdrLeg } from '../cdr/leg.ts';
import type { SkipTally } from './skipped.ts';

/**
 * How far around a span legs are looked for that belong to a call of it and are named by none of its legs, ms. A named leg is found
 * at any distance where records can be found by the id of the leg.
 */
export const LOOK_MS = 4 * 3_600_000;

const SETTLE_MS = 10_000;

/** Legs of a page, and records after which one is told even if it is empty. */
const PAGE_LEGS = 200;
const PAGE_RECORDS = 2000;

/** What is read of a place. */
export interface Reading {
  readonly span: Span;
  /** How far around the span legs are looked for, ms. */
  readonly lookMs: number;
  /** As of `WeaveOptions`. */
  readonly wanted?: ReadonlySet<ChannelId>;
}

/** The time of all of them together; `null` for none. */
export function spanOf(calls: readonly WantedCall[]): Span | null {
  if (calls.length === 0) return null;
  return {
    from: Math.min(...calls.map(({ span }) => span.from)),
    to: Math.max(...calls.map(({ span }) => span.to)),
  };
}

export interface RecordedLeg {
  readonly leg: CdrLeg;
  /** When its record was written, ms since the epoch, UTC; not before the end of the leg. */
  readonly recordedAt: number;
}

/** How far the reading has come. */
export interface Weaving {
  /** Everything recorded before is read, ms since the epoch, UTC. */
  readonly position: number;
}

export interface WeaveOptions {
  readonly span: Span;
  readonly source: string;
  /**
   * The legs recorded from `LOOK_MS` before the span to `LOOK_MS` behind it, by time of recording; `leg` is `null` for a record that
   * is not used.
   */
  readonly legs: () => AsyncIterable<{ readonly recordedAt: number; readonly leg: CdrLeg | null }>;
  /**
   * Records of legs by their ids: `later` when it comes among `legs`, not before the position; absent when there is none. Where records
   * cannot be found so, a call waits `patienceMs` for the legs that it names.
   */
  readonly find?: (
    channels: readonly ChannelId[],
    weaving: Weaving,
  ) => Promise<ReadonlyMap<ChannelId, RecordedLeg | 'later'>>;
  readonly patienceMs?: number;
  /** Only calls with one of these legs are told; where absent, all. */
  readonly wanted?: ReadonlySet<ChannelId>;
  readonly skipped: SkipTally;
  /**
   * Up to when the records are complete once all are read, ms since the epoch: earlier than `span.to` when one was not finished or it lies
   * ahead. Calls of which something was recorded later are left to the next reading.
   */
  readonly completeTo: () => number;
}

interface Group {
  readonly legs: Map<ChannelId, RecordedLeg>;
  /** Ids named, of which nothing is known yet. */
  readonly wanted: Set<ChannelId>;
  /** Ids named whose legs come later. */
  readonly expected: Set<ChannelId>;
  /** Ids named that have no record. */
  readonly absent: Set<ChannelId>;
  /** Conferences: they name none of their legs, so more may come. */
  readonly rooms: Set<string>;
  lastAt: number;
}

/** See `CallRecords.read`. */
export async function* weave(options: WeaveOptions): AsyncIterable<RecordsPage> {
  const weaver = new Weaver(options);
  let records = 0;
  for await (const { recordedAt, leg } of options.legs()) {
    weaver.reach(recordedAt);
    if (leg !== null) weaver.take({ leg, recordedAt });
    records += 1;
    if (weaver.isDue()) await weaver.settle();
    if (weaver.legs < PAGE_LEGS && records < PAGE_RECORDS) continue;
    records = 0;
    if (weaver.position >= options.span.from) yield weaver.page();
  }
  while (await weaver.complete()) if (weaver.legs >= PAGE_LEGS) yield weaver.page();
  yield weaver.page();
}

class Weaver implements Weaving {
  position = Number.NEGATIVE_INFINITY;
  /** Legs of the page. */
  legs = 0;
  readonly #options: WeaveOptions;
  readonly #groups = new Map<ChannelId, Group>();
  #events: CallEvent[] = [];
  #settledAt = Number.NEGATIVE_INFINITY;
  #told = 0;

  constructor(options: WeaveOptions) {
    this.#options = options;
    this.#told = options.span.from;
  }

  reach(recordedAt: number): void {
    this.position = Math.max(this.position, recordedAt);
  }

  /** Adds a leg to the call that it belongs to, and makes one of the calls that it ties together. */
  take(record: RecordedLeg): void {
    const { channel, ties, room } = record.leg;
    const named = room === null ? [...ties] : [...ties, room];
    const group = newGroup();
    for (const other of new Set([channel, ...named].map((id) => this.#groups.get(id)))) {
      if (other === undefined) continue;
      for (const [id, one] of other.legs) group.legs.set(id, one);
      for (const set of NAMED) for (const id of other[set]) group[set].add(id);
      group.lastAt = Math.max(group.lastAt, other.lastAt);
    }
    if (!group.legs.has(channel)) group.legs.set(channel, record);
    group.lastAt = Math.max(group.lastAt, record.recordedAt);
    for (const set of NAMED) group[set].delete(channel);
    if (room !== null) group.rooms.add(room);
    for (const id of ties) {
      if (!group.legs.has(id) && !group.expected.has(id) && !group.absent.has(id)) group.wanted.add(id);
    }
    for (const id of idsOf(group)) this.#groups.set(id, group);
  }

  isDue(): boolean {
    return this.position - this.#settledAt >= SETTLE_MS;
  }

  /** Tells the calls that are complete. */
  async settle(): Promise<void> {
    this.#settledAt = this.position;
    const quiet = [...new Set(this.#groups.values())].filter((one) => this.position - one.lastAt >= SETTLE_MS);
    for (const group of await this.#seek(quiet)) {
      const overdue = this.position - group.lastAt >= (this.#options.patienceMs ?? LOOK_MS);
      const whole = group.wanted.size === 0 && group.expected.size === 0 && group.rooms.size === 0;
      if (overdue || whole) this.#tell(group);
    }
  }

  /** Tells a call in hand, whether or not more may come; false when there is none. */
  async complete(): Promise<boolean> {
    this.position = Number.MAX_SAFE_INTEGER;
    const [group] = this.#groups.values();
    if (group === undefined) return false;
    for (const one of await this.#seek([group])) this.#tell(one);
    return true;
  }

  /** What was told since the last page. */
  page(): RecordsPage {
    const events = this.#events;
    this.#events = [];
    this.legs = 0;
    const open = [...new Set(this.#groups.values())].map((group) => group.lastAt);
    const upTo = Math.min(this.position, this.#options.span.to, this.#options.completeTo(), ...open);
    this.#told = Math.max(this.#told, upTo);
    return { events, upTo: Math.min(this.#told, this.#options.span.to), skipped: this.#options.skipped.take() };
  }

  /** Looks for the legs that the calls name, and for those that they name in turn; returns the calls as they are then. */
  async #seek(groups: readonly Group[]): Promise<Iterable<Group>> {
    const { find } = this.#options;
    let now = new Set(groups);
    let ids = find === undefined ? [] : [...now].flatMap((group) => [...group.wanted]);
    while (find !== undefined && ids.length > 0) {
      const found = await find(ids, this);
      for (const id of ids) {
        const record = found.get(id);
        const group = this.#groups.get(id);
        if (group?.wanted.delete(id) !== true) continue;
        if (record === undefined) group.absent.add(id);
        else if (record === 'later') group.expected.add(id);
        else this.take(record);
      }
      now = new Set([...now].map((group) => this.#groups.get(firstOf(group)) ?? group));
      ids = [...now].flatMap((group) => [...group.wanted]);
    }
    return now;
  }

  #isWanted(group: Group): boolean {
    const { wanted } = this.#options;
    return wanted === undefined || idsOf(group).some((id) => wanted.has(id));
  }

  /** True when something of the call was recorded in the span, or lived in it. */
  #matters(group: Group): boolean {
    const { from, to } = this.#options.span;
    return [...group.legs.values()].some(({ leg, recordedAt }) => leg.startedAt <= to && recordedAt >= from);
  }

  /** True when a leg of the call may not be recorded wholly yet: the next reading tells it. */
  #isCut(group: Group): boolean {
    const completeTo = this.#options.completeTo();
    return group.lastAt > completeTo || (group.expected.size > 0 && completeTo < this.#options.span.to);
  }

  #tell(group: Group): void {
    for (const id of idsOf(group)) this.#groups.delete(id);
    if (!this.#isWanted(group) || !this.#matters(group) || this.#isCut(group)) return;
    this.legs += group.legs.size;
    const legs = [...group.legs.values()].map(({ leg }) => leg);
    this.#events.push(...eventsOfLegs(legs, this.#options.source));
  }
}

function firstOf(group: Group): ChannelId {
  return group.legs.keys().next().value ?? '';
}

const NAMED = ['wanted', 'expected', 'absent', 'rooms'] as const;

function newGroup(): Group {
  return {
    legs: new Map(),
    wanted: new Set(),
    expected: new Set(),
    absent: new Set(),
    rooms: new Set(),
    lastAt: 0,
  };
}

function idsOf(group: Group): readonly string[] {
  return [...group.legs.keys(), ...NAMED.flatMap((name) => [...group[name]])];
}
