/** Records of calls in files: `Master.csv` of cdr_csv, files of cdr_custom and cel_custom, and what logrotate made of them. */
import type { Span } from '../../../../src/call/cdr/coverage.ts';
import type {
  CallRecords,
  RecordedCalls,
  RecordsPage,
  SkippedRecords,
  WantedCall,
} from '../../../../src/records/port.ts';
import { epochOf } from '../../events/channel.ts';
import { ownedBy } from '../columns.ts';
import { type TableName, UNKNOWN_LAYOUT } from '../csv.ts';
import { tableEvents } from '../tables.ts';
import { channelsIn } from './channels.ts';
import { checkFiles } from './check.ts';
import { DISORDER_MS, type FileTable, type RowBlock, rowBlocks } from './cursor.ts';
import { gather } from './gather.ts';
import { createHorizon, type Horizon, TO_THE_END } from './horizon.ts';
import { openSiblings, type Siblings } from './siblings.ts';

/** One file that is being written. */
export interface FilePlace {
  readonly table: TableName;
  readonly file: string;
  /** Names of its columns in their order; none when the file shows them. */
  readonly columns: readonly string[];
}

export interface FileRecordsOptions {
  /** Name of the source whose calls they are. */
  readonly source: string;
  /** `cdr`, `cel` or both. */
  readonly files: readonly FilePlace[];
  /** `systemname` of asterisk.conf, where other PBXs write into the same files; all calls are read where absent. */
  readonly systemName?: string | null;
  /** Calls of a page, about: those of whole blocks of the files. */
  readonly callsAtOnce?: number;
}

/** What a page costs is done in one turn of the event loop, beside the events of live calls. */
const CALLS_AT_ONCE = 100;
const LONGEST_CALL_MS = 86_400_000;

type Session = Siblings[];

/** A table that is gone through, and how far that is. */
interface Cursor {
  readonly table: FileTable;
  readonly horizon: Horizon;
  readonly blocks: AsyncGenerator<RowBlock>;
  /** Where in the table that is, as of `RowBlock`. */
  position: number;
  /** The latest row that was met, UTC, ms; infinite at the end of the files. */
  reached: number;
}

function cursorsOf(tables: readonly FileTable[], from: number): readonly Cursor[] {
  return tables.map((table) => ({
    ...{ table, horizon: createHorizon(table, from), blocks: rowBlocks(table, from) },
    ...{ position: Number.NEGATIVE_INFINITY, reached: Number.NEGATIVE_INFINITY },
  }));
}

export function createFileRecords(options: FileRecordsOptions): CallRecords {
  const { source, files, callsAtOnce = CALLS_AT_ONCE } = options;
  const owns = ownedBy(options.systemName ?? null);
  /** What is being done at the moment: readings and checks do not know of each other. */
  const open = new Set<Session>();
  const key = ({ table }: FilePlace): string => `${table}_file`;

  async function openTables(session: Session, since: number): Promise<FileTable[]> {
    open.add(session);
    const tables: FileTable[] = [];
    for (const place of files) {
      const siblings = await openSiblings(place.file, key(place), since);
      session.push(siblings);
      tables.push({ table: place.table, columns: place.columns, files: siblings.files, owns });
    }
    return tables;
  }

  async function closeTables(session: Session): Promise<void> {
    open.delete(session);
    await Promise.all(session.map((siblings) => siblings.close()));
  }

  async function* read(span: Span): AsyncGenerator<RecordsPage> {
    const session: Session = [];
    try {
      // Rows of a call stand in the files of its whole life.
      yield* pagesOf(await openTables(session, span.from - LONGEST_CALL_MS - DISORDER_MS), span);
    } finally {
      await closeTables(session);
    }
  }

  async function* pagesOf(tables: readonly FileTable[], span: Span): AsyncGenerator<RecordsPage> {
    const cursors = cursorsOf(tables, span.from);
    try {
      yield* pagesBy(cursors, span);
    } finally {
      for (const { blocks, horizon } of cursors) {
        await blocks.return(undefined);
        await horizon.close();
      }
    }
  }

  async function* pagesBy(cursors: readonly Cursor[], span: Span): AsyncGenerator<RecordsPage> {
    for (let going = true; going; ) {
      const ids = new Set<string>();
      const channels = new Set<string>();
      const faults = new Map<string, SkippedRecords>();
      let latest = span.from;
      for (const { horizon, position } of cursors) horizon.forget(position);
      while (ids.size < callsAtOnce) {
        // The table that is behind: rows of a call are written about the same time in both.
        const behind = cursors.reduce((a, b) => (b.reached < a.reached ? b : a));
        if (behind.reached > span.to + DISORDER_MS) {
          going = false;
          break;
        }
        const next = await behind.blocks.next();
        if (next.done === true) {
          behind.reached = Number.POSITIVE_INFINITY;
          continue;
        }
        const block = next.value;
        behind.position = block.position;
        behind.reached = Math.max(behind.reached, block.latest ?? behind.reached);
        count(faults, block, behind.table.table);
        for (const { row, linkedId, recordedAt, certain } of block.rows) {
          if (linkedId === '' || recordedAt === null || recordedAt > span.to + 1000) continue;
          if (certain && recordedAt < span.from - 1000) continue;
          ids.add(linkedId);
          for (const name of channelsIn(row)) channels.add(name);
          latest = Math.max(latest, recordedAt);
        }
      }
      for (const { horizon } of ids.size === 0 ? [] : cursors)
        await horizon.reach(latest + LONGEST_CALL_MS + DISORDER_MS);
      const rows = ids.size === 0 ? { cdr: [], cel: [] } : await gather(cursors, { ids, channels }, latest);
      const told = tableEvents(rows, source);
      const reached = Math.min(...cursors.map((cursor) => cursor.reached)) - DISORDER_MS;
      const upTo = going ? Math.min(span.to, Math.max(span.from, reached)) : span.to;
      yield { events: told.events, skipped: [...faults.values(), ...told.skipped], upTo };
    }
  }

  async function* find(calls: readonly WantedCall[]): AsyncGenerator<RecordedCalls> {
    const session: Session = [];
    try {
      const begun = Math.min(...calls.map(({ id, span }) => epochOf(id) ?? span.from));
      const tables = await openTables(session, begun - DISORDER_MS);
      const searched = tables.map((table) => ({ table, horizon: TO_THE_END }));
      for (let at = 0; at < calls.length; at += callsAtOnce) {
        const some = calls.slice(at, at + callsAtOnce);
        const ids = new Set(some.map(({ id }) => id));
        const latest = Math.max(...some.map(({ span }) => span.to));
        yield tableEvents(await gather(searched, { ids, channels: ids }, latest), source);
      }
    } finally {
      await closeTables(session);
    }
  }

  return {
    name: files.map(({ file }) => file).join(', '),
    read,
    find,
    async check() {
      const session: Session = [];
      try {
        return await checkFiles(await openTables(session, Number.POSITIVE_INFINITY));
      } catch (error) {
        return { problem: error instanceof Error ? error.message : String(error), hints: [] };
      } finally {
        await closeTables(session);
      }
    },
    async close() {
      await Promise.all([...open].map(closeTables));
    },
  };
}

/** Faults are told once a page and kind. */
function count(faults: Map<string, SkippedRecords>, { file, broken, unknown }: RowBlock, table: TableName): void {
  const add = (more: number, why: string): void => {
    if (more > 0) faults.set(why, { count: (faults.get(why)?.count ?? 0) + more, why });
  };
  add(broken, `${file}: lines are cut off or no CSV; was the disk full, or the file edited? They were left out.`);
  add(unknown, `${file}: lines are in no layout that is known; ${UNKNOWN_LAYOUT[table]}.`);
}
