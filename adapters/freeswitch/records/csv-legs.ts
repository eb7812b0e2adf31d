/**
 * Rows of mod_cdr_csv in the form in which mod_json_cdr would have recorded the legs.
 *
 * A template that names direction, channel and the leg that called (`BEST_TEMPLATE`) needs no more. Those that FreeSWITCH ships tell the
 * caller's number, the last number that was called, the times to the second and one other leg (`bleg_uuid`), which only the caller's row
 * has. The rest is concluded:
 *
 *   it is the leg of                  | when
 *   ----------------------------------|---------------------------------------------------------------------------------------
 *   one that was called               | another row names it as its `bleg_uuid`; or it names none, and the row of just one call that
 *                                     | began before it and ended after it shows the same caller, or called the same number
 *   a phone that called               | else, its caller number is as short as an extension
 *   a caller from outside             | else
 *
 * What cannot be told so: the number that was dialled once the dialplan has transferred the call to an extension; who talked before a
 * transfer; which of two calls of one number at the same time rang a phone; the gateway; the file of a recording; a queue, a conference.
 * With `legs` a, as FreeSWITCH ships it, phones that were rung in vain have no rows at all.
 */

import type { ChannelId } from '../../../src/telephony/call-event.ts';
import { isExtensionLike, isNetworkLike } from '../../../src/telephony/digits.ts';
import type { CsvRow } from './csv-row.ts';

/** How long a row waits for that of its caller, which ends later, ms. */
export const HOLD_MS = 15 * 60_000;

/** The rows of one call end at the same moment, or a little apart, ms. */
const TOGETHER_MS = 2000;

/** Legs named by rows that have gone; of more, the oldest are forgotten. */
const MOST_NAMED = 20_000;

export class CsvLegs {
  /** In the order in which they were written. */
  #held: CsvRow[] = [];
  /** Rows that have gone, but may be those of a caller of rows that come. */
  #gone: CsvRow[] = [];
  readonly #namedBy = new Map<ChannelId, ChannelId>();
  #position = 0;

  take(row: CsvRow): void {
    this.#held.push(row);
    this.#position = Math.max(this.#position, row.endedAt);
    const named = row.variables.bleg_uuid ?? '';
    if (named === '') return;
    this.#namedBy.set(named, row.id);
    const [oldest] = this.#namedBy.keys();
    if (this.#namedBy.size > MOST_NAMED && oldest !== undefined) this.#namedBy.delete(oldest);
  }

  /** The rows that have waited long enough, or all, with their bodies. */
  *ready(all = false): Iterable<{ readonly row: CsvRow; readonly body: unknown }> {
    for (;;) {
      const [row] = this.#held;
      if (row === undefined) return;
      if (!all && !row.tied && this.#position - row.endedAt < HOLD_MS) return;
      yield { row, body: this.#bodyOf(row) };
      this.#held.shift();
      this.#gone = [...this.#gone.filter((one) => one.endedAt >= row.endedAt - TOGETHER_MS), row];
    }
  }

  #bodyOf(row: CsvRow): unknown {
    if (row.tied) return bodyOfTied(row);
    const by = this.#callerOf(row);
    return by === null ? this.#bodyOfCaller(row) : bodyOfCalled(row, by);
  }

  /** The row that called it, by name or by conclusion. */
  #callerOf(row: CsvRow): ChannelId | null {
    const named = this.#namedBy.get(row.id);
    if (named !== undefined) return named;
    if ((row.variables.bleg_uuid ?? '') !== '') return null;
    const callers = this.#near(row).filter((one) => mayHaveCalled(one, row));
    return callers.length === 1 ? (callers[0]?.id ?? null) : null;
  }

  /** Rows written about when this one was, or later. */
  #near(row: CsvRow): CsvRow[] {
    return [...this.#gone, ...this.#held].filter(
      (one) => one.id !== row.id && one.endedAt >= row.endedAt - TOGETHER_MS,
    );
  }

  #bodyOfCaller(row: CsvRow): unknown {
    const { variables } = row;
    const number = variables.destination_number ?? '';
    const caller = variables.caller_id_number ?? '';
    const phone = isExtensionLike(caller);
    const called = this.#near(row).filter((one) => this.#callerOf(one) === row.id);
    const named = variables.bleg_uuid ?? '';
    // `bridge_channel` is told by the template "asterisk", without the id of that leg.
    const partner = named === '' && (variables.bridge_channel ?? '') !== '' ? `${row.id}~b` : named;
    const answered = called.find((one) => one.id === partner)?.answeredAt ?? row.answeredAt;
    const rang = row.answeredAt === null && called.length === 0 && isExtensionLike(number);
    const legs = partner !== '' ? partner : rang ? `${row.id}~${number}` : '';
    const cause = variables.hangup_cause === 'NORMAL_CLEARING' ? 'NO_ANSWER' : variables.hangup_cause;
    return bodyWith(row, {
      direction: 'inbound',
      channel_name: variables.channel_name ?? (phone ? `sofia/internal/${caller}` : `sofia/external/${caller}`),
      ...(phone ? { sip_auth_username: caller } : {}),
      bridge_uuid: partner,
      bridge_uepoch: partner === '' ? '0' : micros(answered),
      ...(legs === '' ? {} : { originated_legs: `${legs};;${number}` }),
      ...(legs === '' ? {} : { originate_causes: `${legs};${row.answeredAt === null ? cause : 'NONE'}` }),
      // An extension is whom the dialplan has put the call through to; what was dialled before is not told.
      dialled: !phone && isExtensionLike(number) ? '' : number,
      context: phone ? (variables.context ?? '') : 'public',
    });
  }
}

/** True when `row` can be a leg that `caller` called. */
function mayHaveCalled(caller: CsvRow, row: CsvRow): boolean {
  if (caller.startedAt > row.startedAt || caller.endedAt < row.endedAt - TOGETHER_MS) return false;
  // Of two legs that began and ended together, the one that had no sound is the one that was called.
  const sound = ({ variables }: CsvRow) => (variables.read_codec ?? '') !== '';
  if (caller.startedAt === row.startedAt && caller.endedAt === row.endedAt && !sound(caller) && sound(row))
    return false;
  const [a, b] = [caller.variables, row.variables];
  const number = b.destination_number ?? '';
  const sameCaller = a.caller_id_number === b.caller_id_number && a.caller_id_name === b.caller_id_name;
  if (sameCaller) return isExtensionLike(number) || number === a.destination_number;
  return isNetworkLike(number) && number === a.destination_number && isExtensionLike(a.caller_id_number ?? '');
}

function bodyOfCalled(row: CsvRow, by: ChannelId): unknown {
  const { variables } = row;
  const number = variables.destination_number ?? '';
  const phone = isExtensionLike(number);
  return bodyWith(row, {
    direction: 'outbound',
    channel_name: variables.channel_name ?? (phone ? `sofia/internal/${number}` : `sofia/external/${number}`),
    originating_leg_uuid: by,
    ...(phone ? { dialed_user: number } : {}),
    bridge_uuid: row.answeredAt === null ? '' : by,
    bridge_uepoch: micros(row.answeredAt),
    dialled: number,
    context: variables.context ?? '',
  });
}

/** Of a template that tells how legs belong together. */
function bodyOfTied(row: CsvRow): unknown {
  const { variables } = row;
  const number = variables.destination_number ?? '';
  const outbound = variables.direction === 'outbound';
  const loopback = (variables.other_loopback_leg_uuid ?? '') !== '';
  const user = outbound
    ? variables.dialed_user || number
    : variables.sip_from_user || (variables.caller_id_number ?? '');
  const profile = variables.sofia_profile_name || 'internal';
  return bodyWith(row, {
    channel_name:
      variables.channel_name ?? (loopback ? `loopback/${number}-${outbound ? 'a' : 'b'}` : `sofia/${profile}/${user}`),
    bridge_uepoch: variables.bridge_uepoch ?? ((variables.bridge_uuid ?? '') === '' ? '0' : micros(row.answeredAt)),
    dialled: number,
    context: variables.context ?? (outbound || profile !== 'external' ? '' : 'public'),
  });
}

function bodyWith(row: CsvRow, more: Readonly<Record<string, string | undefined>>): unknown {
  const { dialled, context, ...rest } = more;
  const times = {
    start_uepoch: micros(row.startedAt),
    answer_uepoch: micros(row.answeredAt),
    end_uepoch: micros(row.endedAt),
  };
  const { caller_id_number: number, caller_id_name: name } = row.variables;
  return {
    // A plus is what URL-encoding would not have left: nothing in a CSV file is encoded.
    variables: { ...row.variables, ...rest, ...times, uuid: row.id, plain: '+' },
    callflow: [
      { caller_profile: { caller_id_number: number, caller_id_name: name, destination_number: dialled, context } },
    ],
  };
}

function micros(ms: number | null): string {
  return ms === null ? '0' : String(Math.round(ms * 1000));
}
