/** Which calls are meant: the options that `calls list` and `replay` share. */
import { nearest } from '../../../config/problem.ts';
import type { CallStatus, Direction } from '../../call/record.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { parseAt, parseSpan } from '../../cli/when.ts';
import { PARKED_CODES, SKIPPED_CODES } from '../../delivery/parked/reasons.ts';
import { DELIVERY_STATES, type DeliveryState } from '../../delivery/states.ts';

export interface Selection {
  readonly since?: number;
  readonly until?: number;
  readonly states?: DeliveryState[];
  readonly source?: string;
  readonly number?: string;
  readonly code?: string;
  readonly reason?: string;
}

/** `now`: ms since the epoch, for times such as `2h`. Throws `UsageError`. */
export function selectionOf(invocation: Invocation, now: number): Selection {
  const states = invocation
    .values('state')
    .flatMap((words) => words.split(','))
    .map(stateOf);
  const source = invocation.value('source');
  const number = invocation.value('number');
  const reason = invocation.value('reason');
  // Only these have one.
  if (reason !== null && states.length === 0) states.push('parked', 'skipped');
  const given = { since: invocation.value('since'), until: invocation.value('until') };
  const span = parseSpan(given, now, invocation.flag('utc'));
  return {
    ...span,
    ...(states.length === 0 ? {} : { states }),
    ...(source === null ? {} : { source }),
    ...(number === null ? {} : { number: endOf(number) }),
    ...(reason === null ? {} : reasonOf(reason)),
  };
}

/** Besides: whose calls, when and how they went. */
export interface CallsWanted extends Selection {
  readonly direction?: Direction;
  readonly statuses?: CallStatus[];
  readonly during?: { readonly from: number; readonly to: number };
  readonly agent?: string;
  readonly user?: string;
  readonly queue?: string;
}

/** As `selectionOf`. */
export function callsWanted(invocation: Invocation, now: number): CallsWanted {
  const text = (name: 'agent' | 'user' | 'queue') => {
    const given = invocation.value(name);
    return given === null ? {} : { [name]: given };
  };
  const direction = invocation.value('direction');
  const at = invocation.value('at');
  const statuses = invocation
    .values('status')
    .flatMap((words) => words.split(','))
    .map(statusOf);
  const selection = selectionOf(invocation, now);
  if (at !== null && (selection.since !== undefined || selection.until !== undefined))
    throw new UsageError('--at is a time of its own: leave --since and --until out.', '--at 10:02');
  return {
    ...selection,
    ...(direction === null ? {} : { direction: directionOf(direction) }),
    ...(statuses.length === 0 ? {} : { statuses }),
    ...(at === null ? {} : { during: parseAt('--at', at, now, invocation.flag('utc')) }),
    ...{ ...text('agent'), ...text('user'), ...text('queue') },
  };
}

export function directionOf(word: string): Direction {
  const found = (['Inbound', 'Outbound', 'Internal'] as const).find((one) => one.toLowerCase() === word.toLowerCase());
  if (found !== undefined) return found;
  throw new UsageError(`There is no direction ${word}.`, '--direction inbound, outbound or internal');
}

export function wholeNumber(option: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new UsageError(`${option} ${text} is no whole number from 1 to ${max}.`, `${option} ${Math.min(50, max)}`);
}

/** The type names all of them: one that is added there is missing here. */
const STATUSES = Object.keys({
  Answered: null,
  Abandoned: null,
  Missed: null,
  Busy: null,
  Voicemail: null,
  NoAnswer: null,
  Cancelled: null,
  Failed: null,
} satisfies Record<CallStatus, null>) as CallStatus[];

/** `no-answer` is as good as `NoAnswer`. */
function statusOf(word: string): CallStatus {
  const found = findStatus(word);
  if (found !== undefined) return found;
  const other = findState(word);
  const guess = other ?? nearest(word, STATUSES);
  throw new UsageError(
    `There is no call status ${word}.`,
    guess === null ? `--status with one of: ${STATUSES.join(', ')}` : `--${other ? 'state' : 'status'} ${guess}`,
  );
}

const findStatus = (word: string): CallStatus | undefined =>
  STATUSES.find((status) => status.toLowerCase() === word.replaceAll(/[\s_-]/g, '').toLowerCase());

function stateOf(word: string): DeliveryState {
  const found = findState(word);
  if (found !== undefined) return found;
  const other = findStatus(word);
  const guess = other ?? nearest(word, DELIVERY_STATES);
  throw new UsageError(
    `There is no delivery state ${word}.`,
    guess === null ? `--state with one of: ${DELIVERY_STATES.join(', ')}` : `--${other ? 'status' : 'state'} ${guess}`,
  );
}

const findState = (word: string): DeliveryState | undefined =>
  DELIVERY_STATES.find((state) => state === word.trim().toLowerCase());

const CODES: readonly string[] = [...PARKED_CODES, ...SKIPPED_CODES];

/** A code, which means itself alone, else a piece of a sentence. A code that is written wrong would be found in none. */
function reasonOf(text: string): Pick<Selection, 'code' | 'reason'> {
  const word = text.trim().toLowerCase();
  if (word === '' || word.length > 200) throw new UsageError('--reason has no text to look for.', '--reason no-user');
  if (CODES.includes(word)) return { code: word };
  const guess = word.includes('-') ? nearest(word, CODES) : null;
  if (guess !== null) throw new UsageError(`There is no reason ${text}.`, `--reason ${guess}`);
  return { reason: word };
}

/** The digits that a stored number may end with: a leading 0 of national writing is not part of it. */
export function endOf(number: string): string {
  const digits = number.replace(/\D/g, '').replace(/^0+/, '');
  if (digits !== '' && digits.length <= 20) return digits;
  throw new UsageError(`--number ${number} has no digits to look for.`, '--number 2345');
}
