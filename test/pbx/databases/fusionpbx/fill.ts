/** The database of a FusionPBX with the recorded calls, as its import would have stored them: callers alone, as it ships. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FusionRow, rowOf } from '../../../adapters/freeswitch/records/fusionpbx-rows.ts';
import { UNRECORDED } from '../../../adapters/freeswitch/records/score.ts';
import { bodiesOf, type RecordedBody } from '../../../adapters/freeswitch/records/support.ts';
import { type Scenario, scenarios } from '../../../support/recordings.ts';
import type { DatabaseServer } from '../server.ts';

export const DATABASE = 'fusionpbx';

export interface Recorded {
  readonly scenario: Scenario;
  readonly bodies: readonly RecordedBody[];
}

/** The recordings with records of which the truth is known. */
export function recordings(): readonly Recorded[] {
  return scenarios()
    .filter(({ pbx, name }) => pbx === 'freeswitch' && !UNRECORDED.test(name))
    .filter(({ directory }) => existsSync(new URL('json_cdr.jsonl.gz', directory)))
    .map((scenario) => ({ scenario, bodies: bodiesOf(scenario) }));
}

export async function fillFusionPbx(server: DatabaseServer, recorded: readonly Recorded[]): Promise<void> {
  await server.admin(`CREATE DATABASE ${DATABASE};`);
  await server.admin(await readFile(join(import.meta.dirname, 'schema.sql'), 'utf8'), DATABASE);
  const rows = recorded.flatMap(({ bodies }) => bodies.filter(({ leg }) => !leg.called).map(rowOf));
  const extensions = new Map(rows.flatMap(({ extension }) => (extension == null ? [] : [[extension, randomUUID()]])));
  const statements = [
    ...[...extensions].map(([extension, id]) => insert('v_extensions', { extension_uuid: id, extension })),
    ...rows.flatMap((row) => statementsOf(row, extensions)),
  ];
  await server.admin(`BEGIN;\n${statements.join('\n')}\nCOMMIT;\nANALYZE;`, DATABASE);
}

function statementsOf({ json = null, extension, ...row }: FusionRow, extensions: ReadonlyMap<string, string>) {
  const columns = { ...row, extension_uuid: extensions.get(extension ?? '') ?? null };
  const record = { xml_cdr_json_uuid: randomUUID(), xml_cdr_uuid: row.xml_cdr_uuid ?? null, json };
  const stamps = (['start', 'answer', 'end'] as const)
    .map((name) => `${name}_stamp = to_timestamp(nullif(${name}_epoch, 0))`)
    .join(', ');
  return [
    insert('v_xml_cdr', columns),
    `UPDATE v_xml_cdr SET ${stamps} WHERE xml_cdr_uuid = '${row.xml_cdr_uuid}';`,
    insert('v_xml_cdr_json', record),
  ];
}

function insert(table: string, row: FusionRow): string {
  const value = (text: string | null): string => (text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`);
  return `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).map(value).join(', ')});`;
}
