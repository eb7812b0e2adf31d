/** The tables of a recorded FreePBX on real servers: each call must be the same as from its recording alone. */
import { isDeepStrictEqual } from 'node:util';
import { createTableRecords } from '../../../adapters/asterisk/records/database/place.ts';
import { createMysql } from '../../../adapters/database/mysql.ts';
import { createPostgres } from '../../../adapters/database/postgres.ts';
import { everything, readCalls, SOURCE, spanOf, type TextRow } from '../../adapters/asterisk/records/support.ts';
import { READER, type Tables } from './tables.ts';

const KINDS = [['cdr', 'cel'], ['cel'], ['cdr']] as const;

/** Fills the tables, and reads them whole, by CEL alone and by CDR alone, in small pages. */
export async function recordedCalls(tables: Tables): Promise<readonly string[]> {
  const change = tables.type === 'mysql' ? (row: TextRow) => row : asPostgres;
  const { tables: rows } = everything(KINDS[0], change);
  await tables.fill('cdr', rows.cdr);
  await tables.fill(
    'cel',
    rows.cel.map(({ id: _, ...row }) => row),
  );
  const { server, database, type } = tables;
  const create = type === 'mysql' ? createMysql : createPostgres;
  const address = { host: server.host, port: server.port, socket: null };
  const from = create({ address, database, username: READER.username, password: () => READER.password });
  const wrong: string[] = [];
  for (const kinds of KINDS) {
    const { calls } = everything(kinds, change);
    const places = kinds.map((kind) => ({ kind, table: kind, database: from }));
    const records = createTableRecords({ source: SOURCE, tables: places, rowsAtOnce: 60 });
    const read = await readCalls(records, spanOf(calls));
    const told = (text: string): void => void wrong.push(`${kinds.join(' and ')}: ${text}`);
    if (read.pages.length < 2) told(`all in ${read.pages.length} page`);
    for (const [id, call] of calls) {
      const versions = read.calls.get(id) ?? [];
      if (versions.length === 0) told(`${id} is missing`);
      if (!versions.every((version) => isDeepStrictEqual(version, call))) told(`${id} is not whole`);
    }
    for (const id of read.calls.keys()) if (!calls.has(id)) told(`${id} is none`);
  }
  return wrong;
}

/** What cdr_pgsql and cel_pgsql write of the same calls. */
function asPostgres(row: TextRow): TextRow {
  const { calldate, cnum: _, cnam: __, outbound_cnum: ___, outbound_cnam: ____, dst_cnam: _____, ...others } = row;
  if (calldate === undefined) return { ...row, peeraccount: '', userfield: '' };
  const after = (seconds: number): string =>
    new Date(Date.parse(`${calldate.replace(' ', 'T')}Z`) + seconds * 1000)
      .toISOString()
      .slice(0, 19)
      .replace('T', ' ');
  const duration = Number(row.duration);
  const answer =
    row.disposition === 'ANSWERED' ? { answer: after(duration - Number(row.billsec)) } : { answer: calldate };
  return { ...others, start: calldate, ...answer, end: after(duration) };
}
