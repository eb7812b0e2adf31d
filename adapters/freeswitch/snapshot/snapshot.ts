/** The live channels as FreeSWITCH lists them after a (re)connect. */
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { historyOf, known, otherHalf, timeOf } from '../events/channel.ts';
import { bootOf } from '../events/normalise.ts';
import type { EslEvent } from '../link/event.ts';

/** One live channel from `uuid_dump <uuid> json`, whose headers are those of an event. `receivedAt`: ms since the epoch. */
export function snapshotEvents(dump: EslEvent, source: string, receivedAt: number): CallEvent[] {
  const channel = known(dump.get('Unique-ID'));
  if (channel === null) return [];
  const stamp = { source, receivedAt, at: timeOf(dump, 'Event-Date-Timestamp') ?? receivedAt };
  const { facts, createdAt, answeredAt, bridge, bridgedAt } = historyOf(dump);
  const answered = answeredAt !== null;
  const talking = isTalking(dump);
  const events: CallEvent[] = [
    {
      ...stamp,
      kind: 'snapshot-channel',
      channel,
      facts,
      createdAt,
      told: true,
      answered,
      answeredAt,
      bridge: talking ? bridge : null,
      bridgedAt,
      ...bootOf(dump),
    },
  ];
  const other = otherHalf(dump);
  if (other !== null) events.push({ ...stamp, kind: 'wired', channel, other });
  const queue = known(dump.get('variable_cc_queue'));
  if (queue !== null && dump.get('variable_cc_side') === 'member') {
    events.push({ ...stamp, kind: 'queued', channel, queue });
  }
  const room = known(dump.get('variable_conference_uuid'));
  if (room !== null && dump.get('variable_current_application') === 'conference') {
    events.push({ ...stamp, kind: 'bridge-entered', channel, bridge: room, bridgeKind: 'conference' });
  }
  return events;
}

/** `bridge_uuid` keeps naming the last partner after the bridge is over; `signal_bond` names the present one. */
function isTalking(dump: EslEvent): boolean {
  const bond = known(dump.get('variable_signal_bond'));
  return bond !== null && bond === known(dump.get('variable_bridge_uuid'));
}

/**
 * One row of `show channels as json`: enough to know that the channel lives, and what `uuid_dump` would say better.
 * `null` when it is no row of that list.
 */
export function rowEvent(row: EslEvent, source: string, receivedAt: number): CallEvent | null {
  const channel = known(row.get('uuid'));
  const name = known(row.get('name'));
  if (channel === null || name === null || row.get('callstate') === undefined) return null;
  const seconds = Number(row.get('created_epoch'));
  const { facts } = historyOf(asEvent(row, channel, name));
  // Only whole seconds are told: the middle of the second is nearest, as long as it is over. The clock of FreeSWITCH may be another.
  const middle = seconds * 1000 + 500;
  const early = middle > receivedAt && middle <= receivedAt + 500;
  const createdAt = seconds > 0 ? (early ? receivedAt : middle) : null;
  return {
    kind: 'snapshot-channel',
    source,
    at: receivedAt,
    receivedAt,
    channel,
    facts: { ...facts, linkedId: known(row.get('call_uuid')) ?? channel },
    createdAt,
    answered: row.get('callstate') === 'ACTIVE' || row.get('callstate') === 'HELD',
    answeredAt: null,
    bridge: null,
  };
}

/** The columns of the list under the names that events use. */
function asEvent(row: EslEvent, channel: string, name: string): EslEvent {
  const headers: Readonly<Record<string, string | undefined>> = {
    'Unique-ID': channel,
    'Channel-Name': name,
    'Call-Direction': row.get('direction'),
    'Caller-Caller-ID-Number': row.get('initial_cid_num'),
    'Caller-Caller-ID-Name': row.get('initial_cid_name'),
    'Caller-Destination-Number': row.get('initial_dest'),
    'Caller-Context': row.get('initial_context'),
  };
  const get = (header: string) => (Object.hasOwn(headers, header) ? headers[header] : undefined);
  return {
    name: '',
    get,
    list: (header) => [get(header)].flatMap((value) => value ?? []),
    names: () => Object.keys(headers),
  };
}

/** Rows of a `show ... as json` answer, none when the list is empty: FreeSWITCH then leaves `rows` out. `null`: it is no list. */
export function rowsOf(answer: string): readonly unknown[] | null {
  let value: unknown;
  try {
    value = JSON.parse(answer);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('row_count' in value)) return null;
  return 'rows' in value && Array.isArray(value.rows) ? value.rows : [];
}
