/**
 * Rows of mod_cdr_csv in the form in which mod_json_cdr would have recorded the legs.
 *
 * A template that names direction, channel and the leg that called (`BEST_TEMPLATE`) needs no more. Those that FreeSWITCH ships tell the
 * caller's number, the last number that was called, the times to the second and one other leg (`bleg_uuid`), which only the caller's row
 * has. The rest is concluded:
 *
 *   it is the leg of                  | when
 *   ----------------------------------|---------------------------------------------------------------------------------------
 *   one that was called               | another row names it as its `bleg_uuid`; or it names none, and a row that began before it
 *                                     | and ended after it shows the same caller, or called the same number
 *   a phone that called               | else, its caller number is as short as an extension
 *   a caller from outside             | else
 *
 * What cannot be told so: the number that was dialled once the dialplan has transferred the call to an extension; who talked before a
 * transfer; which of two calls of one number at the same time rang a phone; the gateway; the file of a recording; a queue, a conference.
 * With `legs` a, as FreeSWITCH ships it, phones that were rung in vain have no rows at all.
 */

import type { ChannelId } from '../../../../src/telephony/call-event.ts';
import { isExtensionLike, isNetworkLike } from '../../../../src/telephony/digits.ts';
import type { CsvRow } from './row.ts';

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
  /** Of several that name a leg the one that began last called it; the others were put through to it, and come first here. */
  readonly #namedBy = new Map<ChannelId, readonly CsvRow[]>();
  #position = 0;

  take(row: CsvRow): void {
    this.#held.push(row);
    this.#position = Math.max(this.#position, row.endedAt);
    const named = row.variables.bleg_uuid ?? '';
    if (named === '') return;
    const others = this.#namedBy.get(named) ?? [];
    this.#namedBy.set(
      named,
      [...others, row].sort((a, b) => a.startedAt - b.startedAt),
    );
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
    return by === null ? this.#bodyOfCaller(row) : bodyOfCalled(row, by, this.#putThroughTo(row));
  }

  /** The row that called it, by name or by conclusion. */
  #callerOf(row: CsvRow): ChannelId | null {
    const named = this.#namedBy.get(row.id)?.at(-1);
    if (named !== undefined) return named.id;
    if ((row.variables.bleg_uuid ?? '') !== '') return null;
    const callers = this.#near(row).filter((one) => !this.#namedBy.has(one.id) && mayHaveCalled(one, row));
    // Legs that were called together with it lie within the same call.
    const [outer] = callers.filter((one) => !callers.some((other) => other !== one && mayHaveCalled(other, one)));
    return (outer ?? callers[0])?.id ?? null;
  }

  /** Rows written about when this one was, or later. */
  #near(row: CsvRow): CsvRow[] {
    return [...this.#gone, ...this.#held].filter(
      (one) => one.id !== row.id && one.endedAt >= row.endedAt - TOGETHER_MS,
    );
  }

  /** Who was put through to the leg when the one that called it left, as an attended transfer does. */
  #putThroughTo(row: CsvRow) {
    const named = this.#namedBy.get(row.id) ?? [];
    const [first, dialler] = [named[0], named.at(-1)];
    if (first === undefined || dialler === undefined || first === dialler) return null;
    return dialler.endedAt < row.endedAt ? { id: first.id, since: dialler.endedAt } : null;
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
    const dialler = this.#namedBy.get(partner)?.at(-1) ?? row;
    const tried = row.answeredAt === null && called.length === 0 && variables.hangup_cause !== 'NO_ROUTE_DESTINATION';
    const rang = tried && (phone ? isNetworkLike(number) || isExtensionLike(number) : isExtensionLike(number));
    const legs = dialler !== row ? '' : partner !== '' ? partner : rang ? `${row.id}~${number}` : '';
    const cause = variables.hangup_cause === 'NORMAL_CLEARING' ? 'NO_ANSWER' : variables.hangup_cause;
    // After click-to-call a phone that was called first shows itself, as does the phone of an agent that fifo called.
    const first = phone && number === caller && named !== '';
    if (first) return bodyOfFirst(row, named, answered);
    return bodyWith(row, {
      direction: 'inbound',
      channel_name: variables.channel_name ?? (phone ? `sofia/internal/${caller}` : `sofia/external/${caller}`),
      ...(phone ? { sip_auth_username: caller } : {}),
      bridge_uuid: partner,
      bridge_uepoch: partner === '' ? '0' : micros(dialler === row ? answered : Math.min(dialler.endedAt, row.endedAt)),
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
  // Of two legs that began and ended together, the one that was called had no sound.
  const same = caller.startedAt === row.startedAt && caller.endedAt === row.endedAt;
  if (same && !isCaller(caller)) return false;
  const [a, b] = [caller.variables, row.variables];
  const number = b.destination_number ?? '';
  const sameCaller = a.caller_id_number === b.caller_id_number && a.caller_id_name === b.caller_id_name;
  const outward = isNetworkLike(number) && number === a.destination_number && isExtensionLike(a.caller_id_number ?? '');
  return outward || (sameCaller && isExtensionLike(number));
}

/** True for a leg that had sound before anybody answered, that names another one, or that dialled a number from outside. */
function isCaller({ variables }: CsvRow): boolean {
  const named = (variables.bleg_uuid ?? '') !== '';
  return named || (variables.read_codec ?? '') !== '' || isNetworkLike(variables.destination_number ?? '');
}

/** A phone that the PBX called by itself, and connected with `partner` then; whom that is, the row of `partner` tells. */
function bodyOfFirst(row: CsvRow, partner: ChannelId, bridgedAt: number | null): unknown {
  const phone = row.variables.caller_id_number ?? '';
  return bodyWith(row, {
    direction: 'outbound',
    channel_name: row.variables.channel_name ?? `sofia/internal/${phone}`,
    dialed_user: phone,
    bridge_uuid: partner,
    bridge_uepoch: micros(bridgedAt),
    dialled: phone,
    context: row.variables.context ?? '',
  });
}

function bodyOfCalled(
  row: CsvRow,
  by: ChannelId,
  other: { readonly id: ChannelId; readonly since: number } | null,
): unknown {
  const { variables } = row;
  const number = variables.destination_number ?? '';
  const phone = isExtensionLike(number);
  return bodyWith(row, {
    direction: 'outbound',
    channel_name: variables.channel_name ?? (phone ? `sofia/internal/${number}` : `sofia/external/${number}`),
    originating_leg_uuid: by,
    ...(phone ? { dialed_user: number } : {}),
    bridge_uuid: row.answeredAt === null ? '' : (other?.id ?? by),
    bridge_uepoch: micros(other?.since ?? row.answeredAt),
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
  const { caller_id_number: shown, caller_id_name: name, direction, sip_from_user: from = '' } = row.variables;
  // Transfers and pickups change the number that is shown, but not the address that the caller came with.
  const number = direction === 'inbound' && isNetworkLike(from) ? from : shown;
  return {
    // A plus is what URL-encoding would not have left: nothing in a CSV file is encoded.
    variables: { ...row.variables, hangup_cause_q850: q850Of(row), ...rest, ...times, uuid: row.id, plain: '+' },
    callflow: [
      { caller_profile: { caller_id_number: number, caller_id_name: name, destination_number: dialled, context } },
    ],
  };
}

/** Numbers of causes that a line without `hangup_cause_q850` names (`switch_cause_t`). */
const Q850: Readonly<Record<string, string>> = {
  UNALLOCATED_NUMBER: '1',
  NO_ROUTE_DESTINATION: '3',
  NORMAL_CLEARING: '16',
  USER_BUSY: '17',
  NO_USER_RESPONSE: '18',
  NO_ANSWER: '19',
  SUBSCRIBER_ABSENT: '20',
  CALL_REJECTED: '21',
  DESTINATION_OUT_OF_ORDER: '27',
  INVALID_NUMBER_FORMAT: '28',
  NORMAL_UNSPECIFIED: '31',
  NORMAL_CIRCUIT_CONGESTION: '34',
  NETWORK_OUT_OF_ORDER: '38',
  NORMAL_TEMPORARY_FAILURE: '41',
  SWITCH_CONGESTION: '42',
  INCOMPATIBLE_DESTINATION: '88',
};

function q850Of({ variables }: CsvRow): string {
  return variables.hangup_cause_q850 ?? Q850[variables.hangup_cause ?? ''] ?? '16';
}

function micros(ms: number | null): string {
  return ms === null ? '0' : String(Math.round(ms * 1000));
}
