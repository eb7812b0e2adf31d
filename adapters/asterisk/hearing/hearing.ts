/**
 * Whether the AMI user hears of calls. AMI tells nobody which events he may read, and sends a user without the class `call`, or behind
 * a filter that lets nothing through, nothing at all. What gives it away are counts of channels and calls (`counts.ts`) of which no event
 * came. They are asked for while no event of a call comes, and now and then while some do: a filter may hold back single events, and
 * what is told then is which of the two that every channel has (`roster.ts`).
 */
import { Deafness } from '../../../src/link/deafness.ts';
import type { Clock, Unheard } from '../../../src/ports.ts';
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
    this.#listed = null;
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
    this.#deafness.hear();
    const id = packet.get('Uniqueid') ?? '';
    if (event === 'Newchannel') this.#roster.begins(id, this.#options.clock.monotonic());
    else if (event === 'Hangup') this.#roster.ends(id, this.#loggedIn());
    this.#tellFrom(before);
  }

  /** The live channels were listed, whole; `null`: so late that nobody held them together. From now on it is looked. */
  list(items: readonly AmiPacket[] | null): void {
    this.#lookOn();
    if (items === null) return;
    const before = this.missing;
    const now = new Set(items.map((item) => item.get('Uniqueid') ?? ''));
    const last = this.#listed;
    const differs = last !== null && (now.size !== last.size || [...now].some((id) => !last.has(id)));
    // Where the PBX does not count, two lists do.
    const time = this.#options.clock.monotonic();
    if (this.inDoubt && differs) this.#deafness.miss(time);
    this.#deafness.settle(time);
    this.#listed = now;
    this.#roster.listed(now);
    this.#need();
    this.#tellFrom(before);
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
    this.#deafness.look(count, clock.monotonic());
    if (count.all && this.#roster.counted(sample, count.live)) list();
    this.#tellFrom(before);
  }
}
