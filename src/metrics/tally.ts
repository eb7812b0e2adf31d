/** What is counted as it happens, because nothing else keeps it. Everything else is read when somebody asks. */
import { CALL_STATUSES, type CallRecord, DIRECTIONS } from '../call/record.ts';
import type { LoggedCall } from '../delivery/announce.ts';
import { OUTCOMES, type OutcomeKind } from '../delivery/crm.ts';
import type { SourceStatus } from '../ports.ts';
import { createCounts, createHistogram } from './counts.ts';

/** What the CRM is asked for. */
export const OPERATIONS = ['find_leads', 'capture_lead', 'users', 'post', 'update', 'find_landed', 'probe'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Seconds. A call is to be there within a minute. */
const LATENCY = [1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600, 14_400];
const REQUEST = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const PERMIT = [0.005, 0.05, 0.25, 1, 2.5, 5, 15, 60, 300];

export type Tally = ReturnType<typeof createTally>;

/** `sources`: the names of the PBXs. */
export function createTally(sources: readonly string[]) {
  const calls = createCounts({ pbx: sources, direction: DIRECTIONS, status: CALL_STATUSES });
  const losses = createCounts({ pbx: sources });
  const states = new Map<string, SourceStatus['state']>();
  const requests = createCounts({ operation: OPERATIONS, outcome: OUTCOMES });
  const requestSeconds = createHistogram(REQUEST, { name: 'operation', values: OPERATIONS });
  const latency = createHistogram(LATENCY);
  const permitWait = createHistogram(PERMIT);
  return {
    calls,
    losses,
    requests,
    requestSeconds,
    latency,
    permitWait,
    /** A call was stored for the first time. */
    ended({ source, direction, status }: CallRecord): void {
      calls.add({ pbx: source, direction, status });
    },
    /** A link to a PBX has another state. An attempt that failed is no further loss, and an end of this program none at all. */
    heard({ name, state }: SourceStatus): void {
      if (states.get(name) === 'connected' && state !== 'connected' && state !== 'stopped') losses.add({ pbx: name });
      states.set(name, state);
    },
    /** The CRM has a call now. One that an operator sent again says nothing of how fast calls get there. */
    logged({ latencyMs, replayed }: LoggedCall): void {
      if (!replayed) latency.observe(latencyMs / 1000);
    },
    /** A request of the CRM has ended. */
    asked(operation: Operation, outcome: OutcomeKind, ms: number): void {
      requests.add({ operation, outcome });
      requestSeconds.observe(ms / 1000, operation);
    },
    /** A request was let go. */
    permitted(waitedMs: number): void {
      permitWait.observe(waitedMs / 1000);
    },
  };
}
