/** The channels that rows of channel event logging (CEL) speak of, and what each did when. */
import type { ChannelFacts, ChannelId, Initiator } from '../../../src/telephony/call-event.ts';
import { epochOf, factsOf, known } from '../events/channel.ts';
import { wireOf } from '../events/channel-name.ts';
import type { CelRow } from './row.ts';

/** A row with its time in UTC, ms since the epoch. */
export type TimedCel = Omit<CelRow, 'utc' | 'whole'>;

/** A stretch of time in which a channel ran one application of the dialplan. */
export interface AppRun {
  readonly name: string;
  readonly data: string;
  readonly from: number;
  to: number;
  /** The rows written meanwhile. */
  readonly rows: TimedCel[];
}

export interface CelChannel {
  readonly id: ChannelId;
  readonly name: string;
  readonly facts: ChannelFacts;
  readonly createdAt: number;
  /** True when the row of its beginning is there. */
  readonly begun: boolean;
  /** `null` when no row tells its end. */
  readonly endedAt: number | null;
  readonly lastAt: number;
  readonly rows: readonly TimedCel[];
  readonly runs: readonly AppRun[];
}

/** What Asterisk shows as the application of channels it called itself; the first of them, where it was asked to call. */
const ASKED = 'AppDial2';
const CALLED = /^(?:AppDial2?|AppQueue)$/;

/** `rows` in order of time. */
export function channelsOf(rows: readonly TimedCel[]): ReadonlyMap<ChannelId, CelChannel> {
  const byId = new Map<ChannelId, TimedCel[]>();
  for (const row of rows) {
    const own = byId.get(row.uniqueid);
    if (own === undefined) byId.set(row.uniqueid, [row]);
    else own.push(row);
  }
  return new Map([...byId].map(([id, own]) => [id, channelOf(id, own)]));
}

function channelOf(id: ChannelId, rows: readonly TimedCel[]): CelChannel {
  const start = rows.find(({ type }) => type === 'CHAN_START');
  const first = start ?? rows[0];
  const lastAt = Math.max(...rows.map(({ at }) => at));
  const ends = rows.filter(({ type }) => type === 'HANGUP' || type === 'CHAN_END').map(({ at }) => at);
  const born = epochOf(id);
  return {
    id,
    name: first?.channel ?? '',
    facts: channelFacts(id, rows, start ?? null),
    createdAt: start?.at ?? (born === null ? (first?.at ?? 0) : born + 500),
    begun: start !== undefined,
    endedAt: ends.length === 0 ? null : Math.min(...ends),
    lastAt,
    rows,
    runs: runsOf(rows),
  };
}

function channelFacts(id: ChannelId, rows: readonly TimedCel[], start: TimedCel | null): ChannelFacts {
  const first = start ?? rows[0];
  const name = first?.channel ?? '';
  const headers: Readonly<Record<string, string | undefined>> = {
    Channel: name,
    Uniqueid: id,
    Linkedid: first?.linkedid,
    Context: first?.context,
    CallerIDNum: first?.cidnum,
  };
  const initiator = initiatorOf(name, rows, start);
  const exten = first === undefined || /^[a-z]?$/i.test(first.exten) ? null : first.exten;
  const told = exten ?? known(rows.find(({ ciddnid }) => ciddnid !== '')?.ciddnid);
  const dialled = initiator === 'endpoint' ? told : null;
  const facts = factsOf({ get: (header: string) => headers[header] }, initiator, dialled);
  const caller = { number: facts.caller.number, name: known(first?.cidname) };
  return { ...facts, caller, ...(start === null ? { contextMoved: true } : {}) };
}

/**
 * A channel that the PBX makes for a call has the linked id of that call from its first moment; one whose endpoint calls in begins
 * a call of its own, as does one that the PBX was asked to call. Whoever picks up a call takes the place of a channel that was
 * called, and shows its application from then on.
 */
function initiatorOf(name: string, rows: readonly TimedCel[], start: TimedCel | null): Initiator {
  if (wireOf(name) !== null) return name.endsWith(';2') ? 'endpoint' : 'pbx';
  if (start !== null && start.linkedid !== start.uniqueid) return 'pbx';
  return rows.some(({ appname }) => (start === null ? CALLED.test(appname) : appname === ASKED)) ? 'pbx' : 'endpoint';
}

/**
 * A row shows the application that its channel runs. Few set-ups log the beginning and end of an application; without them it
 * began after the row before the first that shows it, and is over with the first that shows none, or another.
 */
function runsOf(rows: readonly TimedCel[]): AppRun[] {
  const runs: AppRun[] = [];
  let current: AppRun | null = null;
  let before = rows[0]?.at ?? 0;
  for (const row of rows) {
    const same: boolean = current !== null && current.name === row.appname && current.data === row.appdata;
    if (row.type === 'APP_START' || !same) {
      if (current !== null) current.to = Math.max(row.at, current.from);
      current = null;
      if (row.appname !== '' && !CALLED.test(row.appname)) {
        const from = row.type === 'APP_START' ? row.at : before;
        current = { name: row.appname, data: row.appdata, from, to: Number.POSITIVE_INFINITY, rows: [] };
        runs.push(current);
      }
    }
    current?.rows.push(row);
    if (current !== null && (row.type === 'APP_END' || row.type === 'CHAN_END')) {
      current.to = row.at;
      current = null;
    }
    before = row.at;
  }
  return runs;
}
