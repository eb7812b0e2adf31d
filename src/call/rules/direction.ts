/** Inbound, Outbound or Internal: by who began the call and on which side, and by what was dialled. */
import { isNoSuchNumber } from '../../telephony/cause.ts';
import { isExtensionLike } from '../../telephony/digits.ts';
import { toE164 } from '../../telephony/number.ts';
import { type Conclusion, decide, type Rule } from '../evidence.ts';
import { numberCalled } from '../known/routing.ts';
import { type Channel, calledIn, trunksOf } from '../live/state.ts';
import { isOwnNumber } from '../numbering.ts';
import { type Direction, EXTENSION_DIALLED } from '../record.ts';
import { type Case, isKnownExtension, isPhone, shown } from './case.ts';
import { customerLegs, intendedNumber } from './click-to-call.ts';

const RULES: readonly Rule<Case, Direction>[] = [
  {
    name: 'caller-from-outside',
    find: ({ root }) => {
      if (root.party.side !== 'trunk' || !calledIn(root)) return null;
      return { value: 'Inbound', fact: `${shown(root)} called in (${root.initiator.fact}; ${root.party.reason.fact})` };
    },
  },
  {
    name: 'outside-number-called-by-the-pbx',
    find: ({ root }) => {
      if (root.party.side !== 'trunk' || calledIn(root)) return null;
      return {
        value: 'Outbound',
        fact: `${shown(root)} was called (${root.initiator.fact}; ${root.party.reason.fact})`,
      };
    },
  },
  {
    // A colleague's mobile, rung by his call forward or as a member of a group, makes no customer of him.
    name: EXTENSION_DIALLED,
    find: (of) => {
      const dialled = extensionDialled(of);
      return dialled === null
        ? null
        : { value: 'Internal', fact: `${of.root.party.ext} dialled ${dialled}, an extension or group` };
    },
  },
  {
    name: 'phone-to-trunk',
    find: (of) => {
      const { call, root, originated } = of;
      if (!isPhone(root)) return null;
      // The agent's own mobile, rung in a call that the PBX was asked to make, is no customer.
      const [leg] = originated === null ? trunksOf(call) : customerLegs(of);
      return leg === undefined ? null : { value: 'Outbound', fact: `the call of ${shown(root)} left by ${shown(leg)}` };
    },
  },
  {
    name: 'click-to-call-not-answered',
    find: (of) => {
      const { root } = of;
      const number = intendedNumber(of);
      return number === null
        ? null
        : { value: 'Outbound', fact: `${shown(root)} was rung for a call to an outside number` };
    },
  },
  {
    name: 'number-does-not-exist',
    find: ({ root, channels }) => {
      const alone = channels.length === 1 && root.answeredAt === null && calledIn(root) && isPhone(root);
      if (!alone || !isNoSuchNumber(root.clearing)) return null;
      return { value: 'Outbound', fact: 'the PBX has no route for the number dialled' };
    },
  },
  {
    // Nobody inside was called: the trunk leg was not heard of (the link was down), or there was no trunk to be had.
    name: 'outside-number-dialled',
    find: (of) => {
      const { root, channels } = of;
      const { dialled } = root.facts;
      if (!isPhone(root) || !calledIn(root) || dialled === null || channels.some((one) => one !== root && isPhone(one)))
        return null;
      const outside = readsAsOutside(of, dialled);
      return outside ? { value: 'Outbound', fact: `${root.party.ext} dialled an outside number` } : null;
    },
  },
  {
    name: 'outside-caller-not-heard',
    find: ({ root, unheard }) =>
      unheard === null
        ? null
        : { value: 'Inbound', fact: `${shown(root)} was rung for an outside number, whose own leg was not heard` },
  },
  {
    name: 'phones-only',
    find: ({ root }) => ({ value: 'Internal', fact: `only phones took part, ${shown(root)} began` }),
  },
];

export function directionOf(of: Case): Conclusion<Direction> {
  return decide(RULES, of);
}

/** True for a number of the telephone network that is not one of the company's own. */
function readsAsOutside({ plan }: Case, number: string): boolean {
  return toE164(number, plan.country) !== null && !isOwnNumber(plan, number);
}

/**
 * The extension or group that a phone dialled, although a trunk leg took part; `null` where it dialled an outside number, also by
 * a speed dial of the config, or where a colleague who had answered put it through to one.
 */
function extensionDialled(of: Case): string | null {
  const { plan, call, root } = of;
  const { dialled, endpoint } = root.facts;
  const legs = trunksOf(call);
  if (!isPhone(root) || !calledIn(root) || legs.length === 0 || dialled === null) return null;
  if (plan.speedDials?.some((one) => one.match(dialled) !== null) === true) return null;
  // Emergency numbers and the like go out as they were dialled, with or without a prefix.
  if (legs.some((leg) => numberCalled(leg)?.endsWith(dialled) ?? true)) return null;
  if (legs.some((leg) => putThrough(of, leg))) return null;
  const alike = `${endpoint.slice(0, endpoint.indexOf('/') + 1)}${dialled}`;
  const dialledFor = of.channels.some((one) => one.dials.some((dial) => dial.from?.exten === dialled));
  // Patterns match, and dialplans dial from, whatever has been dialled: only as much as an extension can be is one by that.
  const like = isExtensionLike(dialled) && (dialledFor || plan.extensions.some((one) => one.match(alike) !== null));
  return like || isKnownExtension(of, dialled) ? dialled : null;
}

/** A phone had answered before the outside number was called: somebody transferred the call to it. */
function putThrough({ root, channels }: Case, leg: Channel): boolean {
  return channels.some(
    (one) => one !== root && isPhone(one) && one.answeredAt !== null && one.answeredAt <= leg.createdAt,
  );
}
