/** The telephones and trunks of a PBX as `check-config` tells them: which side each is taken for, and by what. */
import { type MisreadName, misreadName, partyOf } from '../../call/known/side.ts';
import { adviceFor } from '../../call/known/side-advice.ts';
import type { Party, SourcePlan } from '../../call/plan.ts';
import type { EndpointListing, ListedEndpoint } from '../../ports.ts';
import type { ChannelFacts } from '../../telephony/call-event.ts';
import { cut } from '../output.ts';
import type { Finding } from './finding.ts';

/** What a PBX told of its endpoints, and the channels that were live meanwhile. */
export interface Seen {
  readonly listing: EndpointListing;
  readonly live: readonly ChannelFacts[];
}

/** One endpoint, judged as its calls will be. */
export interface Reading {
  /** With the domain where the PBX has several. */
  readonly name: string;
  readonly kind: ListedEndpoint['kind'];
  readonly party: Party;
  readonly misread: MisreadName | null;
}

/** Of a long list the first few are named. */
const NAMED = 5;
/** With more facts than this of one rule, each endpoint is told with its own. */
const FACTS = 3;
/** Of names in a list, and of its sentences. */
const WIDTH = 80;

/** Rules that know nothing but that nothing else fits. */
const BY_DEFAULT = 'no-phone-known';

/** Each endpoint that the PBX lists, and those of live channels that it does not. */
export function readingsOf(plan: SourcePlan, { listing, live }: Seen): Reading[] {
  const listed = listing.endpoints.map((one) => ({ kind: one.kind, facts: factsOf(one) }));
  const known = new Set(listed.map(({ facts }) => facts.endpoint));
  const others = new Map(live.filter(({ endpoint }) => !known.has(endpoint)).map((facts) => [facts.endpoint, facts]));
  const all = [...listed, ...[...others.values()].map((facts) => ({ kind: 'account' as const, facts }))];
  const domains = new Set(all.flatMap(({ facts }) => facts.domain ?? []));
  return all.map(({ kind, facts }) => {
    const party = partyOf(plan, facts);
    const name = facts.domain != null && domains.size > 1 ? `${facts.endpoint}@${facts.domain}` : facts.endpoint;
    return { name, kind, party, misread: misreadName(plan, party, facts) };
  });
}

/** The facts of the first call that such an endpoint makes, before it has dialled anything. */
function factsOf({ endpoint, context, line, domain }: ListedEndpoint): ChannelFacts {
  return {
    ...{ name: endpoint, endpoint, linkedId: '', initiator: 'endpoint', context, line, domain },
    ...{ caller: { number: null, name: null }, dialled: null, extension: null, wire: null, withheld: false },
  };
}

/** What is to be told of the endpoints of one source. `whole`: long lists, too. */
export function endpointFindings(
  source: string,
  plan: SourcePlan,
  { listing }: Seen,
  readings: readonly Reading[],
  whole: boolean,
): Finding[] {
  const certain = (side: Party['side']): Reading[] =>
    readings.filter(({ party, kind }) => party.side === side && (kind === 'guests' || !byDefault(party)));
  const unsure = readings.filter(({ party, kind }) => kind !== 'guests' && byDefault(party)).map(({ name }) => name);
  const info = (about: string, text: string): Finding => ({ level: 'info', about: `${about} of ${source}`, text });
  const sides = (about: string, side: Party['side']): Finding[] =>
    grouped(certain(side), whole).map((text) => ({ level: 'ok', about: `${about} of ${source}`, text }));
  return [
    ...listing.gaps.map((gap) => info('endpoints', gap)),
    ...sides('phones', 'extension'),
    ...noPhones(source, listing, readings),
    ...sides('trunks', 'trunk'),
    ...(unsure.length === 0 ? [] : [info('trunks', unsureText(unsure, whole))]),
    ...misreadFindings(source, plan, readings, whole),
    ...listing.hints.map((hint) => info('recordings', hint)),
  ];
}

const byDefault = ({ reason }: Party): boolean => reason.rule === BY_DEFAULT;

function unsureText(names: readonly string[], whole: boolean): string {
  const [it, is] = names.length === 1 ? ['it', 'is a phone'] : ['they', 'are phones'];
  return `${names.length} taken for trunks until calls show more, as nothing says that ${it} ${is}: ${shortened(names, whole)}. If one is a phone, add it to "extensions".`;
}

function noPhones(source: string, { gaps }: EndpointListing, readings: readonly Reading[]): Finding[] {
  if (gaps.length > 0 || readings.length === 0 || readings.some(({ party }) => party.side === 'extension')) return [];
  const text = 'none of its endpoints is taken for a phone: without phones no call has an agent. Set "extensions".';
  return [{ level: 'warn', about: `phones of ${source}`, text }];
}

/** One line for each rule and fact: `12 by birth-context, context from-internal: PJSIP/1001, ...`. */
function grouped(readings: readonly Reading[], whole: boolean): string[] {
  const rules = Map.groupBy(readings, ({ party }) => party.reason.rule);
  return [...rules].flatMap(([rule, members]) => {
    const facts = Map.groupBy(members, factIn);
    if (facts.size > FACTS) {
      const told = members.map((one) => `${one.name} (${one.party.reason.fact})`);
      return [`${members.length} by ${rule}: ${shortened(told, whole)}`];
    }
    return [...facts].map(([fact, some]) => {
      const names = some.map(({ name }) => name);
      return `${some.length} by ${rule}, ${cut(fact, WIDTH)}: ${shortened(names, whole)}`;
    });
  });
}

/** The fact without what differs from one endpoint to the next: `SIP account ...`. */
function factIn({ party }: Reading): string {
  const { fact, rule } = party.reason;
  return rule === 'line' ? fact.replace(/\S+$/, '...') : fact;
}

function misreadFindings(source: string, plan: SourcePlan, readings: readonly Reading[], whole: boolean): Finding[] {
  const misread = readings.flatMap((one) => one.misread ?? []);
  if (misread.length === 0) return [];
  const told = misread.map(({ endpoint, side, fact }) =>
    side === 'trunk' ? `${endpoint} is a trunk (${fact})` : `${endpoint} is a phone (${fact})`,
  );
  const text = `The PBX shows something else than the names say: ${shortened(told, whole)}. It is followed; these lines of the config settle it:`;
  return [{ level: 'warn', about: `names of ${source}`, text, lines: adviceFor(misread, plan, source) }];
}

/** The names, in the order of numbers in them; of many the first few. */
export function shortened(names: readonly string[], whole: boolean): string {
  const sorted = [...new Set(names)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const more = whole ? 0 : sorted.length - NAMED;
  const shown = (more > 1 ? sorted.slice(0, NAMED) : sorted).map((name) => cut(name, WIDTH)).join(', ');
  return more > 1 ? `${shown} and ${more} more` : shown;
}
