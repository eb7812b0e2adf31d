/** The channels that rows of call detail records speak of. */
import type { ChannelFacts, ChannelId, Initiator } from '../../../src/telephony/call-event.ts';
import { epochOf, factsOf, known } from '../events/channel.ts';
import { endpointOf } from '../events/channel-name.ts';
import type { CdrRow } from './row.ts';

/** A row with times in UTC, ms since the epoch. */
export interface TimedRow extends Omit<CdrRow, 'start' | 'answer' | 'end'> {
  readonly start: number;
  readonly answer: number | null;
  readonly end: number;
  /**
   * True when the row tells the answer of A and not that of B: A was up already in the second of its start, or is the near end of a
   * pair that the PBX was asked to call, which is answered by who is called first.
   */
  readonly answerHidden: boolean;
  readonly a: Leg;
  /** `null`: A alone, in an application. */
  readonly b: Leg | null;
}

export interface Leg {
  readonly id: ChannelId;
  readonly name: string;
  readonly facts: ChannelFacts;
  readonly createdAt: number;
  readonly endedAt: number;
}

type RowsOf = (uniqueid: string) => readonly CdrRow[];

/** A channel being gathered from the rows that name it. */
interface Trace {
  readonly id: ChannelId;
  readonly name: string;
  readonly linkedIds: Set<string>;
  from: number;
  to: number;
  readonly asA: CdrRow[];
  readonly asB: CdrRow[];
}

/** Applications that Asterisk shows on channels it dialled itself. */
const DIALLED = /^(?:AppDial2?|AppQueue)$/;

/** The rows with their channels and times, in order of their start. `offset`: what to subtract from a row's times, ms. */
export function legsOf(rows: readonly CdrRow[], offset: (row: CdrRow) => number): TimedRow[] {
  const ordered = rows
    .map((row): CdrRow => {
      const zone = offset(row);
      return {
        ...row,
        start: row.start - zone,
        answer: row.answer === null ? null : row.answer - zone,
        end: row.end - zone,
      };
    })
    .sort((a, b) => a.start - b.start || a.sequence - b.sequence);
  const traces = tracesOf(ordered);
  const byChannel = Map.groupBy(ordered, ({ uniqueid }) => uniqueid);
  const legs = new Map<Trace, Leg>(
    [...traces.all].map((trace) => [trace, legOf(trace, (id) => byChannel.get(id) ?? [])]),
  );
  return ordered.flatMap((row): TimedRow[] => {
    const a = legs.get(traces.a(row));
    const other = traces.b(row);
    const b = other === null ? null : (legs.get(other) ?? null);
    return a === undefined
      ? []
      : [{ ...row, ...spread(row), a, b, answerHidden: row.answer === row.start || isAskedFor(row) }];
  });
}

function isAskedFor({ channel, uniqueid, linkedid }: CdrRow): boolean {
  return uniqueid === linkedid && channel.startsWith('Local/');
}

/**
 * A row names the Uniqueid of A only; B is told by its name. Names are unique in one run of Asterisk and begin anew with the
 * next, so a name stands for the same channel within one call, or without a pause between two calls (a transfer).
 */
function tracesOf(rows: readonly CdrRow[]) {
  const byId = new Map<string, Trace>();
  const byName = new Map<string, Trace[]>();
  const add = (id: string, name: string, row: CdrRow): Trace => {
    const trace: Trace = { id, name, linkedIds: new Set(), from: row.start, to: row.end, asA: [], asB: [] };
    byName.set(name, [...(byName.get(name) ?? []), trace]);
    return trace;
  };
  const widen = (trace: Trace, row: CdrRow): Trace => {
    trace.linkedIds.add(row.linkedid);
    trace.from = Math.min(trace.from, row.start);
    trace.to = Math.max(trace.to, row.end);
    return trace;
  };
  const others = new Map<CdrRow, Trace>();
  for (const row of rows) {
    const trace = byId.get(row.uniqueid) ?? add(row.uniqueid, row.channel, row);
    byId.set(row.uniqueid, trace);
    widen(trace, row).asA.push(row);
  }
  for (const row of rows) {
    if (row.dstchannel === '') continue;
    const same = byName
      .get(row.dstchannel)
      ?.find((one) => one.linkedIds.has(row.linkedid) || (row.start <= one.to + 1000 && row.end >= one.from - 1000));
    const trace = widen(same ?? add(`${row.dstchannel}~${row.linkedid}`, row.dstchannel, row), row);
    trace.asB.push(row);
    others.set(row, trace);
  }
  return {
    all: new Set([...byId.values(), ...others.values()]),
    a: (row: CdrRow) => byId.get(row.uniqueid) ?? add(row.uniqueid, row.channel, row),
    b: (row: CdrRow) => others.get(row) ?? null,
  };
}

function legOf(trace: Trace, rowsOf: RowsOf): Leg {
  const { id, name, asA, asB } = trace;
  const own = asA[0];
  const initiator = initiatorOf(trace, rowsOf);
  // Another member of a conference may name the channel as its B before the channel's own row begins.
  const ownFirst = own !== undefined && (initiator === 'endpoint' || own.start <= (asB[0]?.start ?? own.start));
  const first = ownFirst ? own : (asB[0] ?? own);
  const headers: Readonly<Record<string, string | undefined>> = {
    Channel: name,
    Linkedid: first?.linkedid ?? id,
    // The context of a dialled channel is not its own.
    Context: initiator === 'endpoint' ? own?.dcontext : undefined,
  };
  const packet = { get: (header: string) => headers[header] };
  const caller = { number: known(first?.cnum) ?? known(first?.src), name: nameIn(first?.clid ?? '') };
  const born = own === undefined ? null : epochOf(own.uniqueid);
  const starts = first === undefined ? trace.from : spread(first).start;
  return {
    id,
    name,
    facts: {
      // A record tells the context in which the call ended.
      contextMoved: true,
      ...factsOf(packet, initiator, initiator === 'endpoint' && own !== undefined ? dialledOn(own, asA) : null),
      caller,
      ...(own === undefined ? { unnamed: true } : {}),
    },
    createdAt: born === null || born + 500 > starts ? starts : born + 500,
    endedAt: Math.max(...[...asA, ...asB].map((row) => spread(row).end)),
  };
}

/**
 * Whom a Dial named before a row of its own began was called; such a row tells what it did later, as after a transfer.
 * A phone that no Dial named has taken the call by itself (pickup); `lastdata` is cut at 79 bytes, so a longer list proves
 * nothing by itself.
 */
function initiatorOf({ name, asA, asB }: Trace, rowsOf: RowsOf): Initiator {
  if (name.startsWith('Local/') || asA.some((row) => DIALLED.test(row.lastapp))) return 'pbx';
  const endpoint = endpointOf(name);
  const called = asB.filter((row) => row.lastapp === 'Dial' && targetOf(row, endpoint) !== undefined);
  const own = asA[0];
  if (own !== undefined) return called.some((row) => row.start <= own.start) ? 'pbx' : 'endpoint';
  const may = (row: CdrRow) =>
    row.lastapp !== 'Dial' || (row.lastdata.length >= 79 && !tookOver(row, rowsOf(row.uniqueid)));
  return called.length > 0 || asB.some(may) ? 'pbx' : 'endpoint';
}

/** A call that had rung elsewhere was connected in the very second in which this leg began: nobody was rung there. */
function tookOver(row: CdrRow, ofCaller: readonly CdrRow[]): boolean {
  return (
    row.answer === row.start &&
    ofCaller.some(
      (one) => one.answer === null && one.start < row.start && Math.abs(one.end - row.start) <= 1500 && one !== row,
    )
  );
}

/** The part of `PJSIP/1001&PJSIP/+14155550132@trunk-out,30,tTkK` that dials this endpoint. */
export function targetOf(row: Pick<CdrRow, 'lastdata'>, endpoint: string): string | undefined {
  const resource = endpoint.slice(endpoint.indexOf('/') + 1);
  return (row.lastdata.split(',')[0] ?? '').split('&').find((one) => {
    const at = one.indexOf(resource);
    // A name is no part of a longer one, nor of a number.
    return at > 0 && '/@'.includes(one[at - 1] ?? '') && '/@:!'.includes(one[at + resource.length] ?? '/');
  });
}

/**
 * The number dialled on a channel. `did` where the dialplan keeps it; else `dst`, which is where the dialplan was at the end:
 * a queue or an IVR's digit is no company number.
 */
function dialledOn(row: CdrRow, all: readonly CdrRow[]): string | null {
  const told = all.find(({ did }) => did !== '');
  if (told !== undefined) return told.did;
  const isNumber = /^[*#\d]*\+?\d+$/.test(row.dst);
  return isNumber && (row.dst.length >= 5 || row.dcontext.startsWith('from-internal')) ? row.dst : null;
}

/** `"Name" <number>` as SIP writes it. */
function nameIn(clid: string): string | null {
  const name = /^"(.*)"(?: <.*>)?$/s.exec(clid)?.[1];
  return known(name);
}

/** Times are cut to whole seconds; the middle of what is left is nearest, and keeps times of the same second in order. */
function spread(row: Pick<CdrRow, 'start' | 'answer' | 'end'>): { start: number; answer: number | null; end: number } {
  const times = [row.start, ...(row.answer === null ? [] : [row.answer]), row.end];
  const placed = times.map((time, index) => {
    const same = times.filter((one) => one === time).length;
    const rank = times.slice(0, index).filter((one) => one === time).length;
    return time + Math.round((1000 * (rank + 0.5)) / same);
  });
  const [start = row.start] = placed;
  return { start, answer: row.answer === null ? null : (placed[1] ?? row.answer), end: placed.at(-1) ?? row.end };
}
