/** What is said of tables that cannot be read, or do not hold all calls. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createTableRecords } from '../../../../adapters/asterisk/records/database/place.ts';
import { createSqlite } from '../../../../adapters/database/sqlite.ts';
import { everything, folderFor, moved, readCalls, SOURCE, sqliteFile, tablesOf, writtenIn } from './support.ts';

const HOUR_MS = 3_600_000;

function placeIn(file: string, kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel'], rowsAtOnce = 1_000) {
  const database = createSqlite({ file });
  return createTableRecords({
    source: SOURCE,
    tables: kinds.map((kind) => ({ kind, table: kind, database })),
    rowsAtOnce,
  });
}

t.test('what a place lacks is said with the remedy', async (t) => {
  const { cdr, cel } = tablesOf('inbound_answered');
  const folder = folderFor(t);
  const problem = async (name: string, kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel']) => {
    const place = placeIn(join(folder, name), kinds);
    const { problem } = await place.check();
    await t.rejects(readCalls(place, { from: 0, to: 1 }), { name: 'RecordsError', message: problem ?? 'none' });
    return problem;
  };
  t.match(await problem('none.db'), /none\.db: cannot be opened: correct file/);
  writeFileSync(join(folder, 'text.db'), 'this is no database, but a text of some length that says so'.repeat(20));
  t.match(await problem('text.db'), /is no SQLite database/);
  sqliteFile(join(folder, 'cdr.db'), { cdr });
  t.match(await problem('cdr.db'), /there is no table cel: correct cel_table .* set cel_table = ''/);
  const stock = cdr.map(({ linkedid: _, ...row }) => row);
  sqliteFile(join(folder, 'stock.db'), { cdr: stock });
  t.match(await problem('stock.db', ['cdr']), /table cdr has no column linkedid: .*'\$\{CDR\(linkedid\)\}'/);
  const odd = cel.map((row) => ({ ...row, eventtime: 'Thu Nov 26' }));
  sqliteFile(join(folder, 'odd.db'), { cel: odd });
  t.match(await problem('odd.db', ['cel']), /column eventtime of table cel holds no times .* dateformat/);
});

t.test('hints: CEL that is not written any more, columns and events that are missing', async (t) => {
  const { tables } = everything();
  const folder = folderFor(t);
  const hintsOf = async (
    name: string,
    given: Partial<typeof tables>,
    kinds: readonly ('cdr' | 'cel')[] = ['cdr', 'cel'],
  ) => {
    const file = join(folder, name);
    sqliteFile(file, given);
    const { problem, hints } = await placeIn(file, kinds).check();
    t.equal(problem, null);
    return hints.join('\n');
  };
  t.equal(await hintsOf('good.db', tables), '');
  const later = moved(tablesOf('inbound_answered'), 48 * HOUR_MS, 1, writtenIn('UTC'));
  t.match(
    await hintsOf('old.db', { ...tables, cdr: [...tables.cdr, ...later.cdr] }),
    /table cel is older .* enable=yes/,
  );
  t.match(await hintsOf('no-cel.db', { cdr: tables.cdr }, ['cdr']), /CEL is not read.*unanswered=yes/s);
  const bare = tables.cdr.map(({ did: _, recordingfile: __, ...row }) => row);
  t.match(await hintsOf('bare.db', { ...tables, cdr: bare }), /no column did, recordingfile/);
  const few = tables.cel.filter(({ eventtype }) => !/BRIDGE/.test(eventtype ?? ''));
  t.match(await hintsOf('few.db', { ...tables, cel: few }), /no BRIDGE_ENTER, BRIDGE_EXIT: add them in cel.conf/);
});
