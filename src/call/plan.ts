/** Which side of the PBX an endpoint is on: the numbering plan of one source. */
import type { EndpointPattern } from '../telephony/endpoint.ts';
import type { TrunkFormat } from '../telephony/number.ts';
import type { Conclusion } from './evidence.ts';

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
  /** Outside number (E.164) -> extension of the agent who takes calls on it: a mobile in place of a desk phone. */
  readonly mobiles: ReadonlyMap<string, string>;
  /** Short numbers that phones dial for numbers of the telephone network; absent: none. */
  readonly speedDials?: readonly EndpointPattern[];
  /** Domain (tenant) of the extension behind a number of `owners` or `mobiles`, where the config names one. */
  readonly domains?: ReadonlyMap<string, string>;
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
  /** Domain (tenant) of a phone where the PBX has several. */
  readonly domain: string | null;
  /** Why the channel is on this side. */
  readonly reason: Conclusion<Side>;
  /** See `TrunkRule`. */
  readonly dialPrefixes?: readonly string[];
}
