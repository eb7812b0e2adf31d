import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { labPlan } from '../support/recordings.ts';

/** Ids of the calls that these events tell of, whatever their order. */
export function recordsFromEvents(source: string, events: readonly CallEvent[]): string[] {
  const table = new CallTable(source, labPlan(source), DEFAULT_RULES);
  const ordered = [...events].sort((a, b) => a.receivedAt - b.receivedAt);
  const ended = ordered.flatMap((event) => table.apply(event).ended);
  return [...ended, ...table.advance(Number.MAX_SAFE_INTEGER).ended].map(({ callSessionId }) => callSessionId);
}
