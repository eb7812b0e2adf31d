/**
 * Which side of the PBX a channel is on: the telephone network (`trunk`), a phone of the company (`extension`), or neither (a
 * wire). A name alone never decides: trunks are often called by the account or pilot number that a carrier gives (`PJSIP/80411`),
 * and phones by people (`PJSIP/asha.rao`). The context in which a channel is born, the account that authenticated, the gateway
 * and the number that was dialled come before the patterns of the config that look like names.
 */
import type { ChannelFacts, Initiator } from '../../telephony/call-event.ts';
import { type EndpointPattern, firstMatch } from '../../telephony/endpoint.ts';
import { toE164 } from '../../telephony/number.ts';
import { type Conclusion, decide, decideFirst, type Rule } from '../evidence.ts';
import { isOwnNumber, mobileOwner } from '../numbering.ts';
import type { Party, Side, SourcePlan } from '../plan.ts';
import { extensionOf } from './extension.ts';
import type { CalledBy, Routing } from './routing.ts';

/** What is known of a channel beside its facts. */
export interface Knowledge {
  readonly initiator: Initiator;
  /** Numbers in whose name the PBX called it, or that it shows. */
  readonly meant: readonly string[];
  /** The number by which the PBX called the channel. */
  readonly called: string | null;
  readonly calledBy: CalledBy | null;
  /** Of the call, for the channel that began it and for the legs called by their names. */
  readonly routing: Routing | null;
}

interface Seen extends Knowledge {
  readonly plan: SourcePlan;
  readonly facts: ChannelFacts;
}

/**
 * Contexts for calls from the telephone network: the names that FreePBX and its predecessors generate for trunks, and that the
 * samples of Asterisk and every guide use.
 */
const TRUNK_CONTEXT = /^(?:from-(?:pstn|trunk|did-direct|digital|analog|dahdi|zaptel|sip-external)|ext-did)(?:$|[-_.])/;

/** Contexts in which phones dial, by the same convention. */
const PHONE_CONTEXT = /^from-internal(?:$|[-_.])/;

/** The surest first. */
const RULES: readonly Rule<Seen, Side>[] = [
  {
    name: 'wire',
    find: ({ facts }) => (facts.wire === null ? null : { value: 'wire', fact: `${facts.name} is internal to the PBX` }),
  },
  {
    // The setting names the person behind the number: whoever calls it calls that agent, by whatever trunk.
    name: 'agent-mobile',
    find: ({ plan, called, initiator }) => {
      const ext = initiator === 'pbx' ? (mobileOwner(plan, called)?.ext ?? null) : null;
      return ext === null
        ? null
        : { value: 'extension', fact: `agent_mobiles has the number called as that of ${ext}` };
    },
  },
  {
    name: 'trunk-setting',
    find: ({ plan, facts }) => {
      const text = trunkPattern(plan, facts)?.text;
      return text === undefined ? null : { value: 'trunk', fact: `[[source.trunk]] match ${text}` };
    },
  },
  {
    name: 'line',
    find: ({ facts: { line } }) => (line == null ? null : { value: line.side, fact: line.fact }),
  },
  {
    // A phone is called by its name; a number of the telephone network is sent to a trunk.
    name: 'called-by-a-number',
    find: ({ calledBy }) =>
      calledBy === 'number' ? { value: 'trunk', fact: 'a number of the telephone network was sent to it' } : null,
  },
  {
    name: 'birth-context',
    find: ({ facts }) => {
      const { context, contextMoved = false } = facts;
      if (context === null) return null;
      if (TRUNK_CONTEXT.test(context)) return { value: 'trunk', fact: `context ${context}` };
      // Calls of customers are led through the contexts of phones, too: only where a channel begins counts.
      const phone = !contextMoved && PHONE_CONTEXT.test(context);
      return phone ? { value: 'extension', fact: `context ${context}` } : null;
    },
  },
  {
    // Who calls one of the company's numbers and shows a number from outside comes from the telephone network.
    name: 'company-number-dialled',
    find: ({ plan, facts, initiator }) => {
      const { dialled, caller } = facts;
      if (initiator !== 'endpoint' || dialled === null || !isOwnNumber(plan, dialled)) return null;
      const outside = toE164(caller.number, plan.country) !== null && !isOwnNumber(plan, caller.number ?? '');
      return outside ? { value: 'trunk', fact: 'an outside number calls a number of the company' } : null;
    },
  },
  {
    name: 'incoming-course',
    find: ({ routing, initiator }) =>
      routing === 'incoming' && initiator === 'endpoint'
        ? { value: 'trunk', fact: 'an outside number called, and the number it dialled was not sent on' }
        : null,
  },
  {
    name: 'extension-setting',
    find: ({ plan, facts }) => {
      const text = plan.extensions.find((one) => one.match(facts.endpoint) !== null)?.text;
      return text === undefined ? null : { value: 'extension', fact: `extensions ${text}` };
    },
  },
  {
    name: 'dials-like-a-phone',
    find: ({ routing, initiator, facts }) => {
      if (initiator !== 'endpoint') return null;
      if (routing === 'outgoing') return { value: 'extension', fact: 'the number it dialled was sent on to a trunk' };
      if (routing !== 'inside') return null;
      return { value: 'extension', fact: `it shows ${facts.caller.number} as the caller, which is no outside number` };
    },
  },
  {
    // Whoever is called by a name alone, for a caller who dialled no such trunk, is at a phone.
    name: 'rung-by-its-name',
    find: ({ routing, calledBy }) =>
      (routing === 'incoming' || routing === 'inside') && calledBy === 'name'
        ? { value: 'extension', fact: 'it was called by its name, without a number' }
        : null,
  },
  {
    name: 'no-phone-known',
    find: ({ facts }) => ({ value: 'trunk', fact: `nothing says that ${facts.endpoint} is a phone` }),
  },
];

/** Rules that look at the name only, and the administrator's own word: nothing contradicts them. */
const DECIDES_ALONE = new Set(['agent-mobile', 'trunk-setting', 'extension-setting', 'no-phone-known']);

/** The pattern of a trunk of the config that the endpoint matches. */
function trunkPattern(plan: SourcePlan, { endpoint }: ChannelFacts): EndpointPattern | undefined {
  for (const { match } of plan.trunks) for (const one of match) if (one.match(endpoint) !== null) return one;
  return undefined;
}

/** Of a channel that the PBX has not called in anybody's name. */
const NONE_MEANT: readonly string[] = [];

/** The party at a channel. */
export function partyOf(plan: SourcePlan, facts: ChannelFacts, more: Partial<Knowledge> = {}): Party {
  const {
    initiator = facts.initiator ?? 'pbx',
    meant = NONE_MEANT,
    called = initiator === 'pbx' ? facts.dialled : null,
    calledBy = null,
    routing = null,
  } = more;
  const reason = decideFirst(RULES, { plan, facts, initiator, meant, called, calledBy, routing });
  const { country } = plan;
  const domain = facts.domain ?? null;
  switch (reason.value) {
    case 'wire':
      return { side: 'wire', ext: facts.extension, country, format: 'auto', number: null, domain, reason };
    case 'extension': {
      const agent = reason.rule === 'agent-mobile' ? mobileOwner(plan, called) : null;
      const ext = agent?.ext ?? extensionOf(plan, facts, meant);
      const ownDomain = agent?.domain ?? domain;
      return { side: 'extension', ext, country, format: 'auto', number: null, domain: ownDomain, reason };
    }
    case 'trunk': {
      const trunk = plan.trunks.find((one) => firstMatch(one.match, facts.endpoint) !== null);
      if (trunk === undefined)
        return { side: 'trunk', ext: null, country, format: 'auto', number: null, domain: null, reason };
      const { match: _, ...writing } = trunk;
      return { side: 'trunk', ext: null, ...writing, domain: null, reason };
    }
  }
}

/** Why a channel is on its side, with what weaker rules would have said. */
export function sideOf(plan: SourcePlan, facts: ChannelFacts, known: Knowledge): Conclusion<Side> {
  return decide(RULES, { plan, facts, ...known });
}

/** An endpoint whose name says something else than what the PBX shows. */
export interface MisreadName {
  readonly endpoint: string;
  readonly side: 'trunk' | 'extension';
  /** What the PBX showed. */
  readonly fact: string;
  /** True when it follows only from where one call led. */
  readonly inferred: boolean;
}

/** Rules that look at where a call led. */
const INFERRED = new Set(['incoming-course', 'dials-like-a-phone', 'rung-by-its-name']);

/** The contradiction between the name of an endpoint and the evidence, `null` when there is none. The evidence is followed. */
export function misreadName(plan: SourcePlan, party: Party, facts: ChannelFacts): MisreadName | null {
  const { side, reason } = party;
  if (side === 'wire' || DECIDES_ALONE.has(reason.rule)) return null;
  // That a phone matches no pattern matters as much as that a trunk matches one of phones: both are read by the evidence alone.
  const byName: Side = firstMatch(plan.extensions, facts.endpoint) === null ? 'trunk' : 'extension';
  return byName === side
    ? null
    : { endpoint: facts.endpoint, side, fact: reason.fact, inferred: INFERRED.has(reason.rule) };
}
