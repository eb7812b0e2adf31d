/** The list of live channels after each login: asked for until it is told whole. */
import type { Clock } from '../../../src/ports.ts';
import { AmiActionError, type AmiList } from '../link/actions.ts';
import type { AmiPacket } from '../link/packet.ts';

/** Actions that list the live channels; the first tells the DID and the bridge too. */
const LISTS = ['Status', 'CoreShowChannels'];
/** The events that end these lists. */
const LIST_ENDS = new Set(LISTS.map((name) => `${name}Complete`));

/** Longest silence within the first, second and third answer, ms. */
const LIST_DEADLINES_MS = [5_000, 10_000, 20_000] as const;

/** With more packets a second than this, Asterisk is busy sending them, and answers when that is done. */
const FLOOD_PER_SECOND = 500;
/** How long a flood is waited out before it is asked again, ms: no flood of a PBX that answers at all lasts three times so long. */
const FLOOD_MS = 120_000;

export interface ListingLink {
  listAction(name: string, fields: readonly [], deadlineMs: number): Promise<AmiList>;
  /** How many events have come so far. */
  packets(): number;
  /** Asked so many times without an answer in time. */
  waiting(times: number): void;
}

/**
 * `listed`: the whole list has come; its items, or `null` when it came after its deadline. `refused`: the user may not ask.
 * `silent`: no answer, asked three times. `cut`: each of the answers lacked a part. `gone`: the connection ended meanwhile.
 */
export type Listing =
  | { readonly kind: 'listed'; readonly items: readonly AmiPacket[] | null }
  | { readonly kind: 'refused' | 'silent' | 'cut' | 'gone' };

export interface Lister {
  /** Asks until there is an answer. One at a time. */
  ask(): Promise<Listing>;
  /** To be told of each event: a list that ends late is a list. */
  see(event: string): void;
  /** The connection is over: an `ask` that waits will not resolve any more. */
  cancel(): void;
}

export function createLister(clock: Clock, link: ListingLink): Lister {
  let told = false;
  let cancelPause = () => {};
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      cancelPause = clock.after(ms, resolve);
    });

  async function once(deadlineMs: number): Promise<Listing | 'late'> {
    for (const action of LISTS) {
      try {
        return { kind: 'listed', items: (await link.listAction(action, [], deadlineMs)).items };
      } catch (error) {
        const failure = error instanceof AmiActionError ? error.failure : 'closed';
        if (failure === 'closed') return { kind: 'gone' };
        if (failure === 'cut') return { kind: 'cut' };
        if (failure === 'timeout') return 'late';
      }
    }
    return { kind: 'refused' };
  }

  /** Waits as long as a flood of events leaves Asterisk no time to answer, but no longer than `FLOOD_MS`. */
  async function floodOver(before: number, ms: number): Promise<void> {
    const until = clock.monotonic() + FLOOD_MS;
    const flood = (from: number, now: number) => (now - from) * 1_000 > FLOOD_PER_SECOND * ms;
    for (let from = before, now = link.packets(); flood(from, now) && !told && clock.monotonic() < until; ) {
      from = now;
      await pause(ms);
      now = link.packets();
    }
  }

  return {
    async ask() {
      told = false;
      let end: Listing = { kind: 'silent' };
      for (const [asked, deadlineMs] of LIST_DEADLINES_MS.entries()) {
        const before = link.packets();
        const answer = await once(deadlineMs);
        if (answer === 'late') {
          link.waiting(asked + 1);
          await floodOver(before, deadlineMs);
        } else if (answer.kind !== 'cut') return answer;
        if (told) return { kind: 'listed', items: null };
        end = answer === 'late' ? { kind: 'silent' } : answer;
      }
      return end;
    },
    see(event) {
      if (LIST_ENDS.has(event)) told = true;
    },
    cancel: () => cancelPause(),
  };
}

/** Said while the answer is waited for. */
export function slowList(source: string, times: number): string {
  const asked = times === 1 ? 'once' : `${times} times`;
  return `Asterisk "${source}" has not listed its live channels, asked ${asked}: calls that ended unheard before this connection are not found until it does. It may be overloaded or stuck.`;
}

/** `why`: what went wrong here with the answer. */
export function oddList(source: string, why: string): string {
  return `The list of live channels of Asterisk "${source}" could not be taken in (${why}); it is asked for again every minute. Please report this.`;
}

export function noList(source: string): string {
  const seconds = LIST_DEADLINES_MS.reduce((sum, ms) => sum + ms, 0) / 1_000;
  return `Asterisk "${source}" did not list its live channels, asked ${LIST_DEADLINES_MS.length} times in ${seconds} s: it may be overloaded or stuck; taking up the link anew.`;
}

export function cutList(source: string): string {
  return `Asterisk "${source}" lists its live channels with some left out: calls that ended unheard before this connection are not found. See the log for the packet that could not be read.`;
}

/** The user may not list channels, nor ask how many there are: the bridges are all that he may count. */
export function noListRights(source: string, username: string): string {
  return `Asterisk "${source}" does not let the AMI user "${username}" list channels: calls that were going on before the connection are not seen, and that events are missing is noticed by calls that are answered alone. Add write = reporting in manager.conf, then asterisk -rx "module reload manager".`;
}
