/**
 * The recorded legs as FusionPBX would have stored them: what its import makes of the XML of mod_xml_cdr, which tells the same as that of
 * mod_json_cdr; and a stand-in for PostgreSQL that knows the questions asked.
 */
import type { PgQuery } from '../../../../adapters/freeswitch/records/options.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { isExtensionLike } from '../../../../src/telephony/digits.ts';
import type { RecordedBody } from './support.ts';

export type FusionRow = Record<string, string | null>;

type Fields = Record<string, unknown>;

const DOMAIN = 'pbx.lab';

/** A row of v_xml_cdr; `json`: the whole record as PHP's json_encode makes it of the XML. */
export function rowOf({ bytes, leg }: RecordedBody): FusionRow {
  const body = JSON.parse(bytes.toString()) as { variables: Record<string, string>; callflow: Fields | Fields[] };
  const flow = Array.isArray(body.callflow) ? body.callflow : [body.callflow];
  const profile = (flow[0]?.caller_profile ?? {}) as Record<string, string>;
  const of = (name: string): string | null => decodeURIComponent(body.variables[name] ?? '') || null;
  const name = of('channel_name') ?? '';
  const inbound = name.startsWith('sofia/external/');
  const phone = /^sofia\/internal\/(\d+)@/.exec(name)?.[1] ?? null;
  const destination = profile.destination_number ?? null;
  const called =
    [of('last_sent_callee_id_number'), of('dialed_user')].find((one) => isExtensionLike(one ?? null)) ?? null;
  const outward = (destination ?? '').replace(/\D/g, '').length > 6;
  const file = recordedIn(leg.events);
  return {
    xml_cdr_uuid: leg.channel,
    domain_name: DOMAIN,
    direction: of('cc_side') === 'agent' || inbound ? 'inbound' : outward ? 'outbound' : 'local',
    context: profile.context ?? null,
    leg: leg.called ? 'b' : 'a',
    extension: leg.called || of('direction') === 'outbound' ? phone : inbound ? called : phone,
    caller_id_name: (of('effective_caller_id_name') ?? profile.caller_id_name ?? '').replace(
      /[^a-zA-Z0-9\-.#*@ ]/g,
      '',
    ),
    caller_id_number: (of('effective_caller_id_number') ?? profile.caller_id_number ?? '').replace(/[^0-9\-#*]/g, ''),
    caller_destination: inbound ? (of('sip_req_user') ?? null) : of('dialed_user'),
    destination_number: destination,
    source_number: of('effective_caller_id_number'),
    start_epoch: of('start_epoch'),
    answer_epoch: of('answer_epoch'),
    end_epoch: of('end_epoch'),
    bridge_uuid: of('bridge_uuid'),
    originating_leg_uuid: of('originating_leg_uuid'),
    last_app: of('last_app'),
    last_arg: of('last_arg'),
    voicemail_message: of('voicemail_message_len') === null ? 'false' : 'true',
    cc_side: of('cc_side'),
    cc_queue: of('cc_queue'),
    cc_agent: of('cc_agent'),
    cc_agent_uuid: of('cc_agent_uuid'),
    cc_member_session_uuid: of('cc_member_session_uuid'),
    cc_queue_answered_epoch: of('cc_queue_answered_epoch'),
    conference_uuid: of('conference_uuid'),
    record_path: file === null ? null : file.replace(/\/[^/]*$/, ''),
    record_name: file?.split('/').at(-1) ?? null,
    hangup_cause: of('hangup_cause'),
    hangup_cause_q850: of('hangup_cause_q850'),
    sip_hangup_disposition: of('sip_hangup_disposition'),
    json: JSON.stringify(asPhpWould(body as unknown as Fields)),
  };
}

/** The file that exists: of a recording that nothing was said into FusionPBX keeps no name. */
function recordedIn(events: readonly CallEvent[]): string | null {
  const recording = events.find((event) => event.kind === 'recording');
  return recording?.kind === 'recording' ? recording.file : null;
}

/** Elements that come once are no arrays, attributes stand apart, empty elements are objects. */
function asPhpWould(body: Fields): Fields {
  const { app_log: log, callflow, variables, 'core-uuid': core, ...rest } = body;
  const applications = ((log as { applications?: Fields[] })?.applications ?? []).map((one) => ({
    '@attributes': one,
  }));
  const flows = (Array.isArray(callflow) ? callflow : [callflow]).map((one: Fields) => ({
    '@attributes': { dialplan: one.dialplan, profile_index: one.profile_index },
    ...one,
    caller_profile: profileInXml(one.caller_profile as Fields),
  }));
  return {
    '@attributes': { 'core-uuid': core },
    ...rest,
    variables: emptied(variables as Fields),
    ...(applications.length === 0 ? {} : { app_log: { application: single(applications) } }),
    callflow: single(flows.map(emptied)),
  };
}

function profileInXml(profile: Fields): Fields {
  const { originatee, ...rest } = profile;
  const list = (originatee as { originatee_caller_profiles?: Fields[] })?.originatee_caller_profiles;
  if (list === undefined) return emptied(rest);
  return { ...emptied(rest), originatee: { originatee_caller_profile: single(list.map(emptied)) } };
}

function emptied(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value === '' ? {} : value]));
}

function single<T>(list: readonly T[]): T | readonly T[] {
  return list.length === 1 && list[0] !== undefined ? list[0] : list;
}

/** Columns of a table that may not be read, for `fakePg`. */
export const CLOSED = 'closed:';

/** A stand-in for PostgreSQL; `columns`: of which tables and columns it tells. */
export interface FakePg {
  readonly query: PgQuery;
  readonly asked: string[];
}

export function fakePg(rows: readonly FusionRow[], columns: readonly string[]): FakePg {
  const asked: string[] = [];
  const query: PgQuery = async (sql, params) => {
    asked.push(sql);
    if (sql.includes('pg_attribute')) {
      return columns.map((one) => {
        const [table = '', column = ''] = one.replace(CLOSED, '').split('.');
        return { t: table, c: column, may: String(!one.startsWith(CLOSED)) };
      });
    }
    const place = (text: string): string => String(params[Number(/\$(\d+)/.exec(text)?.[1] ?? 0) - 1]);
    const match = (pattern: RegExp): string | null => {
      const found = pattern.exec(sql)?.[1];
      return found === undefined ? null : place(found);
    };
    const [from, to] = [match(/c\.end_epoch >= (\$\d+)/), match(/c\.end_epoch <= (\$\d+)/)];
    const domain = match(/c\.domain_name = (\$\d+)/);
    const [afterEnd, afterId] = [match(/\) > \((\$\d+)/), match(/\) > \(\$\d+::numeric, (\$\d+)/)];
    const ids = /xml_cdr_uuid IN \(([^)]*)\)/.exec(sql)?.[1]?.split(', ').map(place);
    const limit = Number(/LIMIT (\d+)/.exec(sql)?.[1] ?? Number.MAX_SAFE_INTEGER);
    if (sql.includes(' AS whole')) {
      return rows.slice(0, limit).map((row) => ({ leg: row.leg ?? null, whole: String((row.json ?? null) !== null) }));
    }
    const wanted = new Set([...sql.matchAll(/ AS (\w+)/g)].map(([, name]) => name ?? ''));
    return [...rows]
      .filter((row) => from === null || (Number(row.end_epoch) >= Number(from) && Number(row.end_epoch) <= Number(to)))
      .filter((row) => domain === null || row.domain_name === domain)
      .filter((row) => ids === undefined || ids.includes(row.xml_cdr_uuid ?? ''))
      .sort(byEnd)
      .filter((row) => afterEnd === null || byEnd(row, { end_epoch: afterEnd, xml_cdr_uuid: afterId }) > 0)
      .slice(0, limit)
      .map((row) => Object.fromEntries([...wanted].map((name) => [name, row[name] ?? null])));
  };
  return { query, asked };
}

function byEnd(a: FusionRow, b: FusionRow): number {
  const [one, other] = [a.xml_cdr_uuid ?? '', b.xml_cdr_uuid ?? ''];
  return Number(a.end_epoch) - Number(b.end_epoch) || (one < other ? -1 : one > other ? 1 : 0);
}
