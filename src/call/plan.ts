/** Which side of the PBX an endpoint is on: the numbering plan of one source. */
import type { ChannelFacts } from '../telephony/call-event.ts';
import { type EndpointPattern, firstMatch } from '../telephony/endpoint.ts';
import type { TrunkFormat } from '../telephony/number.ts';

export interface TrunkRule {
  readonly match: readonly EndpointPattern[];
  /** Home country (ISO 3166) of numbers this trunk delivers without a country code. */
  readonly country: string;
  readonly format: TrunkFormat;
  /** The number shown to the called party when the PBX does not tell it, E.164. */
  readonly number: string | null;
  /** What the PBX puts before the numbers that it sends to this trunk (a carrier's code, an outside line). */
  readonly dialPrefixes?: readonly string[];
}

/** The numbering plan of one PBX, from its configuration. */
export interface SourcePlan {
  readonly extensions: readonly EndpointPattern[];
  readonly trunks: readonly TrunkRule[];
  readonly country: string;
  /** DID (E.164) -> extension whose direct line it is. */
  readonly owners: ReadonlyMap<string, string>;
  /** The company's own numbers (E.164): never an external party. */
  readonly own: ReadonlySet<string>;
}

export type Side = 'trunk' | 'extension' | 'wire';

export interface Party {
  readonly side: Side;
  /** Extension of a phone; of a wire: the extension it stands for. */
  readonly ext: string | null;
  readonly country: string;
  readonly format: TrunkFormat;
  /** Own number of the trunk where configured. */
  readonly number: string | null;
  /** See `TrunkRule`. */
  readonly dialPrefixes?: readonly string[];
}

/**
 * Side of a channel. Explicit trunk patterns win over extension patterns; what matches neither is a phone when its dialplan
 * context says so (`from-internal`, the convention of FreePBX and of the Asterisk samples), else a trunk.
 */
export function partyOf(plan: SourcePlan, facts: ChannelFacts): Party {
  const home = { country: plan.country, format: 'auto' as const, number: null };
  if (facts.wire !== null) return { side: 'wire', ext: facts.extension, ...home };
  for (const trunk of plan.trunks) {
    if (firstMatch(trunk.match, facts.endpoint) !== null) {
      const { match: _, ...writing } = trunk;
      return { side: 'trunk', ext: null, ...writing };
    }
  }
  const phone = firstMatch(plan.extensions, facts.endpoint);
  if (phone !== null)
    return { side: 'extension', ext: phone.ext ?? facts.extension ?? userOf(facts.endpoint), ...home };
  if (facts.context?.startsWith('from-internal')) {
    return { side: 'extension', ext: facts.extension ?? userOf(facts.endpoint), ...home };
  }
  return { side: 'trunk', ext: null, ...home };
}

function userOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf('/') + 1);
}
