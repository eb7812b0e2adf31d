/**
 * Calls of which the leg of whoever called was never heard: it was over before the channels were listed again, or the program ended in
 * the middle of the list. The phones that the PBX rang for it show who called.
 */
import { isHidden, toE164 } from '../../telephony/number.ts';
import { type Channel, calledIn } from '../live/state.ts';
import { isOwnNumber } from '../numbering.ts';
import type { SourcePlan } from '../plan.ts';
import type { Talk } from '../record.ts';

/** True where a dial attempt names who dialled, and that channel is none of the call: it has gone, or was never heard. */
export function dialledUnseen(channel: Channel): boolean {
  const known = idsIn(channel);
  return channel.dials.some(({ by }) => by !== null && !known.has(by));
}

/** True where the linked id of the leg names a channel that is none of the call. */
const linkedUnseen = (channel: Channel): boolean => !idsIn(channel).has(channel.facts.linkedId);

const idsIn = ({ call }: Channel): ReadonlySet<string> =>
  new Set([...call.channels].flatMap(({ id, aliases }) => [id, ...aliases]));

/** What the phones of a call tell of its caller, an outside party whose own channel was not heard. */
export interface UnheardCaller {
  /** As the phones were shown it: also a word for a number that is hidden. */
  readonly number: string;
  /** When a phone that was not heard either took the call, ms since the epoch; `null` where nothing tells it. */
  readonly takenAt: number | null;
}

/** `channels`: all of the call; `null` where its caller was heard, and where nobody outside began it. */
export function unheardCaller(plan: SourcePlan, root: Channel, channels: readonly Channel[]): UnheardCaller | null {
  const number = numberShown(plan, root);
  return number === null ? null : { number, takenAt: takenUnheard(channels) };
}

/** The outside number, or the word for a hidden one, that a phone was shown as the caller's, where the caller was not heard; `null` where none is. */
function numberShown(plan: SourcePlan, root: Channel): string | null {
  // What goes on after the call of a caller who was heard is not his any more.
  if (!isCalledPhone(root) || !root.blind || root.carriedOver) return null;
  if (!dialledUnseen(root) && !linkedUnseen(root)) return null;
  const number = root.dials.find(({ presented }) => presented !== null)?.presented ?? root.facts.caller.number;
  if (number === null || number === root.party.ext) return null;
  // Nobody inside hides a number; one that is hidden is none of an extension.
  if (toE164(number, plan.country) === null && !isHidden(number)) return null;
  return isOwnNumber(plan, number) ? null : number;
}

const isCalledPhone = (channel: Channel): boolean => channel.party.side === 'extension' && !calledIn(channel);

/** The phones that the PBX called for the caller: those that answered first, and of these the one that ended last. */
function phonesOf(channels: readonly Channel[]): Channel[] {
  const end = ({ clearedAt }: Channel): number => clearedAt ?? Number.POSITIVE_INFINITY;
  const answered = ({ answeredAt }: Channel): number => (answeredAt === null ? 0 : 1);
  return channels.filter(isCalledPhone).sort((a, b) => answered(b) - answered(a) || end(b) - end(a));
}

/**
 * The phones that rang beside one which took the call lost the race then. FreeSWITCH says so (LOSE_RACE); Asterisk's Q.850 26 is no
 * proof, since `Dial` with the option `c` gives it to a call that nobody took, too. `null` also where a phone that was heard answered.
 */
function takenUnheard(channels: readonly Channel[]): number | null {
  const phones = phonesOf(channels);
  if (phones.some(({ answeredAt }) => answeredAt !== null)) return null;
  const told = phones.filter((one) => one.dials.at(-1)?.result === 'elsewhere');
  const times = told.flatMap(({ clearedAt }) => (clearedAt === null ? [] : [clearedAt]));
  return times.length === 0 ? null : Math.min(...times);
}

/** The phone whose end is nearest to that of the caller. */
export const nearestToCaller = (channels: readonly Channel[]): Channel | undefined => phonesOf(channels)[0];

/** A phone that answered talked with the caller until it was over: there was nobody else. `until`: ms since the epoch, for one that goes on. */
export function talksUnheard(channels: readonly Channel[], until: number): Talk[] {
  return phonesOf(channels)
    .flatMap(({ party: { ext }, answeredAt, clearedAt }) =>
      ext === null || answeredAt === null ? [] : [{ ext, from: answeredAt, to: clearedAt ?? until }],
    )
    .sort((a, b) => a.from - b.from);
}
