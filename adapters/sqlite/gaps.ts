/** The store of gaps; runs in the database thread. The rules are in `src/records/gaps.ts`. */
import type { Gap, GapProgress, GapQuery, Gaps } from '../../src/records/gaps.ts';
import type { PbxTime } from '../../src/records/pbx-time.ts';
import { parsed } from './parsed.ts';
import { prepared } from './thread/prepared.ts';
import type { Connection } from './thread/rpc.ts';
import { unsynced } from './thread/unsynced.ts';

type Arg<M extends keyof Gaps> = Parameters<Gaps[M]>[0];

interface Row extends Omit<Gap, 'filledTo'> {
  readonly filledTo: string | null;
}

const COLUMNS = `id, source, began_at AS beganAt, ended_at AS endedAt, listed_at AS listedAt, reason, live, state,
  filled_to AS filledTo, created, completed, skipped, note, settled_at AS settledAt`;

/** Of which it is not known how far the records were read, they are read from its beginning. */
const toGap = ({ filledTo, ...row }: Row): Gap => ({
  ...row,
  filledTo: filledTo === null ? {} : (parsed<Gap['filledTo']>(filledTo) ?? {}),
});

/** As of `latest`. Nothing of it reads more than the gaps of one source. */
function latestOf(db: Connection) {
  const first = db.prepare<[], string | null>('SELECT min(source) FROM gap').pluck();
  const after = db.prepare<[object], string | null>('SELECT min(source) FROM gap WHERE source > @source').pluck();
  const one = (where: string) =>
    db.prepare<[object], Row>(
      `SELECT ${COLUMNS} FROM gap WHERE source = @source ${where} ORDER BY began_at DESC, id DESC LIMIT 1`,
    );
  const queries = [one("AND state = 'open'"), one(''), one("AND state = 'waiting'"), one("AND state = 'unfilled'")];
  return (): readonly Gap[] => {
    const found = new Map<number, Gap>();
    for (let source = first.get(); source != null; source = after.get({ source })) {
      for (const query of queries) {
        const row = query.get({ source });
        if (row !== undefined && !found.has(row.id)) found.set(row.id, toGap(row));
      }
    }
    return [...found.values()];
  };
}

export function gapsModule(db: Connection) {
  const open = db.prepare<[object], Row>(`SELECT ${COLUMNS} FROM gap WHERE source = @source AND state = 'open'`);
  const insert = db.prepare<[object]>(
    `INSERT INTO gap (source, began_at, reason, live, state)
     SELECT @source, @at, @reason, @live, 'open'
     WHERE NOT EXISTS (SELECT 1 FROM gap WHERE source = @source AND state = 'open')`,
  );
  const end = db.prepare<[object]>(
    "UPDATE gap SET ended_at = @at, listed_at = @listedAt, state = 'waiting' WHERE id = @id",
  );
  const one = db.prepare<[object], Row>(`SELECT ${COLUMNS} FROM gap WHERE id = @id`);
  const waiting = db.prepare<[object], Row>(
    `SELECT ${COLUMNS} FROM gap WHERE source = @source AND state = 'waiting' ORDER BY began_at`,
  );
  const progress = db.prepare<[object]>(
    `UPDATE gap SET filled_to = @filledTo, created = created + @created, completed = completed + @completed,
       skipped = skipped + @skipped WHERE id = @id`,
  );
  const settle = db.prepare<[object]>(
    'UPDATE gap SET state = @state, note = @note, settled_at = @at WHERE id = @id AND ended_at IS NOT NULL',
  );
  const heard = db.prepare<[object]>(
    'INSERT OR REPLACE INTO heard (source, at, ahead_ms, own_times) VALUES (@source, @at, @aheadMs, @ownTimes)',
  );
  const lastHeard = db.prepare<[object], { at: number; aheadMs: number; ownTimes: number }>(
    'SELECT at, ahead_ms AS aheadMs, own_times AS ownTimes FROM heard WHERE source = @source',
  );
  const unchecked = db.prepare<[object], Row>(
    `SELECT ${COLUMNS} FROM gap WHERE source = @source AND state = 'filled' AND checked = 0 AND ended_at < @endedBefore
     ORDER BY began_at`,
  );
  const checked = db.prepare<[object]>('UPDATE gap SET checked = 1 WHERE id = @id');
  const shiftGap = db.prepare<[object]>(
    "UPDATE gap SET began_at = began_at + @by WHERE source = @source AND state = 'open'",
  );
  const shiftHeard = db.prepare<[object]>(
    'UPDATE heard SET at = at + @by, ahead_ms = ahead_ms - @by WHERE source = @source',
  );
  const forget = db.prepare<[object]>(
    "DELETE FROM gap WHERE ended_at < @endedBefore AND state IN ('filled', 'unfilled')",
  );
  const listing = prepared<Row>(db);
  const found = (id: number): Gap | null => {
    const row = one.get({ id });
    return row === undefined ? null : toGap(row);
  };
  return {
    begin: (args: Arg<'begin'>): void => void insert.run(whole(args)),
    end: db.transaction((args: Arg<'end'>): Gap | null => {
      const row = open.get({ source: args.source });
      if (row === undefined) return null;
      // A list from before it tells nothing of what was in it.
      const listedAt = args.listedAt !== null && args.listedAt >= row.beganAt ? Math.floor(args.listedAt) : null;
      end.run({ id: row.id, at: Math.max(Math.floor(args.at), row.beganAt), listedAt });
      return found(row.id);
    }).immediate,
    waiting: ({ source }: Arg<'waiting'>): readonly Gap[] => waiting.all({ source }).map(toGap),
    progress: ({ filledTo, ...rest }: GapProgress): void =>
      void progress.run({ ...rest, filledTo: JSON.stringify(filledTo) }),
    settle: (args: Arg<'settle'>): Gap | null => {
      settle.run(whole(args));
      return found(args.id);
    },
    list: ({ source, since, until, limit }: GapQuery): readonly Gap[] => {
      const parts: (readonly [sql: string, value: string | number])[] = [];
      if (source !== undefined) parts.push(['source = ?', source]);
      if (since !== undefined) parts.push(['coalesce(ended_at, 9e15) >= ?', since]);
      if (until !== undefined) parts.push(['began_at <= ?', until]);
      const where = parts.length === 0 ? '' : `WHERE ${parts.map(([sql]) => sql).join(' AND ')}`;
      return listing(`SELECT ${COLUMNS} FROM gap ${where} ORDER BY began_at DESC, id DESC LIMIT ?`)
        .all(...parts.map(([, value]) => value), limit)
        .map(toGap);
    },
    /**
     * Of each source the gap that is open, the last one, the last that waits for its records, and the last that was not filled; those that
     * there are, each once.
     */
    latest: latestOf(db),
    // A power cut may undo it: the gap then begins earlier, and nothing is missed.
    heard: unsynced(db, ({ source, at, time: { aheadMs, ownTimes } }: Arg<'heard'>): void => {
      heard.run({ source, at: Math.floor(at), aheadMs: Math.round(aheadMs), ownTimes: ownTimes ? 1 : 0 });
    }),
    lastHeard: ({ source }: Arg<'lastHeard'>): { at: number; time: PbxTime } | null => {
      const row = lastHeard.get({ source });
      return row === undefined ? null : { at: row.at, time: { aheadMs: row.aheadMs, ownTimes: row.ownTimes === 1 } };
    },
    unchecked: (args: Arg<'unchecked'>): readonly Gap[] => unchecked.all(args).map(toGap),
    checked: (args: Arg<'checked'>): void => void checked.run(args),
    shift: db.transaction(({ source, by }: Arg<'shift'>): void => {
      const args = { source, by: Math.round(by) };
      shiftGap.run(args);
      shiftHeard.run(args);
    }).immediate,
    /** Removes settled gaps that ended before `endedBefore`, ms since the epoch. */
    forget: (args: { endedBefore: number }): void => void forget.run(args),
  };
}

/** Times are kept as whole ms. */
function whole<T extends { readonly at: number }>(args: T): T {
  return { ...args, at: Math.floor(args.at) };
}
