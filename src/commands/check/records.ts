/** The PBX's own records of calls, by which calls are filled in that nobody heard: can they be read, and do they hold all of them? */
import { existsSync } from 'node:fs';
import { type Credentials, readSecret } from '../../../adapters/host/credentials.ts';
import { createRecords } from '../../../adapters/index.ts';
import { type RecordsConfig, recordsSecret, type SourceConfig } from '../../../config/schema.ts';
import type { CallRecords } from '../../records/port.ts';
import { accessFindings, type Want } from './eyes/access.ts';
import type { Eyes } from './eyes/service.ts';
import { type Finding, ok } from './finding.ts';

/** There on every FreePBX. */
export const FREEPBX_FILE = '/etc/freepbx.conf';

/** Asks each place of a source, and says what to add where there is none. */
export async function recordsFindings(
  source: SourceConfig,
  freepbxFile = FREEPBX_FILE,
  credentials: Credentials = process.env.CREDENTIALS_DIRECTORY,
): Promise<Finding[]> {
  const about = `records of ${source.name}`;
  if (source.records.length === 0) return [noRecords(source, about, existsSync(freepbxFile))];
  const places = createRecords(source, {
    secret: (records) => {
      const ref = recordsSecret(source.name, records);
      return ref === null ? '' : readSecret(ref, credentials).secret.reveal();
    },
  });
  const findings: Finding[] = [];
  for (const place of places) findings.push(...(await findingsOf(place, about)));
  return findings;
}

/** Files and sockets that this user may not use, with what to type; what they hold is not looked at. */
export function recordsAccess({ name, records }: SourceConfig, eyes: Eyes): Finding[] {
  return records.flatMap(waysTo).flatMap(([path, want]) => accessFindings(`records of ${name}`, path, want, eyes));
}

function waysTo(records: RecordsConfig): [path: string, want: Want][] {
  if ('socket' in records && records.socket !== null) {
    const socket = records.type === 'mysql' ? records.socket : `${records.socket}/.s.PGSQL.${records.port}`;
    return [[socket, 'connect']];
  }
  const files = [
    ...('file' in records ? [records.file] : []),
    ...('cdr_file' in records ? [records.cdr_file] : []),
    ...('cel_file' in records ? [records.cel_file] : []),
    ...('folder' in records ? [records.folder, records.spool_folder] : []),
  ];
  return files.flatMap((path): [string, Want][] => (path === null || path === '' ? [] : [[path, 'read']]));
}

async function findingsOf(place: CallRecords, about: string): Promise<Finding[]> {
  const { problem, hints } = await place.check();
  await place.close();
  const first: Finding =
    problem === null ? ok(about, `${place.name}: can be read`) : { level: 'FAIL', about, text: problem };
  return [first, ...hints.map((text): Finding => ({ level: 'info', about, text }))];
}

const NONE =
  'none: calls made while nobody listens (logcalld or its link is down) cannot be filled in. Name where the PBX keeps its records, below its [[source]]:';

function noRecords({ type, host }: SourceConfig, about: string, freepbx: boolean): Finding {
  return { level: 'warn', about, text: NONE, lines: linesFor(type, freepbx && isHere(host)) };
}

const isHere = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);

function linesFor(type: SourceConfig['type'], freepbx: boolean): readonly string[] {
  if (type === 'freeswitch') {
    return [
      '[[source.records]]',
      "type = 'json-cdr'                                 # mod_json_cdr; FusionPBX: type = 'fusionpbx'",
      "folder = '/var/log/freeswitch/json_cdr'",
    ];
  }
  const mysql = [
    '[[source.records]]',
    "type = 'mysql'",
    "socket = '/run/mysqld/mysqld.sock'",
    "password_file = '/etc/logcalld/credentials/records-password'",
    "# in MariaDB, as root: CREATE USER 'logcalld'@'localhost' IDENTIFIED BY '...'; GRANT SELECT ON asteriskcdrdb.* TO 'logcalld'@'localhost';",
  ];
  if (freepbx) return mysql;
  return [
    '[[source.records]]',
    "type = 'csv'                                      # FreePBX: type = 'mysql'",
    "cdr_file = '/var/log/asterisk/cdr-csv/Master.csv'",
  ];
}
