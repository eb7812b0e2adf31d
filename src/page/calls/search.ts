/** The search of the list of calls: from the query of an address to what the daemon is asked, and back. */
import type { RequestOf } from '../../../adapters/control/api.ts';
import { CALL_STATUSES, DIRECTIONS } from '../../call/record.ts';
import { PARKED_CODES, SKIPPED_CODES } from '../../delivery/parked/reasons.ts';
import { DELIVERY_STATES, type DeliveryState } from '../../delivery/states.ts';
import type { Daemon } from '../ask.ts';
import { type Search, WAITING } from '../views/calls.ts';
import { answerCalled, NO_SUCH_ANSWER } from './answers.ts';

const isCode = (word: string): boolean => [...PARKED_CODES, ...SKIPPED_CODES].some((code) => code === word);

/** Calls of one page. */
export const PAGE_ROWS = 50;
const WAYS: readonly DeliveryState[] = ['pending', 'sending', 'retrying', 'uncertain'];

export class SearchError extends Error {
  override readonly name = 'SearchError';
}

export function searchOf(query: Readonly<Record<string, string | undefined>>): Search {
  const text = (name: string): string => (query[name] ?? '').trim().slice(0, 200);
  return {
    ...{ number: text('number'), agent: text('agent'), queue: text('queue'), day: text('day') },
    ...{ state: text('state'), status: text('status'), direction: text('direction'), reason: text('reason') },
    ...{ answer: text('answer') },
  };
}

/** The sentence that calls are searched by; `undefined`: by none. Throws `SearchError` when no call waits with it. */
export async function sentenceOf(daemon: Pick<Daemon, 'status'>, { answer }: Search): Promise<string | undefined> {
  if (answer === '') return undefined;
  const found = answerCalled(answer, (await daemon.status()).counts.parkedReasons);
  if (found === null) throw new SearchError(NO_SUCH_ANSWER);
  return found.reason;
}

/** `sentence`: that of the search's answer. Throws `SearchError` with what is wrong. */
export function requestOf(search: Search, cursor: string | undefined, sentence?: string): RequestOf<'calls'> {
  const { number, agent, queue, day, state, status, direction, reason } = search;
  const digits = number.replace(/\D/g, '');
  if (number !== '' && (digits === '' || digits.length > 20))
    throw new SearchError('A number is searched by its last digits, 20 at most, e.g. 3210.');
  const one = <T extends string>(what: string, value: string, known: readonly T[]): T => {
    const found = known.find((word) => word === value);
    if (found === undefined) throw new SearchError(`There is no ${what} "${value}": one of ${known.join(', ')}.`);
    return found;
  };
  return {
    limit: PAGE_ROWS,
    ...(digits === '' ? {} : { number: digits }),
    ...(agent === '' ? {} : { agent }),
    ...(queue === '' ? {} : { queue }),
    ...(day === '' ? {} : { during: dayOf(day) }),
    ...(state === ''
      ? {}
      : { states: state === WAITING ? [...WAYS] : [one('delivery state', state, DELIVERY_STATES)] }),
    ...(status === '' ? {} : { statuses: [one('outcome', status, CALL_STATUSES)] }),
    ...(direction === '' ? {} : { direction: one('direction', direction, DIRECTIONS) }),
    ...(reason === '' ? {} : isCode(reason) ? { code: reason } : { reason }),
    ...(sentence === undefined ? {} : { sentence }),
    ...(cursor === undefined || cursor === '' ? {} : { cursor }),
  };
}

/** From midnight to midnight of the clocks on the wall. */
function dayOf(text: string): { readonly from: number; readonly to: number } {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const from = new Date(Number(year), Number(month) - 1, Number(day));
  const real = year !== '' && from.getMonth() === Number(month) - 1 && from.getTime() >= 0;
  if (!real) throw new SearchError(`"${text}" is no day: it is written 2026-11-25.`);
  return { from: from.getTime(), to: new Date(from.getFullYear(), from.getMonth(), from.getDate() + 1).getTime() };
}

/** The address of the list with this search, without what is empty. */
export function addressOf(search: Search, cursor: string): string {
  const fields = Object.entries({ ...search, cursor }).filter(([, value]) => value !== '');
  return `/calls?${new URLSearchParams(fields)}`;
}
