/** A database with the calls of some days, for pages that look as they do at work. */
import BetterSqlite3 from 'better-sqlite3';
import { openJournal } from '../../bench/support/journal.ts';
import type { CallRecord, CallStatus } from '../../src/call/record.ts';
import { call } from '../delivery/fakes.ts';

const HOUR_MS = 3_600_000;
const HOURS = 8 * 24;
/** Calls an hour at the best time of the day. */
const MOST = 24;

/** Calls of the last eight days, by the hour of the day; all delivered. Always the same ones, before `now` (ms since the epoch). */
export async function fillDays(path: string, now: number): Promise<number> {
  const records: CallRecord[] = [];
  for (let hour = HOURS; hour > 0; hour -= 1) {
    const begin = now - hour * HOUR_MS;
    // More in the middle of a day than at its ends; no two hours alike.
    const share = Math.max(0, Math.sin(((new Date(begin).getHours() - 7) / 13) * Math.PI));
    const calls = Math.round(MOST * share * (0.7 + 0.3 * Math.sin(hour * 1.7)));
    for (let n = 0; n < calls; n += 1) records.push(recordOf(records.length, begin + (n * HOUR_MS) / calls));
  }
  const journal = await openJournal(path);
  await journal.commit({ frames: [], opened: [], released: [], ended: records });
  await journal.close();
  const db = new BetterSqlite3(path);
  db.exec(
    `UPDATE delivery SET state = 'delivered', step = NULL, delivered_at = ended_at + 400 + (id * 7919) % 2600
     WHERE state <> 'skipped'`,
  );
  db.close();
  return records.length;
}

const KINDS: readonly (readonly [CallRecord['direction'], CallStatus])[] = [
  ...Array.from({ length: 9 }, () => ['Inbound', 'Answered'] as const),
  ['Inbound', 'Missed'],
  ['Inbound', 'Abandoned'],
  ...Array.from({ length: 5 }, () => ['Outbound', 'Answered'] as const),
  ['Outbound', 'NoAnswer'],
  ['Outbound', 'Busy'],
];

function recordOf(n: number, at: number): CallRecord {
  const [direction, status] = KINDS[(n * 31) % KINDS.length] ?? ['Inbound', 'Answered'];
  const startedAt = Math.floor(at);
  const answered = status === 'Answered';
  const seconds = answered ? 40 + ((n * 53) % 400) : 0;
  const agent = answered || direction === 'Outbound' ? `100${1 + (n % 6)}` : null;
  return call(n, {
    ...{ callSessionId: `asterisk-${Math.floor(startedAt / 1000)}.${n}`, source: 'asterisk', direction, status, agent },
    ...{ startedAt, answeredAt: answered ? startedAt + 6000 : null, endedAt: startedAt + 6000 + seconds * 1000 },
    ...{ durationSeconds: seconds, talkSeconds: seconds, ringSeconds: 6, queue: n % 3 === 0 ? 'sales' : null },
  });
}
