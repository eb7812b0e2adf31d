/** Records of calls in the tables of a database: MariaDB and MySQL, PostgreSQL, files of SQLite. */
import type { Span } from '../../../../src/call/cdr/coverage.ts';
import type {
  CallRecords,
  RecordedCalls,
  RecordsCheck,
  RecordsPage,
  SkippedRecords,
  WantedCall,
} from '../../../../src/records/port.ts';
import type { Connection, Database } from '../../../database/port.ts';
import { ownedBy } from '../columns.ts';
import { tableEvents } from '../tables.ts';
import { checkTables } from './check.ts';
import { linkedIdsOf } from './related.ts';
import { withoutLinkedId } from './remedies.ts';
import { type OpenTable, shapeOf, type TableKind, type TableShape } from './shape.ts';
import { wholeCalls } from './whole.ts';
import { callsBefore, earlierLegs, foundByStart, scopeOf, stretchOf, type Window, windowOf } from './windows.ts';

/** One table, and the database that it is in. */
export interface TablePlace {
  readonly kind: TableKind;
  readonly table: string;
  readonly database: Database;
}

export interface TableRecordsOptions {
  /** Name of the source whose calls they are. */
  readonly source: string;
  /** `cdr`, `cel` or both. */
  readonly tables: readonly TablePlace[];
  /** `systemname` of asterisk.conf, where other PBXs write into the same tables; all calls are read where absent. */
  readonly systemName?: string | null;
  /** Rows from which the calls of a page are taken; the calls come with all of their rows. */
  readonly rowsAtOnce?: number;
}

/** What a page costs is done in one turn of the event loop, beside the events of live calls. */
const ROWS_AT_ONCE = 200;
const CALLS_AT_ONCE = 50;

type Session = Map<Database, Connection>;

export function createTableRecords(options: TableRecordsOptions): CallRecords {
  const { source, tables, rowsAtOnce = ROWS_AT_ONCE } = options;
  const owns = ownedBy(options.systemName ?? null);
  /** What is being done at the moment: readings and checks do not know of each other. */
  const open = new Set<Session>();

  /** Tables of one database share a connection. */
  async function connect(session: Session): Promise<OpenTable[]> {
    open.add(session);
    const opened: OpenTable[] = [];
    for (const { database, kind, table } of tables) {
      const connection = session.get(database) ?? (await database.connect());
      session.set(database, connection);
      opened.push({ connection, shape: await shapeOf(connection, database, kind, table) });
    }
    return opened;
  }

  async function disconnect(session: Session): Promise<void> {
    open.delete(session);
    await Promise.all([...session.values()].map((connection) => connection.close()));
  }

  async function* read(span: Span): AsyncGenerator<RecordsPage> {
    const session: Session = new Map();
    try {
      yield* pagesOf(await connect(session), span);
    } finally {
      await disconnect(session);
    }
  }

  async function* pagesOf(opened: readonly OpenTable[], span: Span): AsyncGenerator<RecordsPage> {
    const page = async (windows: readonly Window[], to: number): Promise<RecordsPage> => {
      const parts = windows.map((window) => ({ ...window, ...callsBefore(window, to) }));
      const ids = new Set(parts.flatMap(({ linkedIds }) => linkedIds.filter(owns)));
      const told = tableEvents(await wholeCalls(opened, [...ids], owns), source);
      const nameless = parts.flatMap(({ shape, nameless }) => unnamed(shape, nameless));
      return { events: told.events, skipped: [...nameless, ...told.skipped], upTo: Math.min(to, span.to) };
    };

    for (const table of opened) {
      if (!foundByStart(table.shape)) continue;
      const scope = await scopeOf(table.connection, table.shape, span.from, span.from);
      if (scope === null) continue;
      for await (const window of earlierLegs(table.connection, scope, span.from, rowsAtOnce)) {
        yield await page([window], span.from);
      }
    }

    const end = span.to + 1;
    for (let from = span.from; from < end; ) {
      const { until, scopes } = await stretchOf(opened, from, end);
      while (from < until) {
        const windows: Window[] = [];
        let to = until;
        for (const { connection, scope } of scopes) {
          const window = await windowOf(connection, scope, from, to, rowsAtOnce);
          to = Math.min(to, window.upTo);
          windows.push(window);
        }
        yield await page(windows, to);
        from = to;
      }
    }
  }

  async function* find(calls: readonly WantedCall[]): AsyncGenerator<RecordedCalls> {
    const session: Session = new Map();
    try {
      const opened = await connect(session);
      for (let at = 0; at < calls.length; at += CALLS_AT_ONCE) {
        const ids = calls.slice(at, at + CALLS_AT_ONCE).map(({ id }) => id);
        const linkedIds = [...new Set([...ids, ...(await linkedIdsOf(opened, ids))])].filter(owns);
        yield tableEvents(await wholeCalls(opened, linkedIds, owns), source);
      }
    } finally {
      await disconnect(session);
    }
  }

  function unnamed(shape: TableShape, count: number): SkippedRecords[] {
    return count === 0 ? [] : [{ count, why: withoutLinkedId(nameOf(shape.kind), shape.name) }];
  }

  const nameOf = (kind: TableKind): string => tables.find((one) => one.kind === kind)?.database.name ?? '';
  const files = [...new Set(tables.map(({ database }) => database.name))];
  return {
    name: `${files.join(', ')} (${tables
      .map(({ table }) => table)
      .sort()
      .join(', ')})`,
    read,
    find,
    async check(): Promise<RecordsCheck> {
      const session: Session = new Map();
      try {
        return await checkTables(await connect(session));
      } catch (error) {
        return { problem: error instanceof Error ? error.message : String(error), hints: [] };
      } finally {
        await disconnect(session);
      }
    },
    async close() {
      await Promise.all([...open].map(disconnect));
    },
  };
}
