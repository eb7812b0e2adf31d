/** "Send again": one call, or all that wait for the same reason. */
import type { ReplayAnswer, RequestOf } from '../../adapters/control/api.ts';
import { count, length } from '../commands/output.ts';
import { DELIVERY_STATES } from '../delivery/states.ts';
import type { Daemon } from './ask.ts';

/** Pages that one press of a button goes through: 300 calls each. What is left is told. */
const PAGES = 1000;

/** What a button is answered with; `undefined`: it leads back without a word. */
export type Answer = { readonly title: string; readonly text: string } | undefined;

/** `form`: with `id`, or with the code of a `reason` and `state`. */
export async function replay(daemon: Pick<Daemon, 'call'>, form: Readonly<Record<string, string>>): Promise<Answer> {
  const { id, reason, state } = form;
  const states = DELIVERY_STATES.filter((one) => one === state);
  if (id === undefined && (reason === undefined || states.length === 0))
    return { title: 'Nothing to send', text: 'No call was named.' };
  const what =
    id === undefined ? { code: reason, states } : { ids: [...(await daemon.call('find', { ids: [id] })).ids] };
  const request: RequestOf<'replay'> = { ...what, force: false, dryRun: false, samples: 0 };
  let [calls, first, left] = [0, 0, 0];
  let seconds = 0;
  let cursor: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const done: ReplayAnswer = await daemon.call('replay', { ...request, ...(cursor === null ? {} : { cursor }) });
    calls += done.count;
    first += done.checkedFirst;
    left += Object.values(done.leftAlone).reduce((sum, one) => sum + one, 0);
    seconds += done.seconds;
    cursor = done.cursor;
    if (cursor === null) break;
  }
  if (id !== undefined && calls > 0) return undefined;
  const told = [
    `${count(calls, 'call')} will be posted, in about ${length(seconds * 1000)} at the limit of LeadSquared, behind those that come in now.`,
    first === 0 ? '' : `${count(first, 'call')} may have arrived before and will be looked for first.`,
    left === 0 ? '' : `${count(left, 'call')} left alone: on the way already, or delivered.`,
    cursor === null ? '' : 'There are more: press the button again.',
  ];
  return { title: 'Sent again', text: told.filter((line) => line !== '').join(' ') };
}
