/** How the numbers of both ends were found and read. */
import { shapeOf } from '../../telephony/mask.ts';
import { countryOf, isWithheld } from '../../telephony/number.ts';
import { isBlotted } from '../../telephony/withheld.ts';
import type { Evidence } from '../evidence.ts';
import { numberCalled } from '../known/routing.ts';
import { type Channel, calledIn, trunksOf } from '../live/state.ts';
import { lineOf, prefixesBefore } from '../numbering.ts';
import type { Case, Judged } from '../rules/case.ts';
import { shown } from '../rules/case.ts';
import type { Seen, Topic, Value } from './account.ts';

export function outsideNumber(of: Case, { record, external }: Judged): Topic {
  const { direction, external: raw, externalE164: e164, withheld, reasons } = record;
  const why = reasons?.external ?? { rule: 'none', fact: 'nothing is known', rejected: [] };
  const notes = direction === 'Internal' ? [] : reading(of, external ?? of.root, raw, e164, withheld);
  return {
    topic: 'outside number',
    value: withheld ? null : (e164 ?? raw),
    rule: why.rule,
    fact: why.fact,
    notes,
    seen: direction === 'Internal' ? null : seenAs(raw, external ?? of.root),
    rejected: [...why.rejected, ...otherLegs(of, external)],
  };
}

/** Legs of the telephone network that are not the external party's. */
function otherLegs({ call }: Case, external: Channel | null): Evidence<Value>[] {
  if (external === null) return [];
  return trunksOf(call)
    .filter((leg) => leg !== external)
    .map((leg) => {
      const number = calledIn(leg) ? leg.facts.caller.number : numberCalled(leg);
      const state = leg.answeredAt === null ? 'it was not answered' : 'it is not the leg of the external party';
      return { value: number, rule: 'other-trunk-leg', fact: `${shown(leg)}: ${state}` };
    });
}

const seenAs = (number: string | null, leg: Channel): Seen | null =>
  number === null ? null : { number, shape: shapeOf(number), on: shown(leg) };

/** How a number was read, in sentences. */
function reading(of: Case, leg: Channel, raw: string | null, e164: string | null, withheld: boolean): string[] {
  if (raw === null) return [];
  if (isWithheld(raw)) return [isBlotted(raw) ? 'Digits of it are blotted out.' : 'That stands for no number.'];
  const place = placeOf(of, leg);
  const country = leg.party.country;
  const hidden = withheld ? ['The caller asked not to show it.'] : [];
  if (e164 === null) return [unread(raw, country, place), ...hidden];
  return [read(raw, e164, country, place), ...hidden];
}

function read(raw: string, e164: string, country: string, place: string): string {
  if (raw.startsWith('+')) return `Read as ${e164}: it has its country code.`;
  if (!e164.startsWith('+')) return `It exists only inside ${country} (${place}), so it has no international form.`;
  if (raw.startsWith('00')) return `Read as ${e164}: 00 and a country code.`;
  if (countryOf(e164) === country) return `Read as ${e164}, a number of ${country} (${place}).`;
  return `Read as ${e164}: it is no number of ${country} (${place}), and one of another country whose "+" was lost.`;
}

function unread(raw: string, country: string, place: string): string {
  const [prefix] = prefixesBefore(raw, country);
  const what = `It reads as no number of ${country} (${place})`;
  return prefix === undefined
    ? `${what}, and of no other country.`
    : `${what}; without the ${prefix} at its beginning it would: if the PBX puts that before the number, dial_prefix has to name it.`;
}

/** Which line of the config says of which country the numbers of a leg are. */
function placeOf({ plan, source }: Case, leg: Channel): string {
  const rule = plan.trunks.find(({ match }) => match.some((one) => one.match(leg.facts.endpoint) !== null));
  if (rule === undefined) return `the country of [[source]] ${source}`;
  return `the country of [[source.trunk]] ${rule.match.map(({ text }) => text).join(', ')}`;
}

/** The company's own number of the call; none of an internal call. */
export function calledNumber(of: Case, { record, subject }: Judged): Topic[] {
  const { direction, did, didE164 } = record;
  if (direction === 'Internal') return [];
  const inbound = direction === 'Inbound';
  const base = { topic: 'company number', value: didE164 ?? did, rejected: [] } as const;
  if (did === null) {
    const fact = inbound ? 'the trunk delivered no number that was called' : 'the PBX told no number that was shown';
    return [{ ...base, rule: 'not-told', fact, notes: [], seen: null }];
  }
  const line = inbound ? lineOf(of.plan, did, subject.party) : null;
  const fact = inbound ? `${shown(subject)} called it` : 'it was shown to the called party';
  const notes = [
    line !== null
      ? `It is the line ${line} of the config ([source.direct_lines] or number of a trunk).`
      : didE164 === null
        ? `It reads as no number of ${subject.party.country} (${placeOf(of, subject)}), and is none of the lines of the config.`
        : read(did, didE164, subject.party.country, placeOf(of, subject)),
  ];
  return [
    { ...base, rule: inbound ? 'number-delivered' : 'number-presented', fact, notes, seen: seenAs(did, subject) },
  ];
}
