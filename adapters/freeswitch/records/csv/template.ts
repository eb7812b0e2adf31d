/**
 * Lines of mod_cdr_csv. Each is a template of `cdr_csv.conf.xml` with the values of the leg's variables in it, as they are: a name may
 * hold quotes, backslashes and line feeds, and bytes that are no UTF-8. So a line is not parsed as CSV but matched with its template,
 * where numbers, times and ids have forms of their own.
 */

/** Names of variables and their values, of one leg. */
export type Variables = Readonly<Record<string, string>>;

export interface Template {
  /** As it stands in `cdr_csv.conf.xml`. */
  readonly text: string;
  /** True for those that tell how the legs of a call belong together; the others make it a matter of conclusions. */
  readonly tied: boolean;
  /** The variables of a line, or of several that make up one row; `null` when it is of another template. */
  match(line: string): Variables | null;
  /** The same for the end of a line whose beginning is the rest of another one. */
  matchEnd(line: string): Variables | null;
}

const list = (text: string): string =>
  text
    .split(' ')
    .map((name) => `"\${${name}}"`)
    .join(',');

/**
 * What tells everything that this program can use, but for the name of a recording: to be written as the text of a template of
 * `cdr_csv.conf.xml`. The name of the caller is last, since it can hold anything.
 */
export const BEST_TEMPLATE = list(
  'uuid direction channel_name sofia_profile_name sip_gateway_name sip_req_user sip_to_user sip_from_user sip_auth_username ' +
    'user_context caller_id_number destination_number context dialed_user dialed_domain start_uepoch answer_uepoch bridge_uepoch ' +
    'end_uepoch hangup_cause hangup_cause_q850 sip_term_status sip_hangup_disposition originated_legs originate_causes ' +
    'originating_leg_uuid bridge_uuid bridge_channel cc_side cc_queue cc_agent cc_member_session_uuid cc_record_filename ' +
    'fifo_bridge_uuid other_loopback_leg_uuid conference_uuid endpoint_disposition transfer_disposition sip_redirected_to ' +
    'sip_destination_url sip_outgoing_contact_uri voicemail_message_len record_ms last_app caller_id_name',
);

const STAMPED =
  'caller_id_name caller_id_number destination_number context start_stamp answer_stamp end_stamp duration billsec';
const EXAMPLE = `${STAMPED} hangup_cause uuid bleg_uuid accountcode`;

/** What FreeSWITCH ships (conf/vanilla/autoload_configs/cdr_csv.conf.xml, and `default_template` of mod_cdr_csv.c). */
const SHIPPED = [
  list(`${EXAMPLE} read_codec write_codec`),
  `${list(`${STAMPED} hangup_cause uuid bleg_uuid`)}, "\${accountcode}"`,
  list(EXAMPLE),
  list(`${EXAMPLE} read_codec write_codec sip_user_agent sip_p_rtp_stat`),
  `${list(`${STAMPED} hangup_cause uuid bleg_uuid`)}, ${list('accountcode read_codec write_codec sip_user_agent call_clientcode sip_rtp_rxstat sip_rtp_txstat sofia_record_file')}`,
  list(
    'accountcode caller_id_number destination_number context caller_id channel_name bridge_channel last_app last_arg start_stamp ' +
      'answer_stamp end_stamp duration billsec hangup_cause amaflags uuid userfield',
  ),
  `INSERT INTO cdr VALUES (${list(`${STAMPED} hangup_cause uuid bleg_uuid`)}, "\${accountcode}");`,
];

/** The first template of this program's manual. */
const PROPOSED = list(
  'uuid direction sofia_profile_name sip_gateway_name sip_req_user sip_from_user caller_id_number destination_number dialed_user ' +
    'start_uepoch answer_uepoch end_uepoch hangup_cause originate_disposition sip_hangup_disposition originating_leg_uuid ' +
    'bridge_uuid cc_member_session_uuid other_loopback_leg_uuid last_app',
);

/** The form of a variable by its name. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^uuid$/, '[0-9A-Za-z][\\w.-]{2,63}'],
  [/uuid$|^signal_bond$/, '[\\w.-]*'],
  [/_stamp$/, '(?:\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d)?'],
  [/epoch$|^(?:duration|billsec|mduration|billmsec)$/, '-?\\d*'],
  [/^hangup_cause$/, '[A-Z0-9_]*'],
  [/^direction$/, '(?:inbound|outbound)?'],
];

/** The templates that are told from the lines themselves. */
export const KNOWN_TEMPLATES: readonly Template[] = [BEST_TEMPLATE, PROPOSED, ...SHIPPED].map((text) =>
  templateOf(text),
);

/** A template as it stands in `cdr_csv.conf.xml`. */
export function templateOf(text: string): Template {
  const parts = text.trim().split(/\$\{((?:[^{}]|\{[^{}]*\})*)\}/);
  const names: string[] = [];
  let pattern = '';
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      pattern += escaped(part);
      continue;
    }
    const form = formOf(part);
    // Anything but what follows it in the template.
    const next = parts[index + 1] ?? '';
    names.push(part);
    // The last one may hold quotes, and what would begin another value in no case.
    const end = index + 2 >= parts.length;
    pattern += `(${form ?? `(?:(?!${end ? '","' : escaped(next)})[\\s\\S])*${end ? '?' : ''}`})`;
  }
  const [whole, end] = [new RegExp(`^${pattern}\\r?$`), new RegExp(`${pattern}\\r?$`)];
  const variablesIn = (found: RegExpExecArray | null): Variables | null =>
    found === null ? null : Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? '']));
  return {
    text,
    tied: names.includes('originating_leg_uuid') && names.includes('direction'),
    match: (line) => variablesIn(whole.exec(line)),
    matchEnd: (line) => {
      const variables = variablesIn(end.exec(line));
      // What the first one holds may have begun in the other line, unless it has a form of its own.
      const [first = ''] = names;
      return variables === null || formOf(first) !== undefined ? variables : { ...variables, [first]: '' };
    },
  };
}

function formOf(name: string): string | undefined {
  return FORMS.find(([pattern]) => pattern.test(name))?.[1];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** True when a row tells its times and the leg: without them a template says nothing. */
export function saysEnough({ text }: Template): boolean {
  const has = (name: string) => text.includes(`\${${name}}`);
  const timed = ['start', 'end'].every((time) => ['uepoch', 'epoch', 'stamp'].some((kind) => has(`${time}_${kind}`)));
  return has('uuid') && timed;
}
