/** Why each leg of a call was taken for a phone or a trunk, and who was taken to have begun it. */
import type { Initiator } from '../../telephony/call-event.ts';
import type { Evidence } from '../evidence.ts';
import { type MisreadName, misreadName, sideOf } from '../known/side.ts';
import { knowledgeOf } from '../live/create.ts';
import type { Channel } from '../live/state.ts';
import type { Side } from '../plan.ts';
import type { Case } from '../rules/case.ts';

export interface LegAccount {
  /** As the PBX names it: uniqueid or uuid. */
  readonly channel: string;
  readonly endpoint: string;
  readonly ext: string | null;
  readonly side: Evidence<Side> & { readonly rejected: readonly Evidence<Side>[] };
  readonly begun: Evidence<Initiator> & { readonly rejected: readonly Evidence<Initiator>[] };
  /** Its name says something else than what the PBX showed: what the config could settle. */
  readonly misread: MisreadName | null;
  /** Nothing but its name says which side it is on, or where one call led: a line of the config may be needed. */
  readonly unsure: boolean;
}

/** Rules that a line of the config should settle where they are wrong. */
const UNSURE: ReadonlySet<string> = new Set([
  'no-phone-known',
  'extension-setting',
  'incoming-course',
  'dials-like-a-phone',
  'rung-by-its-name',
]);

/** The legs in order of their beginnings, the PBX's own wires left out. */
export function legsOf({ plan, channels }: Case): LegAccount[] {
  return channels
    .filter(({ party }) => party.side !== 'wire')
    .toSorted((a, b) => a.createdAt - b.createdAt || a.place - b.place)
    .map((channel) => legOf(plan, channel));
}

function legOf(plan: Case['plan'], channel: Channel): LegAccount {
  const { id, facts, party, initiator } = channel;
  const side = sideOf(plan, facts, knowledgeOf(plan, channel));
  return {
    channel: id,
    endpoint: facts.endpoint,
    ext: party.ext,
    side,
    begun: initiator,
    misread: misreadName(plan, party, facts),
    unsure: UNSURE.has(side.rule),
  };
}
