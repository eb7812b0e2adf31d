/** The agent of a call: of those who talked with the external party, or who placed it; and whose call it is if nobody did. */
import { type Conclusion, decide, decideFirst, type Rule } from '../evidence.ts';
import type { Channel } from '../live/state.ts';
import { ownerOf } from '../numbering.ts';
import type { Direction, Talk } from '../record.ts';
import { covered } from '../talk.ts';
import { type Case, isPhone, shown } from './case.ts';
import { outsideAgent, placedBy } from './click-to-call.ts';
import { agentOutside, behalfOf } from './forwarded.ts';
import { ringGroupOf } from './ring-group.ts';

interface Asked {
  readonly of: Case;
  readonly direction: Direction;
  readonly talks: readonly Talk[];
  /** The outside telephone that answered in place of an extension. */
  readonly mobile: Channel | null;
  readonly did: string | null;
}

type Extension = string | null;

/** Of several who talked the one that the setting `calls.agent` names. */
function ofTalks({ agent }: Case, talks: readonly Talk[]): Talk | undefined {
  const length = (talk: Talk) => covered(talks.filter((one) => one.ext === talk.ext));
  if (agent === 'first') return talks[0];
  const later = (a: Talk, b: Talk) => (a.from > b.from ? a : b);
  const longer = (a: Talk, b: Talk) => (length(a) >= length(b) ? a : b);
  const [first, ...others] = talks;
  return first === undefined ? undefined : others.reduce(agent === 'last' ? later : longer, first);
}

/** The outside telephone on which an agent was rung in a call that the PBX was asked to make, before the customer or for him. */
function askedOutside({ of, direction, mobile }: Asked): Channel | null {
  return outsideAgent(of) ?? (direction === 'Outbound' ? mobile : null);
}

const RULES: readonly Rule<Asked, Extension>[] = [
  {
    name: 'who-dialled',
    find: ({ of: { root }, direction }) => {
      if (direction !== 'Internal') return null;
      return { value: isPhone(root) ? root.party.ext : null, fact: `${shown(root)} began the internal call` };
    },
  },
  {
    name: 'who-talked',
    find: ({ of, talks }) => {
      const chosen = ofTalks(of, talks);
      if (chosen === undefined) return null;
      const several = new Set(talks.map((talk) => talk.ext)).size > 1;
      return { value: chosen.ext, fact: `${chosen.ext} talked${several ? ` (calls.agent = ${of.agent})` : ''}` };
    },
  },
  {
    name: 'who-placed-the-call',
    find: ({ of, direction }) => {
      const leg = placedBy(of);
      if (direction !== 'Outbound' || !isPhone(leg)) return null;
      const what = leg === of.root ? 'began the call' : 'was rung for the call';
      return { value: leg.party.ext, fact: `${shown(leg)} ${what} (${leg.party.reason.fact})` };
    },
  },
  {
    name: 'outside-telephone-of-an-agent',
    find: (asked) => {
      const leg = askedOutside(asked);
      const whose = leg === null ? null : agentOutside(asked.of, leg);
      return whose === null || whose.value === null ? null : { ...whose, fact: `${whose.rule}: ${whose.fact}` };
    },
  },
  {
    name: 'outside-telephone-of-nobody',
    find: (asked) =>
      askedOutside(asked) === null
        ? null
        : { value: null, fact: 'the agent was rung on an outside telephone that agent_mobiles does not name' },
  },
  {
    name: 'outside-telephone',
    find: ({ of, mobile, did }) => {
      if (mobile === null) return null;
      const { value, rule, fact } = behalfOf(of, mobile, did);
      return { value, fact: `${rule}: ${fact}` };
    },
  },
  {
    name: 'phone-not-heard',
    find: ({ of: { unheard } }) =>
      unheard !== null && unheard.takenAt !== null
        ? { value: null, fact: 'the phone that took the call was not heard' }
        : null,
  },
  { name: 'nobody', find: () => ({ value: null, fact: 'nobody of the company was connected' }) },
];

export function agentOf(asked: Asked): Conclusion<Extension> {
  return decide(RULES, asked);
}

/** A call that nobody took. */
export interface Untaken {
  readonly of: Case;
  readonly direction: Direction;
  /** Extensions whose phones rang, in order. */
  readonly rung: readonly string[];
  readonly did: string | null;
  readonly queue: string | null;
}

const MISSED: readonly Rule<Untaken, Extension>[] = [
  {
    name: 'not-inbound',
    find: ({ direction, rung }) =>
      direction === 'Inbound' ? null : { value: rung.at(-1) ?? null, fact: 'the phone that rang last' },
  },
  {
    name: 'only-phone-rung',
    find: ({ rung: [only, ...others] }) =>
      only === undefined || others.length > 0 ? null : { value: only, fact: `only the phone of ${only} rang` },
  },
  {
    name: 'missed-setting',
    find: ({ of: { missed }, rung }) => {
      if (rung.length === 0 || missed === 'owner') return null;
      const value = { first: rung[0], last: rung.at(-1), nobody: null }[missed] ?? null;
      return { value, fact: `${rung.length} phones rang (calls.missed = ${missed})` };
    },
  },
  {
    name: 'owner-of-the-line',
    find: ({ of, did }) => {
      const ext = ownerOf(of.plan, did, of.root.party);
      return ext === null ? null : { value: ext, fact: `the direct line ${did} is that of ${ext}` };
    },
  },
  {
    name: 'number-of-the-group',
    find: ({ of, rung, queue }) => {
      const line = rung.length === 0 ? null : (lineOfGroup(ringGroupOf(of)) ?? lineOfGroup(queue));
      return line === null ? null : { value: line, fact: 'it is the number of the group or queue that rang' };
    },
  },
  {
    name: 'rang-last',
    find: ({ rung }) => {
      const last = rung.at(-1);
      return last === undefined ? null : { value: last, fact: `of the phones that rang, that of ${last} did last` };
    },
  },
  { name: 'nobody', find: () => ({ value: null, fact: 'no phone rang, and the number called is no direct line' }) },
];

/**
 * Whose call a call is that nobody took. One phone that rang missed it. Of several none did alone: the setting `calls.missed` says
 * whose it is, by default the owner of the direct line, else the number of the group or queue, else the phone that rang last.
 */
export function missedBy(untaken: Untaken): Extension {
  return decideFirst(MISSED, untaken).value;
}

/** The same, with what other rules would have said. */
export function whoMissed(untaken: Untaken): Conclusion<Extension> {
  return decide(MISSED, untaken);
}

/** Groups and queues that are dialled by a number have that as their line; a name alone is no line. */
function lineOfGroup(group: string | null): string | null {
  return group !== null && /^\d+$/.test(group) ? group : null;
}
