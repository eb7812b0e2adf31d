/** Calls counted by the hour in which they began, for charts. */
import type { CallStatus, Direction } from '../../../src/call/record.ts';
import type { Connection } from '../thread/rpc.ts';

export const HOUR_MS = 3_600_000;

/** The calls of one hour, counted from the beginning of what was asked for. An hour in which none began has no entry. */
export interface CallHour {
  /** Its beginning, ms since the epoch. */
  readonly at: number;
  /** How many calls there were of each kind, only those that occurred. */
  readonly calls: readonly { readonly direction: Direction; readonly status: CallStatus; readonly count: number }[];
  /** How long those that were posted took from their end until LeadSquared had them: ms, half and 95 % of them; `null`: none. */
  readonly posted: { readonly count: number; readonly p50: number; readonly p95: number } | null;
}

interface Row {
  readonly startedAt: number;
  readonly direction: Direction;
  readonly status: CallStatus;
  /** `null`: not delivered. */
  readonly tookMs: number | null;
}

export function hourCounter(db: Connection): (span: { from: number; to: number }) => readonly CallHour[] {
  const read = db.prepare<[object], Row>(
    `SELECT s.started_at AS startedAt, s.direction, s.status, d.delivered_at - s.ended_at AS tookMs
     FROM session s LEFT JOIN delivery d ON d.session_id = s.call_session_id
     WHERE s.started_at >= @from AND s.started_at < @to ORDER BY s.started_at`,
  );
  return ({ from, to }) => {
    const hours = Map.groupBy(
      read.iterate({ from, to }),
      ({ startedAt }) => startedAt - ((startedAt - from) % HOUR_MS),
    );
    return [...hours].map(([at, rows]) => ({ at, calls: kindsOf(rows), posted: postedOf(rows) }));
  };
}

function kindsOf(rows: readonly Row[]): CallHour['calls'] {
  const kinds = Map.groupBy(rows, ({ direction, status }) => `${direction} ${status}`);
  return [...kinds.values()].flatMap((of) => {
    const [first] = of;
    return first === undefined ? [] : [{ direction: first.direction, status: first.status, count: of.length }];
  });
}

/** The clock of the PBX may be ahead of ours: no post takes less than nothing. */
function postedOf(rows: readonly Row[]): CallHour['posted'] {
  const times = rows.flatMap(({ tookMs }) => (tookMs === null ? [] : [Math.max(0, tookMs)])).sort((a, b) => a - b);
  if (times.length === 0) return null;
  const share = (part: number): number => times[Math.ceil(times.length * part) - 1] ?? 0;
  return { count: times.length, p50: share(0.5), p95: share(0.95) };
}
