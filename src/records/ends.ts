/** The ends of calls of which the PBX's records tell none. */
import { overBy, type Unended, unendedIn, unheardEnd } from '../call/cdr/unended.ts';
import type { CallRecord } from '../call/record.ts';
import type { CallEvent } from '../telephony/call-event.ts';
import { type PbxTime, shiftOfCalls } from './pbx-time.ts';

export interface EndsOptions {
  readonly source: string;
  /** True for a channel of a call that is going on. */
  readonly isOpen: (channel: string) => boolean;
  /** The stored calls with one of these ids. */
  readonly stored: (ids: readonly string[]) => Promise<readonly CallRecord[]>;
  /** When the PBX listed all of its channels, ms since the epoch, on our clock; those before `since` are left out. */
  readonly lists: (since: number) => Promise<readonly number[]>;
  readonly time: PbxTime;
}

export interface Ends {
  /** One for each channel that is over without a recorded end. */
  readonly events: readonly CallEvent[];
  /** Calls of which nothing tells that they are over. */
  readonly endless: number;
}

/**
 * What is known of the ends that `events`, on the clock of the calls, do not tell. A call that is stored was over when that says it was;
 * any other channel, when the PBX listed its channels for the first time after the last thing that is recorded of it, as those that lived
 * then are open or stored.
 */
export async function unheardEnds(events: readonly CallEvent[], options: EndsOptions): Promise<Ends> {
  const { source, isOpen, time } = options;
  const all = unendedIn(events);
  const open = new Set(all.filter(({ channel, linkedId }) => isOpen(channel) || isOpen(linkedId)).map(callOf));
  const left = all.filter((one) => !open.has(callOf(one)));
  if (left.length === 0) return { events: [], endless: 0 };
  const sessionIdOf = (id: string): string => `${source}-${id}`;
  const ids = new Set(left.flatMap(({ channel, linkedId }) => [sessionIdOf(linkedId), sessionIdOf(channel)]));
  const stored = new Map((await options.stored([...ids])).map((record) => [record.callSessionId, record]));
  const ahead = shiftOfCalls(time);
  const lists = await options.lists(Math.min(...left.map(({ createdAt }) => createdAt)) - ahead);
  const listed = lists.map((at) => at + ahead);
  const told: CallEvent[] = [];
  const endless = new Set<string>();
  for (const one of left) {
    const call = stored.get(sessionIdOf(one.linkedId)) ?? stored.get(sessionIdOf(one.channel));
    const at = (call === undefined ? null : overBy(one, [overOf(call)])) ?? overBy(one, listed);
    if (at === null) endless.add(callOf(one));
    else told.push(unheardEnd(source, one, at));
  }
  return { events: told, endless: endless.size };
}

const callOf = ({ linkedId }: Unended): string => linkedId;

/** By when a stored call was over. */
function overOf({ endedAt, endBetween }: CallRecord): number {
  return Math.max(endedAt, endBetween?.to ?? endedAt);
}
