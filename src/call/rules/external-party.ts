/** Who the external party is: its leg, its number, and the company's number it called or was shown. */
import { isWithheld, toE164 } from '../../telephony/number.ts';
import { type Conclusion, decide, type Rule } from '../evidence.ts';
import type { Direction } from '../record.ts';
import { type Channel, calledIn, trunksOf } from '../state.ts';
import { type Case, calledNumber, isPhone, shown } from './case.ts';
import { intendedNumber, isOriginated, outsideAgent } from './click-to-call.ts';

/**
 * The channel of the external party: the caller, or of the legs dialled out the one that was answered first, else the last.
 * `null` when no trunk was used.
 */
export function externalOf(of: Case, direction: Direction): Channel | null {
  if (direction === 'Internal') return null;
  const { call, root } = of;
  const agent = outsideAgent(of);
  if (agent === null && (direction === 'Inbound' || root.party.side === 'trunk')) return root;
  const legs = trunksOf(call).filter((leg) => leg !== agent);
  const answered = legs.filter((leg) => leg.answeredAt !== null);
  if (answered.length > 0) return answered.reduce((a, b) => ((b.answeredAt ?? 0) < (a.answeredAt ?? 0) ? b : a));
  return legs.length === 0 ? null : legs.reduce((a, b) => (b.createdAt >= a.createdAt ? b : a));
}

interface Asked {
  readonly of: Case;
  readonly direction: Direction;
  readonly external: Channel | null;
}

type Number_ = string | null;

/** True when the text reads as a number of the telephone network, as the leg writes numbers. */
function reads(number: string | null | undefined, leg: Channel): boolean {
  const { country, format } = leg.party;
  return number != null && toE164(number, country, format) !== null;
}

/** What was dialled by the phone that began the call. */
function dialledBy({ of: { root } }: Asked): string | null {
  return isPhone(root) && calledIn(root) ? root.facts.dialled : null;
}

const RULES: readonly Rule<Asked, Number_>[] = [
  {
    name: 'internal-call',
    find: ({ direction }) => (direction === 'Internal' ? { value: null, fact: 'no outside party took part' } : null),
  },
  {
    name: 'caller-number',
    find: ({ of: { root }, direction }) => {
      const { number } = root.facts.caller;
      if (direction !== 'Inbound') return null;
      const fact = isWithheld(number) ? 'the caller shows no number' : `${shown(root)} shows it as the caller`;
      return { value: number, fact };
    },
  },
  {
    name: 'number-sent-to-the-trunk',
    find: ({ external }) => {
      if (external === null || calledIn(external)) return null;
      const sent = calledNumber(external);
      return reads(sent, external) ? { value: sent, fact: `${shown(external)} was dialled with it` } : null;
    },
  },
  {
    // A dial string may name no number at all, or one with a prefix that only the carrier knows.
    name: 'number-dialled-by-the-phone',
    find: (asked) => {
      const { external, of } = asked;
      const dialled = dialledBy(asked);
      return reads(dialled, external ?? of.root) ? { value: dialled, fact: `${shown(of.root)} dialled it` } : null;
    },
  },
  {
    name: 'extension-of-the-dialplan',
    find: ({ external }) => {
      const exten = external?.dials.find((dial) => dial.from?.exten != null)?.from?.exten ?? null;
      if (external === null || !reads(exten, external)) return null;
      return { value: exten, fact: `the dialplan was at the extension ${exten}` };
    },
  },
  {
    name: 'number-of-the-click',
    find: ({ of: { plan, root }, external }) => {
      const number = external === null ? intendedNumber(plan, root) : null;
      return number === null ? null : { value: number, fact: 'the call that was asked for shows it' };
    },
  },
  {
    name: 'number-sent-as-it-is',
    find: ({ external }) => {
      const sent = external === null || calledIn(external) ? null : calledNumber(external);
      return sent === null
        ? null
        : { value: sent, fact: 'sent to the trunk; it reads as no number of the trunk’s country' };
    },
  },
  {
    name: 'number-dialled-as-it-is',
    find: (asked) => {
      const { external, of } = asked;
      // Of a leg that was there before it was heard of, only the one who dialled tells the number.
      const heard = external?.beginningSeen ?? false;
      const dialled = heard || isOriginated(of.root) ? null : (dialledBy(asked) ?? of.root.facts.dialled);
      return dialled === null ? null : { value: dialled, fact: `${shown(of.root)} dialled it` };
    },
  },
  { name: 'no-number', find: () => ({ value: null, fact: 'the PBX told no number' }) },
];

/** The other party's number as the trunk delivered it, or as it was sent to the trunk. */
export function externalNumber(of: Case, direction: Direction, external: Channel | null): Conclusion<Number_> {
  return decide(RULES, { of, direction, external });
}

/** Inbound: the number that was called. Outbound: the number shown to the called party. */
export function companyNumber(direction: Direction, subject: Channel, external: Channel | null): string | null {
  if (direction === 'Inbound') return subject.facts.dialled;
  if (direction === 'Internal' || external === null) return null;
  const told = external.dials.find((dial) => dial.presented !== null)?.presented ?? external.facts.caller.number;
  const { number } = external.party;
  return told !== null && reads(told, external) ? told : number;
}
