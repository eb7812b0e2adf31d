/**
 * Who began a channel: its endpoint called the PBX, or the PBX called the endpoint. chan_pjsip says it at the creation; chan_sip
 * creates every channel `Down` and chan_dahdi a phone's leg `Rsrvd`, whoever began it, and say it with the next state.
 */
import type { ChannelFacts, Initiator } from '../../telephony/call-event.ts';
import type { Evidence } from '../evidence.ts';

/** The surest first. */
export const INITIATOR_RULES = [
  /** The state of signalling: `Ring` is a call that came in, `Ringing` and `Dialing` one that goes out. */
  'signalling',
  /** A dial attempt names the channel as the one that is called. (A phone that picks up a call takes the place of such a one.) */
  'dialled-by-the-pbx',
  /** A list of live channels shows the application that the PBX runs on legs it called. */
  'listed-application',
  /** Nothing better is known: who calls in has dialled something, a leg that is called out begins without an extension. */
  'extension-at-birth',
] as const;

export type InitiatorRule = (typeof INITIATOR_RULES)[number];

/** What the first packet says. */
export function initiatorAtBirth(facts: ChannelFacts, listed: boolean): Evidence<Initiator>[] {
  const { initiator, dialled } = facts;
  if (initiator !== null) {
    const rule: InitiatorRule = listed ? 'listed-application' : 'signalling';
    return [{ value: initiator, rule, fact: facts.initiatorFact ?? `told at its creation: ${initiator}` }];
  }
  const value: Initiator = dialled === null ? 'pbx' : 'endpoint';
  const fact = dialled === null ? 'created without an extension' : `created with the extension ${dialled}`;
  return [{ value, rule: 'extension-at-birth', fact }];
}
