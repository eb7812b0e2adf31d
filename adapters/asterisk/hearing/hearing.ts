/**
 * Whether the AMI user hears of calls. AMI tells nobody which events he may read, and sends a user without the class `call`, or behind
 * a filter that lets nothing through, nothing at all. What gives it away are counts of channels and calls (`counts.ts`) of which no event
 * came. They are asked for while no event of a call comes, and now and then while some do: a filter may hold back single events, and
 * what is told then is which of the two that every channel has (`roster.ts`).
 *
 * | seen while no event of a call comes                                                  | then                                        |
 * |--------------------------------------------------------------------------------------|---------------------------------------------|
 * | another number of channels that live, where no call was heard since the login        | deaf, when no event comes for the patience  |
 * | more calls since the start of the PBX (Asterisk 20; text messages are counted, too)  | the channels are listed                     |
 * | the same, and a channel in that list of which nothing was told                       | deaf, when no event comes for the patience  |
 *
 * So a call of a deaf PBX that lasts for a look, three seconds, is noticed, and of shorter ones the first that lives when it is looked. One
 * that never does is found by the records of the PBX (`src/records/audit.ts`).
 */
import { Deafness } from '../../../src/link/deafness.ts';
import type { Clock, Unheard } from '../../../src/ports.ts';
import { isOfMessages } from '../events/channel-name.ts';
import type { AmiPacket } from '../link/packet.ts';
import type { Count } from './counts.ts';
import { Renewals } from './renewals.ts';
import { Roster } from './roster.ts';

/** Events that every call has, whatever is filtered. */
const CALL_EVENTS = new Set(['Newchannel', 'Newstate', 'Hangup', 'BridgeEnter', 'BridgeLeave', 'DialBegin', 'DialEnd']);

/** True for an event of a call. */
export function isCallEvent(event: string): boolean {
  return CALL_EVENTS.has(event);
}

/** Between looks, ms, and while events of calls come. */
const LOOK_MS = 3_000;
const BUSY_LOOK_MS = 10_000;
/** For so long an event may be on its way: a look further, ms. */
const PATIENCE_MS = 2_500;
/** A list, where calls were counted and none is seen, no sooner after the last one, ms: each may have been a text message. */
const GROWN_MS = 10_000;
/** As often the PBX is asked what its clock shows, ms: a link on which answers come is never silent. */
const PING_MS = 10_000;
/** While events are missing, the login is first done anew after, ms. */
const RENEW_MS = 15_000;
/** The same while only the list is refused, ms: calls are heard meanwhile. */
const RENEW_REFUSED_MS = 60_000;

export interface HearingOptions {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** How many calls there are; `null`: no answer, or one that tells nothing. */
  readonly ask: () => Promise<Count | null>;
  /** The time by the clock of the PBX, ms since the epoch; `null`: it has not told. */
  readonly pbxTime: () => number | null;
  readonly ping: () => void;
  /** Log in anew; `deaf`: nothing comes over the present connection. */
  readonly renew: (deaf: boolean) => void;
  /** List the live channels again. */
  readonly list: () => void;
  readonly onChange: () => void;
}

export class Hearing {
  readonly #options: HearingOptions;
  readonly #deafness = new Deafness(PATIENCE_MS);
  readonly #roster = new Roster(PATIENCE_MS);
  readonly #renewals: Renewals;
  #listed: ReadonlySet<string> | null = null;
  /** Calls since the PBX was started, as of the last look; `null`: not known, or an event of a call came since. */
  #total: number | null = null;
  /** More were counted since: a list is to show whether channels live of which nothing was told. */
  #grown = false;
  #grownListAt = Number.NEGATIVE_INFINITY;
  #heardSinceTick = false;
  #everHeard = false;
  #loggedInAt = 0;
  #pingAt = 0;
  #lookedAt = 0;
  #asking = false;
  /** The user may not list channels. */
  #refused = false;
  #cancel: () => void = () => {};

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#renewals = new Renewals(() => options.clock.monotonic());
  }

  /** What is not heard; `null` when nothing is known to be missing. */
  get missing(): Unheard | null {
    return this.#deafness.deaf ? 'all' : this.#roster.partly;
  }

  /** True while nothing has shown on this connection that events of calls come. */
  get inDoubt(): boolean {
    return !this.#everHeard;
  }

  /** Logged in. */
  begin(): void {
    this.#deafness.begin();
    this.#roster.begin();
    [this.#listed, this.#total, this.#grown, this.#grownListAt] = [null, null, false, Number.NEGATIVE_INFINITY];
    const now = this.#options.clock.monotonic();
    [this.#loggedInAt, this.#pingAt] = [now, now + PING_MS];
    this.#renewals.rest();
    [this.#everHeard, this.#asking, this.#refused] = [false, false, false];
    this.#cancel();
  }

  /** The connection is over. */
  end(): void {
    this.#cancel();
  }

  /** Every event. */
  see(event: string, packet: AmiPacket): void {
    if (event === 'Reload') this.#renewals.hurry();
    if (!isCallEvent(event)) return;
    this.#heardSinceTick = true;
    this.#everHeard = true;
    const before = this.missing;
    const wasDeaf = this.#deafness.deaf;
    this.#deafness.hear();
    [this.#total, this.#grown] = [null, false];
    if (wasDeaf) {
      // What lists showed meanwhile had no end that could be heard: that says nothing of those that come now.
      this.#roster.startAnew();
      this.#options.list();
    }
    // Of messages they tell that the rights are there, but such a channel has no end.
    if (!isMessage(packet)) this.#keep(event, packet.get('Uniqueid') ?? '');
    this.#tellFrom(before);
  }

  #keep(event: string, id: string): void {
    if (event === 'Newchannel') this.#roster.begins(id, this.#options.clock.monotonic());
    else if (event === 'Hangup') this.#roster.ends(id, this.#loggedIn());
  }

  /** The live channels were listed, whole; `null`: so late that nobody held them together. From now on it is looked. */
  list(items: readonly AmiPacket[] | null): void {
    this.#lookOn();
    if (items === null) return;
    const before = this.missing;
    const calls = items.filter((item) => !isMessage(item));
    const now = new Set(calls.map((item) => item.get('Uniqueid') ?? ''));
    const last = this.#listed;
    const differs = last !== null && (now.size !== last.size || [...now].some((id) => !last.has(id)));
    // Where the PBX does not count, two lists do.
    const time = this.#options.clock.monotonic();
    const unknown = this.#grown && this.#roster.knowsNotAll(now);
    if ((this.inDoubt && differs) || unknown) this.#deafness.miss(time);
    this.#deafness.settle(time);
    [this.#listed, this.#grown] = [now, false];
    this.#roster.listed(now);
    this.#need();
    this.#tellFrom(before);
  }

  /** Lists showed that channels are over whose ends were not told. */
  unended(): void {
    this.#roster.unended();
  }

  /** The user may not list channels: the rights of a later login may be others. */
  refuse(): void {
    this.#refused = true;
    this.#roster.refused();
    this.#need();
    this.#lookOn();
  }

  /** At once: what the counts were before the next call. */
  #lookOn(): void {
    if (!this.#asking) this.#look().catch(() => {});
    this.#later();
  }

  /** By the clock of the PBX. */
  #loggedIn(): number | null {
    const now = this.#options.pbxTime();
    return now === null ? null : now - (this.#options.clock.monotonic() - this.#loggedInAt);
  }

  /** `before`: what was missing before something may have changed it. */
  #tellFrom(before: Unheard | null): void {
    if (this.missing === before) return;
    this.#need();
    this.#options.onChange();
  }

  #need(): void {
    if (this.missing !== null) this.#renewals.need(RENEW_MS);
    else this.#renewals.need(this.#refused ? RENEW_REFUSED_MS : null);
  }

  #later(): void {
    this.#cancel();
    this.#cancel = this.#options.clock.after(LOOK_MS, () => this.#tick());
  }

  #tick(): void {
    const heard = this.#heardSinceTick;
    this.#heardSinceTick = false;
    this.#later();
    const { clock, ping, renew } = this.#options;
    const now = clock.monotonic();
    if (this.#renewals.due()) renew(this.missing === 'all');
    const before = this.missing;
    this.#deafness.settle(now);
    this.#tellFrom(before);
    if (!heard && now >= this.#pingAt) {
      this.#pingAt = now + PING_MS;
      ping();
    }
    const due = !heard || now >= this.#lookedAt + BUSY_LOOK_MS;
    if (due && !this.#asking) this.#look().catch(() => {});
  }

  /** True until a list has told whether it is a call. */
  #hasGrown({ total }: Count): boolean {
    if ((total ?? 0) > (this.#total ?? Number.POSITIVE_INFINITY)) this.#grown = true;
    this.#total = total;
    return this.#grown;
  }

  async #look(): Promise<void> {
    const { clock, ask, list } = this.#options;
    this.#asking = true;
    this.#lookedAt = clock.monotonic();
    const sample = this.#roster.sample(this.#lookedAt);
    const count = await ask().finally(() => {
      this.#asking = false;
    });
    // Of another connection the answer does not come.
    if (count === null) return;
    const before = this.missing;
    const now = clock.monotonic();
    // That the number of all grew alone proves no call.
    this.#deafness.look({ live: count.live, total: null }, now);
    const grown = this.#hasGrown(count) && now >= this.#grownListAt + GROWN_MS;
    if (grown) this.#grownListAt = now;
    if ((count.all && this.#roster.counted(sample, count.live)) || grown) list();
    this.#tellFrom(before);
  }
}

function isMessage(packet: AmiPacket): boolean {
  return isOfMessages(packet.get('Channel') ?? '');
}
