/**
 * A row of FusionPBX's `v_xml_cdr` in the form in which mod_json_cdr would have recorded the leg.
 *
 * Most versions keep the whole record beside the columns: in the column `json`, newer ones in the table `v_xml_cdr_json`; with the
 * settings `cdr / format` xml or `cdr / storage` dir they do not. Then the columns have to do. They tell whole seconds, the last number
 * that was called, one leg with which the recorded one was connected, and the extension as a row of `v_extensions`. What they cannot
 * tell: phones that were rung in vain, earlier agents of a call that was transferred, and the trunk.
 *
 * The columns and what is written into them: FusionPBX 5.5, `app/xml_cdr/app_config.php` and `resources/classes/xml_cdr.php`.
 */
import { isNetworkLike } from '../../../src/telephony/digits.ts';

export type Row = Readonly<Record<string, string | null>>;

/** Columns that are read where a version has them. */
export const COLUMNS = [
  'xml_cdr_uuid',
  'domain_name',
  'direction',
  'context',
  'leg',
  'caller_id_name',
  'caller_id_number',
  'caller_destination',
  'destination_number',
  'source_number',
  'start_epoch',
  'answer_epoch',
  'end_epoch',
  'bridge_uuid',
  'originating_leg_uuid',
  'last_app',
  'last_arg',
  'voicemail_message',
  'cc_side',
  'cc_queue',
  'cc_agent',
  'cc_agent_uuid',
  'cc_member_session_uuid',
  'cc_queue_answered_epoch',
  'conference_uuid',
  'record_path',
  'record_name',
  'hangup_cause',
  'hangup_cause_q850',
  'sip_hangup_disposition',
] as const;

/** Columns without which a row says nothing. */
export const NEEDED = ['xml_cdr_uuid', 'start_epoch', 'end_epoch'] as const;

/** The leg as its columns tell it. */
export function bodyOfRow(row: Row): unknown {
  const id = textOf(row, 'xml_cdr_uuid') ?? '';
  const side = sideOf(row);
  const extension = extensionIn(row);
  const caller = withPlus(textOf(row, 'caller_id_number'));
  const destination = textOf(row, 'destination_number');
  const answered = seconds(row, 'answer_epoch');
  const bridged = seconds(row, 'cc_queue_answered_epoch') ?? answered;
  const partner = textOf(row, 'bridge_uuid') ?? textOf(row, 'cc_agent_uuid');
  const connected = partner !== null && answered !== null;
  const variables: Record<string, string | undefined> = {
    uuid: id,
    direction: side === 'called' ? 'outbound' : 'inbound',
    channel_name: nameOf(side, extension, side === 'called' ? destination : caller),
    start_uepoch: micros(seconds(row, 'start_epoch')),
    answer_uepoch: micros(answered),
    bridge_uepoch: micros(connected ? bridged : null),
    end_uepoch: micros(seconds(row, 'end_epoch')),
    bridge_uuid: connected ? partner : undefined,
    domain_name: textOf(row, 'domain_name') ?? undefined,
  };
  for (const name of SAME) variables[name] = textOf(row, name) ?? undefined;
  if (textOf(row, 'voicemail_message') === 'true' || textOf(row, 'voicemail_message') === 't') {
    variables.voicemail_message_len = '1';
  }
  if (side === 'phone') variables.sip_auth_username = extension ?? undefined;
  if (side === 'called') variables.dialed_user = extension ?? undefined;
  const did = side === 'outside' ? (textOf(row, 'caller_destination') ?? destination) : destination;
  const called = side === 'called' ? null : calledOf(side, id, partner, extension, destination);
  if (called !== null) {
    variables.originated_legs = `${called.channel};;${called.number}`;
    const cause = connected ? 'NONE' : (textOf(row, 'hangup_cause') ?? 'NO_ANSWER');
    variables.originate_causes = `${called.channel};${cause === 'NORMAL_CLEARING' ? 'NO_ANSWER' : cause}`;
  }
  const file = textOf(row, 'record_name');
  if (file !== null) variables.record_ms = '1';
  const applications =
    file === null ? [] : [{ app_name: 'record_session', app_data: `${textOf(row, 'record_path') ?? ''}/${file}` }];
  return {
    variables: Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined)),
    app_log: { applications },
    callflow: [
      {
        caller_profile: {
          caller_id_number: caller ?? '',
          caller_id_name: textOf(row, 'caller_id_name') ?? '',
          destination_number: did ?? '',
          context: side === 'outside' ? 'public' : (textOf(row, 'context') ?? ''),
        },
      },
    ],
  };
}

/** Columns that are called as the variables whose values they hold. */
const SAME = [
  'hangup_cause',
  'hangup_cause_q850',
  'sip_hangup_disposition',
  'originating_leg_uuid',
  'last_app',
  'cc_side',
  'cc_queue',
  'cc_agent',
  'cc_member_session_uuid',
  'conference_uuid',
];

type Side = 'outside' | 'phone' | 'called';

/** `direction` is that of the call, as the dialplan of FusionPBX sets it; a queue's agent is called, and has nobody that called him. */
function sideOf(row: Row): Side {
  if (textOf(row, 'originating_leg_uuid') !== null || textOf(row, 'cc_side') === 'agent') return 'called';
  const direction = textOf(row, 'direction');
  if (direction === 'inbound') return 'outside';
  if (direction === 'outbound' || direction === 'local') return 'phone';
  return isNetworkLike(textOf(row, 'caller_id_number') ?? '') ? 'outside' : 'phone';
}

/** Of `v_extensions`, else as the caller id of a phone tells it; `cc_agent` is `1006@domain`, in newer versions the id of a row. */
function extensionIn(row: Row): string | null {
  const named = textOf(row, 'extension');
  if (named !== null) return named;
  const agent = /^(\w{2,6})@/.exec(textOf(row, 'cc_agent') ?? '')?.[1];
  if (agent !== undefined) return agent;
  const own = ['source_number', 'caller_id_number'].map((name) => textOf(row, name));
  return sideOf(row) === 'phone' ? (own.find((one) => one !== null && !isNetworkLike(one)) ?? null) : null;
}

/** As the profiles of FusionPBX would name the channel. */
function nameOf(side: Side, extension: string | null, number: string | null): string {
  if (side === 'outside') return `sofia/external/${number ?? ''}`;
  if (side === 'called' && extension === null) return `sofia/external/${number ?? ''}`;
  return `sofia/internal/${extension ?? number ?? ''}`;
}

/** Whom the caller was connected with, or the phone that the call was for: the one leg of which a row tells beside its own. */
function calledOf(
  side: Side,
  id: string,
  partner: string | null,
  extension: string | null,
  destination: string | null,
) {
  const number = side === 'outside' ? extension : destination;
  if (number === null) return null;
  return { channel: partner ?? `${id}~${number}`, number };
}

/** FusionPBX strips the plus of numbers. No country has numbers of twelve digits that do not begin with its own code, or with 0. */
function withPlus(number: string | null): string | null {
  return number !== null && /^[1-9]\d{11,14}$/.test(number) ? `+${number}` : number;
}

function textOf(row: Row, name: string): string | null {
  const value = row[name];
  return value === undefined || value === null || value === '' ? null : value;
}

/** Seconds since the epoch, `null` for 0. The columns tell in which second it was: on the average that is its middle. */
function seconds(row: Row, name: string): number | null {
  const value = Number(textOf(row, name) ?? 0);
  return value > 0 ? Math.floor(value) + 0.5 : null;
}

function micros(seconds: number | null): string {
  return seconds === null ? '0' : String(Math.round(seconds * 1_000_000));
}
