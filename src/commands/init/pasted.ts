/** What has to be added on the PBX, ready to be pasted. README.md tells the same. */
import { CHANNEL_VARIABLES, FILTER, READ } from '../../../adapters/asterisk/hearing/advice.ts';
import { RELOADS } from '../../../adapters/asterisk/records/settings.ts';
import type { RecordsPlace } from './found.ts';
import { type Answers, type Layout, needsPassword } from './text.ts';

/** `permit`: the address that logcalld comes from, as the PBX sees it. */
export function managerLines(username: string, secret: string, permit: string): string[] {
  return [
    `[${username}]`,
    // What follows a bare semicolon would be a comment.
    `secret = ${secret.replaceAll(';', '\\;')}`,
    'deny = 0.0.0.0/0.0.0.0',
    `permit = ${permit}/255.255.255.255`,
    READ,
    'write = reporting',
    'writetimeout = 5000',
    FILTER,
  ];
}

export function eventSocketLines(password: string): string[] {
  return [
    '<param name="listen-ip" value="127.0.0.1"/>',
    '<param name="listen-port" value="8021"/>',
    `<param name="password" value="${inXml(password)}"/>`,
    '<param name="apply-inbound-acl" value="loopback.auto"/>',
  ];
}

const XML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const inXml = (text: string): string => text.replace(/[&<>"]/g, (sign) => XML[sign] ?? sign);

/** Where these lines go, and what is to be done there besides; a sentence or a command each. */
export function placesOf({ type }: Answers, product: string | null, port: number | null): string[] {
  if (type === 'freeswitch') {
    const fusion =
      product === 'FusionPBX'
        ? [
            'FusionPBX logs in there as well: give it the same password, switch.event_socket.password in /etc/fusionpbx/config.conf; a FusionPBX before version 5 has a setting of its own for it.',
          ]
        : [];
    const other = port === null ? [] : [`Keep its listen-port ${port}.`];
    return [
      "In autoload_configs/event_socket.conf.xml, in place of the lines with the same names; then fs_cli -x 'reload mod_event_socket'.",
      ...other,
      ...fusion,
    ];
  }
  const file =
    product === 'Asterisk'
      ? '/etc/asterisk/manager.conf'
      : `/etc/asterisk/manager${product === null ? '.conf; with FreePBX: manager' : ''}_custom.conf, which FreePBX leaves alone`;
  const freepbx =
    product === 'FreePBX'
      ? [
          'In its web interface instead: Settings, Asterisk Manager Users, Add Manager; tick the same rights. It has no event filter; logcalld works without.',
          "For recordings: recordingfile => recordingfile in /etc/asterisk/cdr_manager_mapping_custom.conf, then asterisk -rx 'module reload cdr_manager.so'.",
        ]
      : [
          `Before the reload${product === null ? ', without FreePBX' : ''}: in its section [general], for names of recordings and callers who hide their number, ${CHANNEL_VARIABLES}; what such a line there names already stays in it.`,
        ];
  return [`At the end of ${file}; then asterisk -rx 'manager reload'.`, ...freepbx];
}

/** What the place of records has to be told, as its administrator. `password`: of the trial. */
export function recordsSetup(records: RecordsPlace | null, layout: Layout, password: string): string[] {
  const own = needsPassword(records, layout);
  if (records?.kind === 'freepbx') {
    const how = own ? `BY '${password}'` : 'VIA unix_socket';
    return [
      'As root of MariaDB (mysql -u root):',
      `  CREATE USER 'logcalld'@'localhost' IDENTIFIED ${how};`,
      "  GRANT SELECT ON asteriskcdrdb.* TO 'logcalld'@'localhost';",
    ];
  }
  if (records?.kind === 'fusionpbx') {
    return [
      'As the administrator of PostgreSQL (sudo -u postgres psql fusionpbx):',
      `  CREATE ROLE logcalld LOGIN${own ? ` PASSWORD '${password}'` : ''};`,
      '  GRANT SELECT ON v_xml_cdr, v_xml_cdr_json, v_extensions TO logcalld;',
    ];
  }
  if (records?.kind === 'csv') {
    return [
      'In /etc/asterisk/cdr.conf: loguniqueid = yes and newcdrcolumns = yes below [csv]; unanswered = yes and congestion = yes below [general];',
      `  then asterisk -rx '${RELOADS.cdr}' and asterisk -rx '${RELOADS.csv}'.`,
    ];
  }
  return [];
}
