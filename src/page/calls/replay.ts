/** "Send again": one call, or all that wait for the same reason. */
import type { ReplayAnswer, RequestOf } from '../../../adapters/control/api.ts';
import { count, length } from '../../commands/output.ts';
import { addHeld, type HeldBack, heldIn, heldLines } from '../../delivery/parked/held.ts';
import { remedyOf } from '../../delivery/parked/reasons.ts';
import { DELIVERY_STATES } from '../../delivery/states.ts';
import type { Delivery } from '../../delivery/store.ts';
import type { Daemon } from '../ask.ts';
import { answerCalled, NO_SUCH_ANSWER } from './answers.ts';

/** Pages that one press of a button goes through: 300 calls each. What is left is told. */
const PAGES = 1000;

/** What a button is answered with; `undefined`: it leads back without a word. */
export type Answer =
  | {
      readonly title: string;
      /** May hold telephone numbers. */
      readonly lines: readonly string[];
      /** Nothing was done. */
      readonly idle?: boolean;
    }
  | undefined;

/** What would become of a call whose button is pressed. */
export interface Again {
  /** It would be sent. */
  readonly free: boolean;
  /** As it was looked for in vain: it is posted without another look. */
  readonly force: boolean;
  /** Why it would be left alone. */
  readonly lines: readonly string[];
}

/** `null`: nothing that a button could do. Asks the daemon, as what holds a call back may have been changed since it was held. */
export async function againOf(
  daemon: Pick<Daemon, 'call'>,
  delivery: Pick<Delivery, 'sessionId' | 'state' | 'code'> | null,
): Promise<Again | null> {
  if (delivery === null || (delivery.state !== 'parked' && delivery.state !== 'skipped')) return null;
  const force = delivery.state === 'parked' && remedyOf(delivery.code).oneByOne === true;
  const would = await daemon.call('replay', { ids: [delivery.sessionId], force, dryRun: true, samples: 0 });
  return { free: would.count > 0, force, lines: heldLines(would.heldBack, true) };
}

const UNNAMED = 'No call was named.';

type Form = Readonly<Record<string, string>>;

/** `form`: with `id`, and `force` with the code of its reason; or with the code of a `reason` and `state`, and one `answer` of it. */
export async function replay(daemon: Daemon, form: Form): Promise<Answer> {
  const what = await selected(daemon, form);
  if (typeof what === 'string') return { title: 'Nothing to send', lines: [what], idle: true };
  const request: RequestOf<'replay'> = { force: false, ...what, dryRun: false, samples: 0 };
  const byId = form.id !== undefined;
  const done = await pagesOf(daemon, request);
  if (byId && done.calls > 0 && done.broken === null) return undefined;
  const { calls, first, seconds, more, broken } = done;
  const lines = [
    calls === 0
      ? ''
      : `${count(calls, 'call')} will be posted, in about ${length(seconds * 1000)} at the limit of LeadSquared, behind those that come in now.`,
    first === 0 ? '' : `${count(first, 'call')} may have arrived before and will be looked for first.`,
    ...[...done.left].map(([reason, number]) => `${count(number, 'call')} left alone: ${reason}.`),
    ...heldLines(done.held, byId),
    calls + done.left.size + heldIn(done.held) > 0 ? '' : 'No such call waits any more.',
    broken === null ? '' : `The rest was not looked at: ${broken}`,
    more ? 'There are more: press the button again.' : '',
  ].filter((line) => line !== '');
  return calls === 0 ? { title: 'Nothing is sent again', lines, idle: true } : { title: 'Sent again', lines };
}

/** Which calls are meant; a text: why there are none. */
async function selected(daemon: Daemon, { id, reason, state, force, answer }: Form) {
  if (id !== undefined) {
    // The whole id: as a part of one it could be that of another call, where this one is stored no longer.
    const ids = [id];
    if (force === undefined) return { ids };
    // Only while it still is what the button told of: another press may have posted it since.
    if (remedyOf(force).oneByOne !== true) return UNNAMED;
    return { ids, states: ['parked' as const], code: force, force: true };
  }
  const states = DELIVERY_STATES.filter((one) => one === state);
  if (reason === undefined || states.length === 0) return UNNAMED;
  if (answer === undefined) return { code: reason, states };
  const found = answerCalled(answer, (await daemon.status()).counts.parkedReasons);
  return found === null ? NO_SUCH_ANSWER : { code: reason, states, sentence: found.reason };
}

async function pagesOf(daemon: Pick<Daemon, 'call'>, request: RequestOf<'replay'>) {
  let [calls, first, seconds] = [0, 0, 0];
  let held: HeldBack = {};
  const left = new Map<string, number>();
  let cursor: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    let done: ReplayAnswer;
    try {
      done = await daemon.call('replay', { ...request, ...(cursor === null ? {} : { cursor }) });
    } catch (error) {
      // What was sent before is told all the same.
      if (calls === 0) throw error;
      return {
        calls,
        first,
        seconds,
        held,
        left,
        more: true,
        broken: String(error instanceof Error ? error.message : error),
      };
    }
    calls += done.count;
    first += done.checkedFirst;
    seconds += done.seconds;
    held = addHeld(held, done.heldBack);
    for (const [reason, number] of Object.entries(done.leftAlone)) left.set(reason, (left.get(reason) ?? 0) + number);
    cursor = done.cursor;
    if (cursor === null) break;
  }
  return { calls, first, seconds, held, left, more: cursor !== null, broken: null };
}
