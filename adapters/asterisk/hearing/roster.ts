/**
 * The channels that live, as far as events and lists tell it, and which of the two events that every channel has does not come: a
 * filter may hold back single events.
 *
 * | what shows                                                                                | what is missing     |
 * |-------------------------------------------------------------------------------------------|---------------------|
 * | ends of channels that were not listed, or were made since the login, and no beginning     | beginnings          |
 * | more channels told to live than the PBX counted a while ago, and not in its list now      | ends: all or some    |
 * | many beginnings in a long time without one end, where the user may neither list nor count | ends                |
 */
import type { Unheard } from '../../../src/ports.ts';

/** Channels whose beginning was not told, and none whose was: one may be a slip of the link. */
const NAMELESS = 2;
/** Ends of some channels come, those of others do not: so many that did not, and more than one in so many of all. */
const LOST = 3;
const LOST_IN = 10;
/** Of so many of the latest. */
const LATEST = 200;
/** So many ends in a row of channels that were known, and no lack seen meanwhile: all ends come again. */
const RUN = 30;
/** Ended channels that are still known: a list may be older than the end. */
const LATELY = 200;
/** Beginnings, and ms since the first of them, without an end: a long conference has fewer, a busy PBX ends some in less. */
const ENDLESS = 100;
const ENDLESS_MS = 3_600_000;
/** Where nothing tells that channels have ended, the oldest are forgotten. */
const MOST = 10_000;
/** By so much the second in the id of a channel may be off, ms. */
const MARGIN_MS = 2_000;

/** The channels that were told to live when it was asked how many there are. */
export interface Sample {
  readonly ids: readonly string[];
  readonly at: number;
}

export class Roster {
  readonly #patienceMs: number;
  #partly: Exclude<Unheard, 'all'> | null = null;
  readonly #open = new Set<string>();
  /** `waited for`: nothing can be said yet of channels from before the login; `refused`: nor ever. */
  #list: 'waited for' | 'known' | 'refused' = 'waited for';
  #begun = 0;
  #firstBegunAt = 0;
  #nameless = 0;
  #everEnded = false;
  /** Of the latest: ends that were told, and those that a list showed instead. */
  #told = 0;
  #lost = 0;
  /** Ends of some channels come. That is so over logins, until a run of ends shows that the filter is gone. */
  #some = false;
  #run = 0;
  /** On this login it was told how many channels there are. */
  #counts = false;
  readonly #lately = new Set<string>();
  #counted: { readonly sample: Sample; readonly live: number } | null = null;
  #suspects: readonly string[] = [];

  /** `patienceMs`: for so long an end may be on its way. All times: ms on one clock that does not step. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  get partly(): Exclude<Unheard, 'all'> | null {
    return this.#partly;
  }

  /** A new connection, with rights of its own. */
  begin(): void {
    this.#open.clear();
    [this.#list, this.#counted, this.#suspects] = ['waited for', null, []];
    [this.#begun, this.#nameless, this.#everEnded] = [0, 0, false];
    [this.#told, this.#lost, this.#counts] = [0, 0, false];
  }

  /** Nothing at all was heard until now. */
  startAnew(): void {
    this.begin();
    this.#mended();
  }

  begins(id: string, now: number): void {
    if (this.#begun === 0) this.#firstBegunAt = now;
    this.#begun += 1;
    this.#nameless = 0;
    this.#open.add(id);
    if (this.#partly === 'beginnings') this.#partly = null;
    const [oldest] = this.#open;
    if (this.#open.size > MOST && oldest !== undefined) this.#open.delete(oldest);
    const endless = !this.#everEnded && this.#begun >= ENDLESS && now - this.#firstBegunAt >= ENDLESS_MS;
    if (endless && this.#list === 'refused') this.#partly = 'ends';
  }

  /** `loggedInAt`: by the clock of the PBX, ms since the epoch; `null`: it has not told. */
  ends(id: string, loggedInAt: number | null): void {
    this.#everEnded = true;
    this.#told += 1;
    this.#lately.add(id);
    const [oldest] = this.#lately;
    if (this.#lately.size > LATELY && oldest !== undefined) this.#lately.delete(oldest);
    const known = this.#open.delete(id);
    if (known) this.#run += 1;
    if (this.#partly === 'ends' && (!this.#some || (!this.#counts && this.#run >= LATEST))) this.#mended();
    if (known) return;
    if (this.#list !== 'known' && !isBornSince(id, loggedInAt)) return;
    this.#nameless += 1;
    if (this.#begun === 0 && this.#nameless >= NAMELESS) [this.#partly, this.#some] = ['beginnings', false];
  }

  /** Before it is asked how many there are. */
  sample(now: number): Sample {
    return { ids: [...this.#open], at: now };
  }

  /**
   * `live` channels were there when it was asked. Of the sample before, no more than were counted then can live, once all ends had the
   * time to be told. True when there are more: a list will show which of them are over.
   */
  counted(sample: Sample, live: number): boolean {
    const before = this.#counted;
    this.#counts = true;
    if (before !== null && sample.at - before.sample.at < this.#patienceMs) return false;
    this.#counted = { sample, live };
    if (before === null || this.#list !== 'known') return false;
    const left = before.sample.ids.filter((id) => this.#open.has(id));
    if (left.length <= before.live) {
      if (this.#some && this.#run >= RUN) this.#mended();
      return false;
    }
    this.#suspects = left;
    return true;
  }

  /** All channels that live, as the PBX listed them now. */
  listed(ids: ReadonlySet<string>): void {
    const over = this.#suspects.filter((id) => this.#open.has(id) && !ids.has(id)).length;
    // Where none is told at all, the first one shows that it is mended.
    if (this.#everEnded) this.#lost += over;
    if (over > 0) this.unended();
    if (over > 0 && this.#everEnded && this.#areLost()) [this.#partly, this.#some] = ['ends', true];
    else if (over > 0 && !this.#everEnded) this.#partly = 'ends';
    // Before the first list, the beginnings that were told are newer than it may be.
    if (this.#list === 'known') this.#open.clear();
    for (const id of ids) this.#open.add(id);
    [this.#list, this.#suspects, this.#counted] = ['known', [], null];
  }

  /** True when channels of a list were neither told nor listed before. */
  knowsNotAll(ids: ReadonlySet<string>): boolean {
    return this.#list === 'known' && [...ids].some((id) => !this.#open.has(id) && !this.#lately.has(id));
  }

  /** A channel is over whose end was not told. */
  unended(): void {
    this.#run = 0;
  }

  #mended(): void {
    [this.#partly, this.#some] = [null, false];
    [this.#told, this.#lost] = [0, 0];
  }

  #areLost(): boolean {
    if (this.#told + this.#lost > LATEST) [this.#told, this.#lost] = [this.#told / 2, this.#lost / 2];
    return this.#lost >= LOST && this.#lost * LOST_IN > this.#told + this.#lost;
  }

  /** The user may not list channels. */
  refused(): void {
    this.#list = 'refused';
  }
}

/** The id of a channel is the second in which it was made, by the clock of the PBX, and a counter: `1795344641.17`. */
function isBornSince(id: string, at: number | null): boolean {
  const second = /(\d{9,11})\.\d+$/.exec(id)?.[1];
  return second !== undefined && at !== null && Number(second) * 1000 > at + MARGIN_MS;
}
