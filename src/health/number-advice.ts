/** What is told of numbers that are missing or cannot be read: the likely cause, and the lines of the config to change. */
import { list, patternOf } from '../call/known/side-advice.ts';
import { outgoingNumber, prefixesBefore, suggestDialPrefix, type Writing } from '../call/numbering.ts';
import type { SourcePlan, TrunkRule } from '../call/plan.ts';
import { firstMatch } from '../telephony/endpoint.ts';
import { shapeOf } from '../telephony/mask.ts';
import { countryOf, toE164 } from '../telephony/number.ts';
import { isBlotted } from '../telephony/withheld.ts';
import { type NumberSeen, type NumberTrouble, writingOf } from './number-trouble.ts';
import type { Standing } from './shares.ts';

export interface Advice {
  /** One or a few sentences: what is so, why that is likely, what to do. */
  readonly text: string;
  /** Lines of TOML with comments that say where they belong; none where the remedy is elsewhere. */
  readonly lines: readonly string[];
}

/** Short numbers named in a text. */
const NAMED = 10;

/** A pattern that dial_prefix takes. */
const DIAL_PREFIX = /^\+?[\d*#]{1,16}$/;

type Adviser = (standing: Standing, plan: SourcePlan, source: string) => Advice;

const ADVISERS: Readonly<Record<NumberTrouble, Adviser>> = {
  'caller-hidden': ({ calls, of, trunk }, _plan, source) => ({
    text:
      `${source}: ${calls.length} of the last ${of} callers${trunk === null ? '' : ` on ${trunk}`} showed no number, so their calls ` +
      'are not posted. So many do not hide it: ask the carrier to deliver it (CLIP), and see that the PBX takes it ' +
      '(Asterisk: trust_id_inbound = yes for the PJSIP endpoint, and with it channelvars = MIXMONITOR_FILENAME,CALLERID(pres) in ' +
      '[general] of manager.conf, or callers who asked for privacy are looked up and posted, too; usecallerid = yes in chan_dahdi.conf). ' +
      'Where it cannot be had, the calls can be logged without a lead.',
    lines: ['# in [leadsquared.lead], in place of its line "anonymous" if it has one:', "anonymous = 'send'"],
  }),

  'caller-unread': (standing, plan, source) => {
    const { calls, of } = standing;
    const trunk = commonTrunk(calls);
    const numbers = numbersOf(calls.filter((one) => one.trunk === trunk));
    const text = `${source}: ${calls.length} of the last ${of} callers have numbers that cannot be read${by(trunk)}, such as ${shapeOf(numbers[0] ?? '')}: no lead can be found by them.`;
    if (numbers.filter(isBlotted).length * 2 > numbers.length) {
      return { text: `${text} The carrier blots out digits: ask it to deliver whole numbers.`, lines: [] };
    }
    const readBy = ({ country, format }: Writing) =>
      numbers.filter((number) => toE164(number, country, format) !== null).length * 2 > numbers.length;
    return reading(text, trunk, plan, source, readBy);
  },

  'called-unread': (standing, plan, source) => {
    const { calls, of } = standing;
    const trunk = commonTrunk(calls);
    const numbers = numbersOf(calls.filter((one) => one.trunk === trunk));
    const text = `${source}: ${calls.length} of the last ${of} outgoing calls were sent out with numbers that cannot be read${by(trunk)}, such as ${shapeOf(numbers[0] ?? '')}: no lead can be found by them.`;
    const readBy = (writing: Writing) =>
      numbers.filter((number) => outgoingNumber(number, null, writing).e164 !== null).length * 2 > numbers.length;
    const writing = writingOf(plan, trunk);
    const prefix = suggestDialPrefix(numbers, writing.country);
    const prefixes = [...(writing.dialPrefixes ?? []), ...(prefix === null ? [] : [prefix])];
    const helps = prefix !== null && DIAL_PREFIX.test(prefix) && trunk !== null;
    if (helps && readBy({ ...writing, dialPrefixes: prefixes })) {
      return {
        text: `${text} The PBX puts ${prefix} before the number: name that beginning in dial_prefix.`,
        lines: forTrunk(plan, source, trunk, `dial_prefix = ${list(prefixes)}`),
      };
    }
    return reading(text, trunk, plan, source, readBy);
  },

  'called-unnamed': ({ calls, of }, _plan, source) => ({
    text:
      `${source}: of ${calls.length} of the last ${of} outgoing calls the PBX did not tell the number that was called` +
      `${by(commonTrunk(calls))}, so they are not posted. Compare the rights and the event filter of logcalld in the PBX with ` +
      'README.md (Asterisk: read = call,... in manager.conf, and no filter on Newchannel or DialBegin); in a dialplan of your ' +
      'own, let Dial name the number.',
    lines: [],
  }),

  'short-number': ({ calls, of }, plan, source) => {
    const dialled = [...new Set(numbersOf(calls))].sort();
    const more = dialled.length > NAMED ? ` and ${dialled.length - NAMED} more` : '';
    return {
      text:
        `${source}: ${calls.length} of the last ${of} calls to outside were dialled as ${dialled.slice(0, NAMED).join(', ')}${more} and count as ` +
        'internal, so they are not posted. If these are speed dials of customers, name them in speed_dials; if they ' +
        'reach colleagues on their mobiles, name the mobiles in [source.agent_mobiles].',
      lines: speedDials(plan, source, dialled),
    };
  },
};

/** What to tell of a cause that stands out. `source`: the configured name of the PBX. */
export function adviceOn(standing: Standing, plan: SourcePlan, source: string): Advice {
  return ADVISERS[standing.trouble](standing, plan, source);
}

/**
 * What mends the number of a single outgoing call that cannot be read; `null` where nothing is known to. Of several prefixes that would
 * do, the shortest.
 */
export function prefixAdvice(number: string, plan: SourcePlan, source: string, trunk: string): Advice | null {
  const writing = writingOf(plan, trunk);
  const [prefix] = prefixesBefore(number, writing.country);
  if (prefix === undefined || !DIAL_PREFIX.test(prefix)) return null;
  return {
    text: `If the PBX puts ${prefix} before the numbers that it sends to ${trunk}:`,
    lines: forTrunk(plan, source, trunk, `dial_prefix = ${list([...(writing.dialPrefixes ?? []), prefix])}`),
  };
}

/** The line by which short numbers count as those of customers. */
export function speedDials(plan: SourcePlan, source: string, dialled: readonly string[]): readonly string[] {
  const known = plan.speedDials?.map(({ text }) => text) ?? [];
  return [
    `# in [[source]] ${source}, in place of its line "speed_dials" if it has one:`,
    `speed_dials = ${list([...known, ...dialled])}`,
  ];
}

/** The trunk by which most of the calls came or went. */
function commonTrunk(calls: readonly NumberSeen[]): string | null {
  const counts = new Map<string | null, number>();
  for (const { trunk } of calls) counts.set(trunk, (counts.get(trunk) ?? 0) + 1);
  return [...counts].reduce<readonly [string | null, number]>((a, b) => (b[1] > a[1] ? b : a), [null, 0])[0];
}

const numbersOf = (calls: readonly NumberSeen[]): string[] => calls.flatMap(({ number }) => number ?? []);

const by = (trunk: string | null): string => (trunk === null ? '' : ` (trunk ${trunk})`);

/**
 * What reads most of the numbers (`readBy`): another form on this trunk, or another country that the config knows; else where to
 * look.
 */
function reading(
  text: string,
  trunk: string | null,
  plan: SourcePlan,
  source: string,
  readBy: (writing: Writing) => boolean,
): Advice {
  const present: Writing = { ...writingOf(plan, trunk), format: 'auto' };
  if (trunk !== null && readBy(present)) {
    return {
      text: `${text} They can be read with format = 'auto'.`,
      lines: forTrunk(plan, source, trunk, "format = 'auto'"),
    };
  }
  const own = [...plan.own].flatMap((number) => countryOf(number) ?? []);
  const others = [plan.country, ...plan.trunks.map(({ country }) => country), ...own];
  const country = others.find((one) => readBy({ ...present, country: one }));
  if (trunk !== null && country !== undefined) {
    return {
      text: `${text} They can be read as numbers of ${country}: set that country for the trunk.`,
      lines: forTrunk(plan, source, trunk, `country = '${country}'`),
    };
  }
  const place = ruleOf(plan, trunk) === undefined ? `[[source]] ${source}` : `the [[source.trunk]] of ${trunk}`;
  return {
    text:
      `${text} They are read as numbers of ${present.country}: correct the line country = '${present.country}' of ${place} if they ` +
      'belong to another country; numbers that are no customers can be left out with [filters] skip_numbers or skip_trunks.',
    lines: [],
  };
}

function ruleOf(plan: SourcePlan, trunk: string | null): TrunkRule | undefined {
  return trunk === null ? undefined : plan.trunks.find(({ match }) => firstMatch(match, trunk) !== null);
}

/** A line for the table of a trunk: in the one that has it already, else in one of its own. */
function forTrunk(plan: SourcePlan, source: string, trunk: string, line: string): readonly string[] {
  const rule = ruleOf(plan, trunk);
  if (rule === undefined) {
    return [
      `# after all other lines of [[source]] ${source}:`,
      '[[source.trunk]]',
      `match = ${list([patternOf(trunk)])}`,
      line,
    ];
  }
  const key = line.slice(0, line.indexOf(' '));
  const match = rule.match.map(({ text }) => text);
  return [
    `# in the [[source.trunk]] of ${source} with match = ${list(match)}, in place of its line "${key}" if it has one:`,
    line,
  ];
}
