import type { RecordedConnection } from '../../../adapters/freeswitch/player/script.ts';
import type { Scenario, Truth } from '../../support/recordings.ts';
import type { SeenCall } from '../story.ts';

/** A time in which the recorded client was away. ms since the recording began. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** The gaps between the connections of a recording: from the last thing heard to the next connection. */
export function gapsOf(connections: readonly RecordedConnection[]): readonly Gap[] {
  return connections.slice(1).map(({ from }, index) => {
    const before = connections[index];
    return { from: before?.frames.at(-1)?.t ?? before?.from ?? 0, to: from };
  });
}

/**
 * The calls with a customer that a client of this recording can know, as the telephones saw them. A call that began and
 * ended in a gap is told by no event, and one that only ended there has an end nobody saw.
 * @param begunAt when the recording seems to have begun, ms since the epoch
 * @param late how long after a gap the client may be back, ms
 */
export function knowable(scenario: Scenario, gaps: readonly Gap[], begunAt: number, late: number): readonly SeenCall[] {
  return scenario.truth.flatMap((truth) => {
    if (truth.direction === 'Internal') return [];
    const gap = gaps.find(({ from, to }) => truth.endOffsetMs >= from && truth.endOffsetMs <= to);
    if (gap && truth.startOffsetMs >= gap.from) return [];
    const seen = seenCall(truth, begunAt);
    if (!gap) return [seen];
    return [{ ...seen, endKnownFrom: begunAt + gap.from, endKnownBy: begunAt + gap.to + late }];
  });
}

function seenCall(truth: Truth, begunAt: number): SeenCall {
  const { direction, externalE164, did, agent, agentsRung = [] } = truth;
  if ((direction !== 'Inbound' && direction !== 'Outbound') || externalE164 === null || did === null) {
    throw new Error(`this recorded call has no customer to be logged for: ${JSON.stringify(truth)}`);
  }
  return {
    direction,
    status: statusOf(truth.status),
    customer: externalE164,
    company: did,
    agents: agent === null ? agentsRung : [agent],
    startedAt: begunAt + truth.startOffsetMs,
    answeredAt: truth.answerOffsetMs === null ? null : begunAt + truth.answerOffsetMs,
    endedAt: begunAt + truth.endOffsetMs,
  };
}

const STATUSES = [
  'Answered',
  'Abandoned',
  'Missed',
  'Busy',
  'Voicemail',
  'NoAnswer',
  'Cancelled',
  'Failed',
] as const satisfies readonly SeenCall['status'][];

function statusOf(word: string): SeenCall['status'] {
  const status = STATUSES.find((known) => known === word);
  if (status === undefined) throw new Error(`a recording tells the unknown status ${word}`);
  return status;
}
