/**
 * Where a delivery can be: its state, which an operator sees, and its step, which is done next (`-`: nothing).
 *
 *   state      step      event         -> state      step      meaning
 *   pending    look-up   found         -> pending    post      lead and user are known
 *   pending    post      begun         -> sending    post      the intent is durable; bytes may leave from here on
 *   retrying   ...       (as pending)                           it failed before and goes behind the others
 *   pending    look-up   filtered      -> skipped    -         a filter or policy says that this call is not to be posted
 *   pending    look-up   unresolvable  -> parked     -         policy asks for a lead or user and there is none
 *   pending    look-up   failed        -> retrying   look-up
 *   pending    any       exhausted     -> parked     -         failed by itself, and often enough
 *   any        any       put-off       -> (the same)           no fault of this call (rate, account, outage); costs no attempt;
 *                                                             of one that is sending it is called refused
 *   pending    any       changed       -> (same)     look-up   the facts of the call changed before the post
 *   pending    any       doubtful      -> uncertain  check     the database was taken back: it may have been posted since
 *   sending    post      accepted      -> delivered  - or update, when facts changed meanwhile
 *   sending    post      rejected      -> parked     -         the CRM refuses this very call
 *   sending    post      refused       -> pending    post      rate limit, or the whole account is denied; costs no attempt
 *   sending    post      released      -> pending    post      stopped before the first byte left
 *   sending    post      failed        -> retrying   post      surely not done
 *   sending    post      exhausted     -> parked     -         surely not done, and tried often enough
 *   sending    post      doubtful      -> uncertain  check     time-out, reset, 5xx, crash: done or not done
 *   uncertain  check     landed        -> delivered  - or update
 *   uncertain  check     absent        -> retrying   post      looked for and not there (or policy `resend`)
 *   uncertain  check     unposted      -> pending    look-up   not there, and no post was ever begun here
 *   uncertain  check     exhausted     -> parked     -         not there, and posted often enough
 *   uncertain  check     held          -> parked     -         policy `hold`, or the CRM cannot be asked about this call
 *   uncertain  check     failed        -> uncertain  check     the CRM could not be asked just now
 *   delivered  -         changed       -> delivered  update    a recording or another late fact came
 *   delivered  update    updated       -> delivered  -         the CRM has it, or there was nothing to tell
 *   delivered  update    failed        -> delivered  update
 *   delivered  update    exhausted     -> delivered  -         tried often enough; the reason stays with the row
 *   parked     -         replayed      -> pending    look-up   an operator sends it again
 *   parked     -         rechecked     -> uncertain  check     the same, and an earlier post may have landed
 *   skipped    -         changed       -> pending    look-up   with newer facts the rules are asked again
 *   skipped    -         replayed      -> pending    look-up
 *   skipped    -         rechecked     -> uncertain  check     the same, after the database was taken back
 *   delivered  any       replayed      -> pending    look-up   only with force: makes a second call log
 *
 * So a call whose lookup times out is `retrying`: it goes behind the others, waits 5 s, 10 s, 20 s ... up to half an hour, and after
 * ten lookups that were its own fault (`settle.ts`: the CRM worked for others) it is `parked` with the reason. While the CRM works
 * for nobody (`health.ts`) nothing is counted, and it waits with all the others.
 */

/** One thing that is done for a row. */
export type Step = 'look-up' | 'post' | 'check' | 'update';

export const STEPS: readonly Step[] = ['look-up', 'post', 'check', 'update'];

export type DeliveryState = 'pending' | 'retrying' | 'sending' | 'uncertain' | 'delivered' | 'parked' | 'skipped';

export const DELIVERY_STATES: readonly DeliveryState[] = [
  'pending',
  'retrying',
  'sending',
  'uncertain',
  'delivered',
  'parked',
  'skipped',
];

export type DeliveryEvent =
  | 'found'
  | 'begun'
  | 'filtered'
  | 'unresolvable'
  | 'put-off'
  | 'changed'
  | 'accepted'
  | 'rejected'
  | 'refused'
  | 'released'
  | 'failed'
  | 'exhausted'
  | 'doubtful'
  | 'landed'
  | 'absent'
  | 'unposted'
  | 'held'
  | 'updated'
  | 'replayed'
  | 'rechecked';

export interface Position {
  readonly state: DeliveryState;
  readonly step: Step | null;
}

type Ways = Readonly<Partial<Record<DeliveryEvent, Position>>>;

const at = (state: DeliveryState, step: Step | null = null): Position => ({ state, step });

/** A row on its way to the post; `state`: pending, or retrying after a failure. */
const lookingUp = (state: DeliveryState): Ways => ({
  found: at('pending', 'post'),
  filtered: at('skipped'),
  unresolvable: at('parked'),
  failed: at('retrying', 'look-up'),
  exhausted: at('parked'),
  doubtful: at('uncertain', 'check'),
  'put-off': at(state, 'look-up'),
  changed: at(state, 'look-up'),
});

const posting = (state: DeliveryState): Ways => ({
  begun: at('sending', 'post'),
  changed: at(state, 'look-up'),
  'put-off': at(state, 'post'),
  failed: at('retrying', 'post'),
  rejected: at('parked'),
  exhausted: at('parked'),
  doubtful: at('uncertain', 'check'),
});

/** Every position and every way from it. */
export const TRANSITIONS: Readonly<Record<string, Ways>> = {
  'pending look-up': lookingUp('pending'),
  'retrying look-up': lookingUp('retrying'),
  'pending post': posting('pending'),
  'retrying post': posting('retrying'),
  'sending post': {
    accepted: at('delivered'),
    rejected: at('parked'),
    refused: at('pending', 'post'),
    released: at('pending', 'post'),
    failed: at('retrying', 'post'),
    exhausted: at('parked'),
    doubtful: at('uncertain', 'check'),
  },
  'uncertain check': {
    landed: at('delivered'),
    absent: at('retrying', 'post'),
    unposted: at('pending', 'look-up'),
    exhausted: at('parked'),
    held: at('parked'),
    failed: at('uncertain', 'check'),
    'put-off': at('uncertain', 'check'),
  },
  'delivered -': { changed: at('delivered', 'update'), replayed: at('pending', 'look-up') },
  'delivered update': {
    changed: at('delivered', 'update'),
    updated: at('delivered'),
    failed: at('delivered', 'update'),
    exhausted: at('delivered'),
    'put-off': at('delivered', 'update'),
    replayed: at('pending', 'look-up'),
  },
  'parked -': { replayed: at('pending', 'look-up'), rechecked: at('uncertain', 'check') },
  // With newer facts the rules may have it posted: they are asked again.
  'skipped -': {
    changed: at('pending', 'look-up'),
    replayed: at('pending', 'look-up'),
    rechecked: at('uncertain', 'check'),
  },
};

/** What follows. Throws on a way the table does not have: that is a defect of the program, not of the call. */
export function next({ state, step }: Position, event: DeliveryEvent): Position {
  const to = TRANSITIONS[`${state} ${step ?? '-'}`]?.[event];
  if (to === undefined) {
    throw new Error(
      `A delivery in state "${state}", step "${step ?? 'none'}", cannot be "${event}"; this is a defect.`,
    );
  }
  return to;
}

/** Where a change of its facts takes a row; `null`: nowhere, the step under way will see the new facts. */
export function afterChange(position: Position): Position | null {
  return TRANSITIONS[`${position.state} ${position.step ?? '-'}`]?.changed ?? null;
}

/** Nothing more happens to the post of such a row by itself. */
export function isFinal(state: DeliveryState): boolean {
  return state === 'delivered' || state === 'parked' || state === 'skipped';
}
