/** A call that became one of its own in the middle of another, or after it: two legs of that one, connected with each other. */
import type { Channel } from '../live/state.ts';
import type { CallRecord, Reasons, Talk } from '../record.ts';
import { covered } from '../talk.ts';
import type { Case } from './case.ts';

export interface SplitOff {
  readonly direction: 'Outbound' | 'Internal';
  /** The leg that began it: whose id and beginning it has. */
  readonly leg: Channel;
  /** Whose call it is. */
  readonly phone: Channel;
  readonly talks: readonly Talk[];
  /** ms since the epoch, by the PBX's clock, as all times here. */
  readonly answeredAt: number;
  readonly endedAt: number;
  readonly endBetween: Channel['endBetween'];
  /** Why there is such a call: the name of the rule, and what was seen. */
  readonly rule: string;
  readonly fact: string;
}

/** The record of a call that split off from that of `record`: it has no outside party and nobody rang, unless the caller says more. */
export function splitOff(of: Case, record: CallRecord, it: SplitOff): CallRecord & { readonly reasons: Reasons } {
  const { direction, leg, phone, talks, answeredAt, endedAt, endBetween } = it;
  const reason = (value: string | null) => ({ value, rule: it.rule, fact: it.fact, rejected: [] });
  return {
    ...record,
    callSessionId: `${of.source}-${leg.id}`,
    direction,
    status: 'Answered',
    external: null,
    externalE164: null,
    externalName: null,
    withheld: false,
    did: null,
    didE164: null,
    trunk: null,
    queue: null,
    ringGroup: null,
    agent: phone.party.ext,
    agentDomain: phone.party.domain,
    agentsRung: [],
    responsible: phone.party.ext,
    agentsTalked: talks,
    startedAt: leg.createdAt,
    answeredAt,
    endedAt,
    endBetween,
    durationSeconds: seconds(endedAt - answeredAt),
    talkSeconds: seconds(covered(talks)),
    ringSeconds: seconds(Math.max(0, answeredAt - leg.createdAt)),
    holdSeconds: 0,
    recording: null,
    recordings: [],
    legs: 2,
    reasons: {
      direction: reason(direction),
      external: reason(null),
      agent: reason(phone.party.ext),
      status: reason('Answered'),
    },
  };
}

/** Whole seconds of a span in ms, rounded. */
export function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
