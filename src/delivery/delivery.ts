/**
 * The states of one delivery, and every way from one to another. The order of the table is the way of a healthy call.
 *
 *   state      event         -> state       meaning
 *   pending    claimed       -> resolving   the loop took the row
 *   retrying   claimed       -> resolving   its waiting time is over
 *   resolving  begun         -> sending     the intent is durable; bytes may leave from here on
 *   resolving  filtered      -> skipped     a filter or policy says that this call is not to be posted
 *   resolving  unresolvable  -> parked      policy asks for a lead or user and there is none
 *   resolving  deferred      -> retrying    a lookup found no CRM; costs no attempt
 *   resolving  released      -> pending     stop, pause, restart, or the call changed meanwhile
 *   sending    accepted      -> delivered
 *   sending    rejected      -> parked      the CRM refuses this very call
 *   sending    refused       -> pending     rate limit, or the whole account is denied; costs no attempt
 *   sending    released      -> pending     stopped before the first byte left
 *   sending    failed        -> retrying    surely not done
 *   sending    exhausted     -> parked      surely not done, and tried often enough
 *   sending    doubtful      -> uncertain   timeout, reset, 5xx, crash: done or not done
 *   uncertain  landed        -> delivered   found in the CRM
 *   uncertain  absent        -> retrying    looked for and not there (or policy `resend`)
 *   uncertain  exhausted     -> parked      not there, and tried often enough
 *   uncertain  held          -> parked      policy `hold`, or the CRM cannot be asked about this call
 *   uncertain  deferred      -> uncertain   the CRM could not be asked just now
 *   parked     replayed      -> pending     an operator sends it again
 *   parked     rechecked     -> uncertain   an operator sends it again, and an earlier post may have landed
 *   skipped    replayed      -> pending
 *   delivered  replayed      -> pending     only with force: makes a second call log
 */
export type DeliveryState =
  | 'pending'
  | 'resolving'
  | 'sending'
  | 'delivered'
  | 'retrying'
  | 'uncertain'
  | 'parked'
  | 'skipped';

export type DeliveryEvent =
  | 'claimed'
  | 'begun'
  | 'filtered'
  | 'unresolvable'
  | 'deferred'
  | 'released'
  | 'accepted'
  | 'rejected'
  | 'refused'
  | 'failed'
  | 'exhausted'
  | 'doubtful'
  | 'landed'
  | 'absent'
  | 'held'
  | 'replayed'
  | 'rechecked';

export const DELIVERY_STATES: readonly DeliveryState[] = [
  'pending',
  'resolving',
  'sending',
  'delivered',
  'retrying',
  'uncertain',
  'parked',
  'skipped',
];

export const TRANSITIONS: Readonly<Record<DeliveryState, Readonly<Partial<Record<DeliveryEvent, DeliveryState>>>>> = {
  pending: { claimed: 'resolving' },
  retrying: { claimed: 'resolving' },
  resolving: {
    begun: 'sending',
    filtered: 'skipped',
    unresolvable: 'parked',
    deferred: 'retrying',
    released: 'pending',
  },
  sending: {
    accepted: 'delivered',
    rejected: 'parked',
    refused: 'pending',
    released: 'pending',
    failed: 'retrying',
    exhausted: 'parked',
    doubtful: 'uncertain',
  },
  uncertain: { landed: 'delivered', absent: 'retrying', exhausted: 'parked', held: 'parked', deferred: 'uncertain' },
  parked: { replayed: 'pending', rechecked: 'uncertain' },
  skipped: { replayed: 'pending' },
  delivered: { replayed: 'pending' },
};

/** The state that follows. Throws on a way the table does not have: that is a defect of the program, not of the call. */
export function next(state: DeliveryState, event: DeliveryEvent): DeliveryState {
  const to = TRANSITIONS[state][event];
  if (to === undefined) throw new Error(`A delivery in state "${state}" cannot be "${event}"; this is a defect.`);
  return to;
}

/** Nothing more happens to such a row by itself. */
export function isFinal(state: DeliveryState): boolean {
  return state === 'delivered' || state === 'parked' || state === 'skipped';
}
