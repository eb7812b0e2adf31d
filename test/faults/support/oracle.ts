/** What must be true of the CRM's ledger, by what the database is known to have held and what the daemon told to have stored. */
import BetterSqlite3 from 'better-sqlite3';
import { watchStalls, worstWindow } from '../../support/stalls.ts';
import type { Expected } from '../calls/template.ts';
import type { Site } from './site.ts';

/** Of this process, in which the CRMs of all sites are. */
export const STALLS = watchStalls();

export interface Verdict {
  /** Calls of customers that went on in the PBXs. */
  readonly calls: number;
  /** Of these: of which something was stored, so that they must be in the CRM. */
  readonly known: number;
  /** Began and ended while nobody listened. */
  readonly unheard: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** In the CRM, but of no call of the PBXs. */
  readonly foreign: readonly string[];
  /** What else is wrong, a sentence each. */
  readonly wrong: readonly string[];
}

/** Whether it found what must not be. */
export const isBad = ({ lost, doubled, foreign, wrong }: Verdict): boolean =>
  lost.length + doubled.length + foreign.length + wrong.length > 0;

/** Takes note of what a database holds, life after life; it only reads. */
export class Knowledge {
  /** Calls of which the end, or a channel, is stored. */
  readonly calls = new Set<string>();
  readonly channels = new Set<string>();
  #row = 0;

  look(database: string): void {
    const db = new BetterSqlite3(database, { readonly: true });
    try {
      // A life may have ended before it had made its tables.
      const made = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'open_channel'").pluck().get();
      if (made === 0) return;
      const fresh = db
        .prepare<[number], { id: string; row: number }>(
          'SELECT rowid AS row, call_session_id AS id FROM session WHERE rowid > ? ORDER BY rowid',
        )
        .all(this.#row);
      for (const { id, row } of fresh) {
        this.calls.add(id);
        this.#row = row;
      }
      for (const key of db.prepare<[], string>("SELECT source || '-' || channel FROM open_channel").pluck().iterate()) {
        this.channels.add(key);
      }
    } finally {
      db.close();
    }
  }
}

const isKnown = (known: Knowledge, { id }: Expected): boolean => known.calls.has(id) || known.channels.has(id);

/** Ids of channels in each copy: whatever the daemon may call a part of it; with the number of the copy. */
function channelsOf(site: Site): Map<string, number> {
  const own = new Map<string, number>();
  let number = 0;
  for (const pbx of site.pbxs) {
    for (const { template, copy } of pbx.exchange.placed) {
      number += 1;
      for (let index = 0; index < template.length; index += 1) {
        const text = template.frame(index, copy).toString('latin1');
        const ids =
          pbx.pbx === 'asterisk' ? /^(?:Dest)?Uniqueid: (.*)\r$/gm : /"(?:Unique-ID|Channel-Call-UUID)":"([^"]+)"/g;
        for (const match of text.matchAll(ids)) own.set(`${pbx.pbx}-${match[1]}`, number);
      }
    }
  }
  return own;
}

/** The calls of customers that went on in the PBXs of the site. */
export function placedCalls(site: Site): Expected[] {
  return site.pbxs.flatMap(({ exchange }) => exchange.placed.flatMap(({ calls }) => calls.filter((one) => one.posted)));
}

interface Row {
  readonly id: string;
  readonly state: string;
  readonly step: string | null;
  readonly reason: string | null;
}

interface Try {
  readonly step: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly outcome: string | null;
  readonly message: string | null;
}

/** When the CRM took the call each time, and what the daemon had of its requests for it. */
function howDoubled({ crm, database }: Site, id: string): string {
  const db = new BetterSqlite3(database, { readonly: true });
  const tries = db
    .prepare<[string], Try>(
      `SELECT a.step, a.started_at AS startedAt, a.finished_at AS finishedAt, a.outcome, a.message
       FROM attempt a JOIN delivery d ON d.id = a.delivery_id WHERE d.session_id = ? ORDER BY a.number`,
    )
    .all(id);
  db.close();
  const time = (ms: number | null): string => (ms === null ? '-' : new Date(ms).toISOString().slice(11, 23));
  const taken = crm.ledger.bySession(id).map(({ at }) => time(at));
  const own = tries.map(
    ({ step, startedAt, finishedAt, outcome, message }) =>
      `${step} ${time(startedAt)} to ${time(finishedAt)}: ${outcome ?? 'no answer'} ${message ?? ''}`,
  );
  return `${id}: taken at ${taken.join(', ')}; ${own.join(' | ')}`;
}

/** Reads the database of a daemon that has ended. `limit`: requests that the CRM allows in a window. */
export function judge(site: Site, known: Knowledge, limit: number): Verdict {
  known.look(site.database);
  for (const life of site.lives) for (const id of life.stored) known.calls.add(id);
  const calls = placedCalls(site);
  const ledger = new Map<string, number>();
  for (const { body } of site.crm.ledger.calls()) {
    const id = String(body.CallSessionId);
    ledger.set(id, (ledger.get(id) ?? 0) + 1);
  }
  const rows = new Map<string, Row>();
  const wrong: string[] = [];
  const db = new BetterSqlite3(site.database, { readonly: true });
  const ok = db.pragma('integrity_check', { simple: true });
  if (ok !== 'ok') wrong.push(`integrity_check: ${String(ok)}`);
  for (const row of db.prepare<[], Row>('SELECT session_id AS id, state, step, reason FROM delivery').iterate()) {
    rows.set(row.id, row);
    if (row.step !== null || !['delivered', 'skipped'].includes(row.state)) {
      wrong.push(`${row.id} is left ${row.state}: ${row.reason ?? 'no reason'}`);
    }
  }
  db.close();
  const must = calls.filter((call) => isKnown(known, call));
  const expected = new Set(calls.map(({ id }) => id));
  const strange = [...ledger.keys()].filter((id) => !expected.has(id));
  const absent = must.filter(({ id }) => !ledger.has(id));
  const own = strange.length + absent.length === 0 ? new Map<string, number>() : channelsOf(site);
  // A call is named after the leg that was heard first: where its first one was not, after another of the same copy.
  const renamed = new Map<number, number>();
  for (const id of strange) {
    const copy = own.get(id);
    if (copy !== undefined) renamed.set(copy, (renamed.get(copy) ?? 0) + 1);
  }
  const isRenamed = (id: string): boolean => {
    const copy = own.get(id);
    const left = copy === undefined ? 0 : (renamed.get(copy) ?? 0);
    if (copy !== undefined && left > 0) renamed.set(copy, left - 1);
    return left > 0;
  };
  const lost = absent
    .filter(({ id }) => !isRenamed(id))
    .map(({ id }) => {
      const row = rows.get(id);
      return `${id} (${row === undefined ? 'no row' : `${row.state}: ${row.reason ?? 'no reason'}`})`;
    });
  const worst = worstWindow(site.crm.arrivals(), site.windowMs, STALLS);
  if (worst > limit) wrong.push(`${worst} requests in a window of ${limit}`);
  return {
    calls: calls.length,
    known: must.length,
    unheard: calls.filter((call) => !isKnown(known, call) && !ledger.has(call.id)).length,
    lost,
    doubled: [...ledger].filter(([, times]) => times > 1).map(([id]) => howDoubled(site, id)),
    foreign: strange.filter((id) => !own.has(id)),
    wrong,
  };
}
