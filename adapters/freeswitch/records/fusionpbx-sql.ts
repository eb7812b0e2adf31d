/** What FusionPBX's database is asked, with the tables and columns that its version has. */
import { type RecordsCheck, RecordsError } from '../../../src/records/port.ts';
import { COLUMNS, NEEDED, type Row } from './fusionpbx-row.ts';
import type { FusionPbxOptions, PgQuery } from './options.ts';

/** Rows of one answer; a row with its whole record has some 20 KB. */
const PAGE_ROWS = 50;

/** Rows whose ids are asked for at once. */
const IDS_AT_ONCE = 100;

/** The column `start_stamp` has an index, `end_epoch` none: legs longer than this are not found, s. */
const LONGEST_S = 48 * 3600;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const TABLES = ['v_xml_cdr', 'v_xml_cdr_json', 'v_extensions'];

/** Tables and columns that are there, `table.column`. */
export type Tables = ReadonlySet<string>;

type Question = Pick<FusionPbxOptions, 'name' | 'query' | 'domain'>;

/** Rejects with a `RecordsError` when the tables are not those of FusionPBX, or may not be read. */
export async function tablesOf({ name, query, domain }: Question): Promise<Tables> {
  // Not from the information schema, which shows no table that may not be read: without its record a row says less, and nobody would know.
  const rows = await query(
    `SELECT t.relname::text AS t, c.attname::text AS c, has_column_privilege(t.oid, c.attnum, 'SELECT')::text AS may
     FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace s ON s.oid = t.relnamespace
     JOIN pg_catalog.pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
     WHERE s.nspname = ANY (current_schemas(false)) AND t.relname IN ('${TABLES.join("', '")}')`,
    [],
  ).catch((error: unknown) => Promise.reject(failure(name, error)));
  const tables = new Set(rows.map((row) => `${row.t}.${row.c}`));
  if (![...tables].some((one) => one.startsWith('v_xml_cdr.'))) {
    throw new RecordsError(`${name}: has no table v_xml_cdr; name the database of FusionPBX.`);
  }
  const there = new Set(rows.map((row) => row.t));
  if (rows.some((row) => row.may !== 'true')) {
    throw unreadable(
      name,
      TABLES.filter((table) => there.has(table)),
    );
  }
  const needed = [...NEEDED, ...(domain === undefined ? [] : (['domain_name'] as const))];
  const missing = needed.filter((column) => !tables.has(`v_xml_cdr.${column}`));
  if (missing.length > 0) {
    throw new RecordsError(
      `${name}: its table v_xml_cdr has no column ${missing.join(', ')}; upgrade the schema of FusionPBX (Advanced, Upgrade, Schema).`,
    );
  }
  return tables;
}

/** The next rows that ended in [from, to] (ms since the epoch), in order of their end and id, behind `after`. */
export function rowsByTime(
  { query, domain }: Question,
  tables: Tables,
  from: number,
  to: number,
  after: { readonly end: string; readonly id: string } | null,
): Promise<readonly Row[]> {
  const [begin, end] = [Math.floor(from / 1000), Math.ceil(to / 1000)];
  const params: (string | number)[] = [begin, end];
  const conditions = ['c.end_epoch >= $1::numeric', 'c.end_epoch <= $2::numeric'];
  const add = (text: (...places: string[]) => string, ...values: readonly (string | number)[]) => {
    conditions.push(text(...values.map((_, index) => `$${params.length + index + 1}`)));
    params.push(...values);
  };
  if (tables.has('v_xml_cdr.start_stamp')) {
    add(
      (a, b) => `c.start_stamp BETWEEN to_timestamp(${a}::float8) AND to_timestamp(${b}::float8)`,
      begin - LONGEST_S,
      end,
    );
  }
  if (domain !== undefined) add((a) => `c.domain_name = ${a}::text`, domain);
  if (after !== null) add((a, b) => `(c.end_epoch, c.xml_cdr_uuid) > (${a}::numeric, ${b}::uuid)`, after.end, after.id);
  const order = 'ORDER BY c.end_epoch, c.xml_cdr_uuid';
  return query(`${select(tables)} WHERE ${conditions.join(' AND ')} ${order} LIMIT ${PAGE_ROWS}`, params);
}

/** The rows of legs by their ids. */
export function rowsOf(question: Question, tables: Tables, ids: readonly string[]): Promise<readonly Row[]> {
  return byIds(question, select(tables), ids);
}

/** Which of these legs have a row. */
export async function idsPresent(question: Question, ids: readonly string[]): Promise<string[]> {
  const rows = await byIds(question, 'SELECT c.xml_cdr_uuid::text AS xml_cdr_uuid FROM v_xml_cdr c', ids);
  return rows.map((row) => row.xml_cdr_uuid ?? '');
}

async function byIds({ query, domain }: Question, selected: string, ids: readonly string[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const uuids = ids.filter((id) => UUID.test(id));
  for (let at = 0; at < uuids.length; at += IDS_AT_ONCE) {
    const some = uuids.slice(at, at + IDS_AT_ONCE);
    const places = some.map((_, index) => `$${index + 1}::uuid`);
    const own = domain === undefined ? '' : ` AND c.domain_name = $${some.length + 1}::text`;
    const params = [...some, ...(domain === undefined ? [] : [domain])];
    rows.push(...(await query(`${selected} WHERE c.xml_cdr_uuid IN (${places.join(', ')})${own}`, params)));
  }
  return rows;
}

function select(tables: Tables): string {
  const columns = COLUMNS.filter((name) => tables.has(`v_xml_cdr.${name}`)).map((name) => `c.${name}::text AS ${name}`);
  const joins: string[] = [];
  if (tables.has('v_extensions.extension') && tables.has('v_xml_cdr.extension_uuid')) {
    columns.push('e.extension::text AS extension');
    joins.push('LEFT JOIN v_extensions e ON e.extension_uuid = c.extension_uuid');
  }
  const records = tables.has('v_xml_cdr.json') ? ['c.json::text'] : [];
  if (tables.has('v_xml_cdr_json.json') && tables.has('v_xml_cdr_json.xml_cdr_uuid')) {
    records.unshift('j.json::text');
    joins.push('LEFT JOIN v_xml_cdr_json j ON j.xml_cdr_uuid = c.xml_cdr_uuid');
  }
  if (records.length > 0) columns.push(`coalesce(${records.join(', ')}) AS json`);
  return `SELECT ${columns.join(', ')} FROM v_xml_cdr c ${joins.join(' ')}`;
}

function unreadable(name: string, tables: readonly string[]): RecordsError {
  return new RecordsError(
    `${name}: may not be read; as the owner of FusionPBX's tables run: GRANT SELECT ON ${tables.join(', ')} TO the role.`,
  );
}

/** What was refused, as a sentence; what the query says itself is handed on. */
export function failure(name: string, error: unknown): RecordsError {
  if (error instanceof RecordsError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === '42501') {
    return unreadable(name, TABLES);
  }
  const said = code === '' ? '' : ` (${code})`;
  return new RecordsError(
    `${name}: did not answer the question for calls${said}; see that PostgreSQL runs and lets this role in.`,
  );
}

/** Never rejects. */
export async function checkTables(question: Question): Promise<RecordsCheck> {
  try {
    const tables = await tablesOf(question);
    return { problem: null, hints: await hintsFor(question.query, tables) };
  } catch (error) {
    return { problem: failure(question.name, error).message, hints: [] };
  }
}

async function hintsFor(query: PgQuery, tables: Tables): Promise<string[]> {
  const leg = tables.has('v_xml_cdr.leg') ? 'leg::text' : "''";
  const latest = tables.has('v_xml_cdr.start_stamp') ? 'start_stamp DESC' : 'start_epoch DESC';
  const own = tables.has('v_xml_cdr.json') ? 'json IS NOT NULL' : 'false';
  const apart = tables.has('v_xml_cdr_json.json')
    ? 'EXISTS (SELECT 1 FROM v_xml_cdr_json j WHERE j.xml_cdr_uuid = c.xml_cdr_uuid AND j.json IS NOT NULL)'
    : 'false';
  const rows = await query(
    `SELECT ${leg} AS leg, (${own} OR ${apart})::text AS whole FROM v_xml_cdr c ORDER BY ${latest} LIMIT 200`,
    [],
  );
  if (rows.length === 0) {
    return [
      'v_xml_cdr holds no call: see that FreeSWITCH has mod_xml_cdr loaded and the service xml_cdr of FusionPBX runs.',
    ];
  }
  const hints: string[] = [];
  if (!rows.some((row) => row.whole === 'true')) {
    hints.push(
      'The rows hold no whole record, so phones that were rung in vain and trunks are not known: in Advanced, Default Settings set ' +
        'cdr / format to json and cdr / storage to db.',
    );
  }
  if (tables.has('v_xml_cdr.leg') && !rows.some((row) => row.leg === 'b')) {
    hints.push(
      'Legs that are called have no rows, so a phone that a transfer tried is not always known: in ' +
        'autoload_configs/xml_cdr.conf.xml set <param name="log-b-leg" value="true"/>, then reload mod_xml_cdr.',
    );
  }
  return hints;
}
