/** `logcalld calls --watch`: calls as they are stored, and what becomes of them, until Ctrl-C. */
import { setTimeout as after } from 'node:timers/promises';
import type { ListedCall, RequestOf } from '../../../adapters/control/api.ts';
import { ControlError } from '../../../adapters/control/refusal.ts';
import { onSignals } from '../../../adapters/host/signals.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import type { DeliveryState } from '../../delivery/states.ts';
import { reachRunning } from '../control.ts';
import { tell } from '../output.ts';
import { placeOf } from '../place.ts';

type Query = Omit<RequestOf<'calls'>, 'limit' | 'cursor' | 'order' | 'last'>;

/** Between two looks, ms. */
const EVERY_MS = 1_000;
/** Calls on their way that are looked at again, the latest of them. */
const FOLLOWED = 100;
const RESTING: readonly (DeliveryState | null)[] = ['delivered', 'parked', 'skipped', null];

/** A call that was shown, and the place before it. */
interface Shown {
  readonly state: DeliveryState | null;
  readonly before: string | null;
}

/**
 * What becomes of a call changes while it is watched: whether it is such is asked of each row that comes. Asked of the daemon, a call would
 * be passed over before it is such, and not be met again.
 */
function comesTo({ states, code, reason }: Query): (row: ListedCall) => boolean {
  const sought = reason?.toLowerCase();
  return (row) =>
    (states === undefined || states.some((state) => state === row.state)) &&
    (code === undefined || (row.code ?? (row.state === 'parked' ? 'other' : null)) === code) &&
    (sought === undefined || row.code === sought || (row.reason ?? '').toLowerCase().includes(sought));
}

/** Begins with the last `limit` that are stored. A daemon that restarts is waited for. */
export async function watch(
  invocation: Invocation,
  terminal: Terminal,
  query: Query,
  limit: number,
  show: (rows: readonly ListedCall[]) => void,
): Promise<number> {
  const daemon = await reachRunning(await placeOf(invocation), 'so no call comes');
  const end = new AbortController();
  const stopListening = onSignals({
    drain: () => end.abort(),
    stopNow: () => process.exit(EXIT.ok),
  });
  const { states: _states, code: _code, reason: _reason, ...facts } = query;
  const isWanted = comesTo(query);
  const known = new Map<string, Shown>();
  let place: string | null = null;
  let away = false;

  const look = async (): Promise<void> => {
    const open = [...known.values()].find(({ state }) => !RESTING.includes(state));
    for (let cursor = open === undefined ? place : open.before, more = true; more; ) {
      const from = cursor === null ? { last: limit } : { cursor };
      const page = await daemon.call('calls', { ...facts, order: 'arrival', limit: FOLLOWED, ...from });
      const news = page.rows.filter((row) => {
        const { state } = row;
        const before = known.get(row.record.callSessionId);
        return isWanted(row) && (before === undefined || (before.state !== state && state !== 'sending'));
      });
      for (const { record, state, cursor: behind } of page.rows) {
        known.set(record.callSessionId, { state, before: known.get(record.callSessionId)?.before ?? cursor });
        cursor = behind;
      }
      if (news.length > 0) show(news);
      if (page.cursor !== null) cursor = page.cursor;
      more = page.more;
      if (!more) place = cursor;
    }
    for (const id of known.keys()) {
      if (known.size <= FOLLOWED) break;
      known.delete(id);
    }
  };

  try {
    while (!end.signal.aborted && terminal.gone !== true) {
      try {
        await look();
        if (away) tell(terminal, 'logcalld answers again.');
        away = false;
      } catch (error) {
        // What was asked is wrong, and stays so.
        if (error instanceof ControlError && error.status < 500) throw error;
        if (!away) tell(terminal, 'logcalld does not answer: waiting until it does. Ctrl-C ends this.');
        away = true;
      }
      await after(EVERY_MS, undefined, { signal: end.signal }).catch(() => {});
    }
    return EXIT.ok;
  } finally {
    stopListening();
  }
}
