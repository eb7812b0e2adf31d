/**
 * Whether the AMI user hears of calls. AMI tells nobody which events he may read, and sends a user without the class `call`, or behind
 * a filter that lets nothing through, nothing at all. What gives it away: `CoreStatus` counts channels and calls of which no event came.
 * It needs the right to write `system` or `reporting`, as the list of channels does.
 *
 * It is asked only while no event of a call comes. Both counts are of Asterisk's main/manager.c: `CoreCurrentCalls` are the channels
 * that live, hidden ones of conferences among them, and `CoreProcessedCalls`, since Asterisk 20, the calls that ran a dialplan.
 *
 * A filter may hold back single events: what is told then is which of the two that every channel has.
 */
import { Deafness, type Look } from '../../../src/link/deafness.ts';
import type { Clock, Unheard } from '../../../src/ports.ts';
import type { AmiPacket } from '../link/packet.ts';
import { Renewals } from './renewals.ts';

/** Events that every call has, whatever is filtered. */
const CALL_EVENTS = new Set(['Newchannel', 'Newstate', 'Hangup', 'BridgeEnter', 'BridgeLeave', 'DialBegin', 'DialEnd']);

/** Between looks, ms. */
const LOOK_MS = 3_000;
/** For so long an event may be on its way: a look further, ms. */
const PATIENCE_MS = 2_500;
/** As often the PBX is asked what its clock shows, ms: a link on which answers come is never silent. */
const PING_MS = 10_000;
/** While events are missing, the login is first done anew after, ms. */
const RENEW_MS = 15_000;
/** The same while only the list is refused, ms: calls are heard meanwhile. */
const RENEW_REFUSED_MS = 60_000;
/** Channels whose beginning was not told, and none whose was: one may be a slip of the link. */
const NAMELESS = 2;
/** Looks in a row without any channel, while some are told to live: the first may have overtaken their ends. */
const GHOST_LOOKS = 2;

export interface HearingOptions {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** `refused`: the user may not ask; `null`: no answer, or one that tells nothing. */
  readonly ask: () => Promise<Look | 'refused' | null>;
  readonly ping: () => void;
  /** Log in anew; `deaf`: nothing comes over the present connection. */
  readonly renew: (deaf: boolean) => void;
  /** List the live channels again. */
  readonly list: () => void;
  readonly onChange: () => void;
}

/** Answers `CoreStatus`; `null` when it counts nothing. */
export function lookOf(answer: AmiPacket): Look | null {
  const count = (header: string): number | null => {
    const text = answer.get(header);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
  };
  const live = count('CoreCurrentCalls');
  return live === null ? null : { live, total: count('CoreProcessedCalls') };
}

export class Hearing {
  readonly #options: HearingOptions;
  readonly #deafness = new Deafness(PATIENCE_MS);
  #partly: Exclude<Unheard, 'all'> | null = null;
  /** Channels that live, as far as they are told: `null` before the first list of the connection. */
  #open: Set<string> | null = null;
  /** The same before that list. */
  readonly #early = new Set<string>();
  #begun = 0;
  #nameless = 0;
  #listed: ReadonlySet<string> | null = null;
  #heardSinceTick = false;
  #everHeard = false;
  #pingAt = 0;
  readonly #renewals: Renewals;
  /** Looks in a row that found no channel, while some are told to live. */
  #ghosts = 0;
  #asking = false;
  #mute = false;
  /** The user may not list channels. */
  #refused = false;
  #cancel: () => void = () => {};

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#renewals = new Renewals(() => options.clock.monotonic());
  }

  /** What is not heard; `null` when nothing is known to be missing. */
  get missing(): Unheard | null {
    return this.#deafness.deaf ? 'all' : this.#partly;
  }

  /** True while nothing has shown on this connection that events of calls come. */
  get inDoubt(): boolean {
    return !this.#everHeard;
  }

  /** Logged in. */
  begin(): void {
    this.#deafness.begin();
    this.#open = null;
    this.#early.clear();
    this.#listed = null;
    [this.#begun, this.#nameless] = [0, 0];
    this.#everHeard = false;
    this.#pingAt = this.#options.clock.monotonic() + PING_MS;
    this.#renewals.rest();
    [this.#ghosts, this.#asking, this.#mute, this.#refused] = [0, false, false, false];
    this.#cancel();
  }

  /** The connection is over. */
  end(): void {
    this.#cancel();
  }

  /** Every event; true for one of a call. */
  see(event: string, packet: AmiPacket): boolean {
    if (event === 'Reload') this.#renewals.hurry();
    if (!CALL_EVENTS.has(event)) return false;
    this.#heardSinceTick = true;
    this.#everHeard = true;
    this.#ghosts = 0;
    const before = this.missing;
    this.#deafness.hear();
    const id = packet.get('Uniqueid') ?? '';
    if (event === 'Newchannel') this.#begins(id);
    else if (event === 'Hangup') this.#ends(id);
    this.#tellFrom(before);
    return true;
  }

  /** The live channels were listed, whole; `null`: so late that nobody held them together. From now on it is looked. */
  list(items: readonly AmiPacket[] | null): void {
    // At once: what the counts were before the next call.
    if (!this.#mute && !this.#asking) this.#look().catch(() => {});
    this.#later();
    if (items === null) return;
    const before = this.missing;
    const now = new Set(items.map((item) => item.get('Uniqueid') ?? ''));
    const last = this.#listed;
    const differs = last !== null && (now.size !== last.size || [...now].some((id) => !last.has(id)));
    // Where the PBX does not count, two lists do.
    if (this.inDoubt && differs) this.#deafness.miss();
    if (this.#ghosts >= GHOST_LOOKS && [...(this.#open ?? [])].some((id) => !now.has(id))) this.#partly = 'ends';
    this.#listed = now;
    this.#open = new Set([...now, ...(this.#open === null ? this.#early : [])]);
    this.#need();
    this.#tellFrom(before);
  }

  /** The user may not list channels, so nor ask for their number: the rights of a later login may be others. */
  refuse(): void {
    [this.#mute, this.#refused] = [true, true];
    this.#need();
    this.#later();
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

  #begins(id: string): void {
    this.#begun += 1;
    this.#nameless = 0;
    (this.#open ?? this.#early).add(id);
    if (this.#partly === 'beginnings') this.#partly = null;
  }

  #ends(id: string): void {
    if (this.#partly === 'ends') this.#partly = null;
    this.#early.delete(id);
    if (this.#open === null || this.#open.delete(id)) return;
    this.#nameless += 1;
    if (this.#begun === 0 && this.#nameless >= NAMELESS) this.#partly = 'beginnings';
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
    if (heard) return;
    if (now >= this.#pingAt) {
      this.#pingAt = now + PING_MS;
      ping();
    }
    if (!this.#asking && !this.#mute) this.#look().catch(() => {});
  }

  async #look(): Promise<void> {
    this.#asking = true;
    const answer = await this.#options.ask().finally(() => {
      this.#asking = false;
    });
    // That the user may not ask is told with the list, which needs the same right.
    if (answer === 'refused') this.#mute = true;
    if (answer === null || answer === 'refused') return;
    const before = this.missing;
    this.#deafness.look(answer, this.#options.clock.monotonic());
    this.#ghosts = answer.live === 0 && (this.#open?.size ?? 0) > 0 ? this.#ghosts + 1 : 0;
    if (this.#ghosts === GHOST_LOOKS) this.#options.list();
    this.#tellFrom(before);
  }
}
