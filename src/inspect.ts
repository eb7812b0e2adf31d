/** What a capture tells about its calls: the same fold as in the running daemon, with the clock of the capture. */
import { type CallRules, CallTable } from './call/correlate.ts';
import type { SourcePlan } from './call/plan.ts';
import type { CallRecord } from './call/record.ts';
import type { FrameReader } from './capture/reader.ts';
import type { CallEvent } from './telephony/call-event.ts';

export interface RecordedFrame {
  /** ms since the epoch. */
  readonly receivedAt: number;
  /** Counts the connections of the capture; between two of them the PBX was not heard. */
  readonly connection: number;
  readonly raw: Uint8Array;
}

/** What a capture holds. */
export interface Inspected {
  /** The finished calls, in order of their ends. */
  readonly records: CallRecord[];
  /** How many calls were still going on when the capture ended: nothing can be said of them yet. */
  readonly goingOn: number;
  /** Frames that could not be read, each left out alone, and what was wrong with the first. */
  readonly unread: { readonly count: number; readonly first: string } | null;
}

/**
 * The calls of a capture. Those still going on at its end are only counted, except those that were open when the connection was
 * lost and never confirmed afterwards: they ended unseen.
 */
export function inspectFrames(
  frames: Iterable<RecordedFrame>,
  read: FrameReader,
  source: string,
  plan: SourcePlan,
  rules: CallRules,
): Inspected {
  const table = new CallTable(source, plan, rules);
  const ended: CallRecord[] = [];
  let last = 0;
  let unread: Inspected['unread'] = null;
  const onUnread = (error: unknown): void => {
    const first = unread?.first ?? (error instanceof Error ? error.message : String(error));
    unread = { count: (unread?.count ?? 0) + 1, first };
  };
  for (const event of eventsIn(frames, read, source, onUnread)) {
    last = Math.max(last, event.receivedAt);
    ended.push(...table.apply(event).ended);
  }
  ended.push(...table.advance(last + rules.graceMs + rules.externalGoneMs).ended);
  ended.push(...table.endUnconfirmed());
  return { records: ended.sort((a, b) => a.endedAt - b.endedAt), goingOn: table.openCalls, unread };
}

/** What the frames say, with the loss of the link between two connections. `onUnread`: hears of each that cannot be read. */
export function* eventsIn(
  frames: Iterable<RecordedFrame>,
  read: FrameReader,
  source: string,
  onUnread: (error: unknown) => void,
): Generator<CallEvent> {
  let connection: number | null = null;
  let last = 0;
  for (const frame of frames) {
    if (connection !== null && frame.connection !== connection) {
      yield { kind: 'source-lost', source, at: last, receivedAt: last, orderly: false, reason: 'capture' };
    }
    connection = frame.connection;
    last = Math.max(last, frame.receivedAt);
    let events: readonly CallEvent[] = [];
    try {
      events = read(frame.raw, source, frame.receivedAt);
    } catch (error) {
      onUnread(error);
    }
    yield* events;
  }
}

function endBetween({ from, to }: NonNullable<CallRecord['endBetween']>) {
  return { from: iso(from), to: to === null ? null : iso(to) };
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** The JSON object that `logcalld inspect --json` prints for a call. */
export function inspectLine(
  record: CallRecord,
  file: string,
  logCall: Readonly<Record<string, string | number>> | null,
): string {
  return JSON.stringify({
    file,
    callSessionId: record.callSessionId,
    direction: record.direction,
    status: record.status,
    external: record.external,
    externalE164: record.externalE164,
    withheld: record.withheld,
    did: record.did,
    agent: record.agent,
    agentDomain: record.agentDomain,
    agentsRung: record.agentsRung,
    agentsTalked: record.agentsTalked.map(({ ext, from, to }) => ({ ext, from: iso(from), to: iso(to) })),
    startedAt: iso(record.startedAt),
    answeredAt: record.answeredAt === null ? null : iso(record.answeredAt),
    endedAt: iso(record.endedAt),
    endBetween: record.endBetween == null ? null : endBetween(record.endBetween),
    durationSeconds: record.durationSeconds,
    talkSeconds: record.talkSeconds,
    ringSeconds: record.ringSeconds,
    holdSeconds: record.holdSeconds,
    recording: record.recording,
    recordings: record.recordings,
    flags: record.flags,
    legs: record.legs,
    reasons: record.reasons,
    logCall,
  });
}
