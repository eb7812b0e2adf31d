/** Who the external party is: its leg, its number, and the company's number it called or was shown. */
import { bareNumber, isWithheld, toE164 } from '../../telephony/number.ts';
import { type Conclusion, decide, type Rule } from '../evidence.ts';
import { numberCalled } from '../known/routing.ts';
import { beganKnown, type Channel, calledIn, trunksOf } from '../live/state.ts';
import { type OutgoingRule, outgoingNumber } from '../numbering.ts';
import type { Direction } from '../record.ts';
import { type Case, shown } from './case.ts';
import { customerLegs, intendedNumber } from './click-to-call.ts';

/**
 * The channel of the external party: the caller, or of the legs dialled out the one that was answered first, else the last.
 * `null` when no trunk was used.
 */
export function externalOf(of: Case, direction: Direction): Channel | null {
  if (direction === 'Internal') return null;
  const { call, root, originated } = of;
  // The caller was not heard.
  if (direction === 'Inbound' && root.party.side !== 'trunk') return null;
  if (originated === null && root.party.side === 'trunk') return root;
  const legs = originated === null ? trunksOf(call) : customerLegs(of);
  const answered = legs.filter((leg) => leg.answeredAt !== null);
  if (answered.length > 0) return answered.reduce((a, b) => ((b.answeredAt ?? 0) < (a.answeredAt ?? 0) ? b : a));
  return legs.length === 0 ? null : legs.reduce((a, b) => (b.createdAt >= a.createdAt ? b : a));
}

interface Asked {
  readonly of: Case;
  readonly direction: Direction;
  readonly external: Channel | null;
}

/** What was dialled by who began the call from inside. */
function dialledInside({ of: { root }, external }: Asked): string | null {
  return root !== external && calledIn(root) ? root.facts.dialled : null;
}

const reads = (number: string | null, { party: { country, format } }: Channel): boolean =>
  toE164(number, country, format) !== null;

const FOUND: Readonly<Record<OutgoingRule, string>> = {
  'dial-prefix': 'sent to the trunk, behind the dial_prefix of that trunk',
  sent: 'sent to the trunk',
  'after-code': 'sent to the trunk, behind a code that ends in * or #',
  dialled: 'dialled by the phone; what was sent to the trunk reads as no number',
  raw: "sent to the trunk; it reads as no number of the trunk's country",
};

const RULES: readonly Rule<Asked, ExternalNumber>[] = [
  {
    name: 'internal-call',
    find: ({ direction }) => (direction === 'Internal' ? { value: NONE, fact: 'no outside party took part' } : null),
  },
  {
    name: 'caller-number',
    find: ({ of: { root, unheard }, direction, external }) => {
      if (direction !== 'Inbound') return null;
      const number = external === null ? (unheard?.number ?? null) : root.facts.caller.number;
      const fact = isWithheld(number) ? 'the caller shows no number' : `${shown(root)} shows it as the caller`;
      return { value: read(number, root), fact };
    },
  },
  {
    // A dial string may name no number at all, or one with a prefix that only the carrier knows.
    name: 'number-of-the-trunk-leg',
    find: (asked) => {
      const { external } = asked;
      if (external === null || calledIn(external)) return null;
      const { number, e164, rule } = outgoingNumber(numberCalled(external), dialledInside(asked), external.party);
      return e164 === null ? null : { value: { number, e164 }, fact: FOUND[rule] };
    },
  },
  {
    name: 'extension-of-the-dialplan',
    find: ({ external }) => {
      const exten = external?.dials.find((dial) => dial.from?.exten != null)?.from?.exten ?? null;
      if (external === null || !reads(exten, external)) return null;
      return { value: read(exten, external), fact: `the dialplan was at the extension ${exten}` };
    },
  },
  {
    name: 'number-of-the-click',
    find: ({ of, external }) => {
      const number = external === null ? intendedNumber(of) : null;
      return number === null ? null : { value: read(number, of.root), fact: 'the call that was asked for shows it' };
    },
  },
  {
    name: 'number-sent-as-it-is',
    find: ({ external }) => {
      const sent = external === null || calledIn(external) ? null : numberCalled(external);
      return sent === null || external === null ? null : { value: read(bareOf(sent), external), fact: FOUND.raw };
    },
  },
  {
    name: 'number-dialled',
    find: ({ of: { root, originated }, external }) => {
      // Of a leg that was there before it was heard of, only the one who dialled tells the number.
      const heard = external !== null && beganKnown(external);
      const dialled = heard || originated !== null ? null : bareOf(root.facts.dialled);
      return dialled === null ? null : { value: read(dialled, external ?? root), fact: `${shown(root)} dialled it` };
    },
  },
  { name: 'no-number', find: () => ({ value: NONE, fact: 'the PBX told no number' }) },
];

/** A number of the other party, as it was delivered or sent and as E.164. */
export interface ExternalNumber {
  readonly number: string | null;
  readonly e164: string | null;
}

const NONE: ExternalNumber = { number: null, e164: null };

function read(number: string | null, { party: { country, format } }: Channel): ExternalNumber {
  return { number, e164: toE164(number, country, format) };
}

/** The other party's number as the trunk delivered it, or as it was sent to the trunk. */
export function externalNumber(of: Case, direction: Direction, external: Channel | null): Conclusion<ExternalNumber> {
  return decide(RULES, { of, direction, external });
}

/**
 * Inbound: the number that was called. Outbound: the number shown to the called party; a click-to-call shows the customer's own
 * number until the dialplan sets another one, which is none of the company's.
 */
export function companyNumber(
  direction: Direction,
  subject: Channel,
  external: Channel | null,
  number: ExternalNumber,
): string | null {
  if (direction === 'Internal' || external === null) return null;
  if (direction === 'Inbound') return bareOf(subject.facts.dialled);
  const told = [...external.dials.map((dial) => dial.presented), external.facts.caller.number];
  const own = told.find((one) => reads(one, external) && read(one, external).e164 !== number.e164);
  return own === undefined ? external.party.number : bareOf(own);
}

/** A number without the host and parameters of a URI; what is none stays as it is. */
function bareOf(number: string | null): string | null {
  return number === null ? null : (bareNumber(number) ?? number);
}
