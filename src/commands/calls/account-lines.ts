/** An account of a call for people: each thing that was decided, by what, and what was not taken. */
import type { CallWhy, Decision } from '../../../adapters/control/api.ts';
import type { Account, Seen, Topic, TopicName, Value } from '../../call/explain/account.ts';
import type { LegAccount } from '../../call/explain/legs.ts';
import { adviceFor } from '../../call/known/side-advice.ts';
import type { SourcePlan } from '../../call/plan.ts';
import { shortNumberOf } from '../../call/record.ts';
import { prefixAdvice, speedDials } from '../../health/number-advice.ts';
import { clockTime, columns, dateTime, type Privacy } from '../output.ts';

export const TITLES: Readonly<Record<TopicName, string>> = {
  direction: 'Direction',
  'outside number': 'Outside number',
  'company number': 'Company number',
  agent: 'Agent',
  'whose call': 'Whose call',
  status: 'Status',
  began: 'Began',
  answered: 'Answered',
  ended: 'Ended',
  talk: 'Talk',
};

/** For a value that is nothing. */
export const NOBODY: Readonly<Partial<Record<TopicName, string>>> = {
  'outside number': 'none',
  'company number': 'none',
  agent: 'nobody',
  'whose call': "nobody's",
  answered: 'not at all',
};

/** Each thing, with what led to it. */
export function topicLines({ record, topics }: Account, secrecy: Privacy): readonly string[] {
  const text = (topic: Topic, value: Value): string => {
    if (typeof value === 'number') return topic.topic === 'began' ? dateTime(value) : clockTime(value);
    if (value === null)
      return topic.topic === 'outside number' && record.withheld ? 'withheld' : (NOBODY[topic.topic] ?? '-');
    return secrecy.text(value);
  };
  return columns(topics.flatMap((topic) => rows(TITLES[topic.topic], topic, (value) => text(topic, value), secrecy)));
}

/** Lead, user and post. */
export function decisionLines({ lead, user, post }: CallWhy, secrecy: Privacy): readonly string[] {
  const own = (value: Value, none: string): string => (value === null ? none : secrecy.text(String(value)));
  return columns([
    ...rows('Lead', lead, (value) => own(value, 'none'), secrecy),
    ...rows('User', user, (value) => own(value, 'none'), secrecy),
    ...rows('Post', post, (value) => own(value, 'not to be posted'), secrecy),
  ]);
}

/** `because`: what decided; `also`: what led to it; `not`: what lost. */
function rows(
  title: string,
  { value, rule, fact, notes, rejected, ...more }: Topic | Decision,
  shown: (value: Value) => string,
  secrecy: Privacy,
): string[][] {
  const seen = 'seen' in more ? more.seen : null;
  return [
    [title, shown(value)],
    ['  because', `${secrecy.text(fact)}  [${rule}]`],
    ...(seen === null ? [] : [['  seen as', `${form(seen, secrecy)} on ${secrecy.text(seen.on)}`]]),
    ...notes.map((note) => ['  also', secrecy.text(note)]),
    ...rejected.map((one) => ['  not', `${shown(one.value)}: ${secrecy.text(one.fact)}  [${one.rule}]`]),
  ];
}

/** A masked number with its form, by which it was read. */
function form({ number, shape }: Seen, secrecy: Privacy): string {
  const shown = secrecy.number(number);
  return shown.startsWith('***') ? `${shown} (written ${shape})` : shown;
}

const SIDES = { trunk: 'trunk', extension: 'phone', wire: 'wire' } as const;
const BEGUN = { endpoint: 'called the PBX', pbx: 'was called by the PBX' } as const;

/** Each leg: phone or trunk, and who began it. */
export function legLines(legs: readonly LegAccount[], secrecy: Privacy): readonly string[] {
  return legs.flatMap(({ channel, endpoint, ext, side, begun }) => [
    `${channel}  ${secrecy.text(endpoint)}, ${side.value === 'extension' ? `phone of ${ext}` : SIDES[side.value]}`,
    ...columns([
      ['  because', `${secrecy.text(side.fact)}  [${side.rule}]`],
      ...side.rejected.map((one) => ['  not', `a ${SIDES[one.value]}: ${secrecy.text(one.fact)}  [${one.rule}]`]),
      ['  also', `It ${BEGUN[begun.value]}: ${secrecy.text(begun.fact)}  [${begun.rule}]`],
      ...begun.rejected.map((one) => ['  not', `it ${BEGUN[one.value]}: ${secrecy.text(one.fact)}  [${one.rule}]`]),
    ]),
  ]);
}

const indented = (line: string): string => `  ${line}`;

/** Lines of the config that would change the account, where it rests on little. */
export function remedies({ record, legs }: Account, plan: SourcePlan, secrecy: Privacy): readonly string[] {
  const { source, direction, external, externalE164, trunk } = record;
  const unread = direction === 'Outbound' && external !== null && externalE164 === null && trunk !== null;
  const prefix = unread ? prefixAdvice(external, plan, source, trunk) : null;
  const doubtful = [...new Map(legs.filter(({ unsure }) => unsure).map((leg) => [leg.endpoint, leg])).values()];
  const other = doubtful.flatMap(({ endpoint, side }) => {
    const opposite = side.value === 'trunk' ? 'extension' : 'trunk';
    return [
      `If ${secrecy.text(endpoint)} is a ${SIDES[opposite]}, and no ${SIDES[side.value]}:`,
      ...adviceFor([{ endpoint, side: opposite }], plan, source).map(indented),
    ];
  });
  const short = shortNumberOf(record);
  const lines = [
    ...(prefix === null ? [] : [prefix.text, ...prefix.lines.map(indented)]),
    ...(short === null
      ? []
      : [`If ${short} is a speed dial of a customer:`, ...speedDials(plan, source, [short]).map(indented)]),
    ...(record.reasons?.agent.rule === 'outside-telephone-of-nobody'
      ? [
          "If that outside telephone is an agent's:",
          `  # in [source.agent_mobiles] of ${source}:`,
          "  'its number, +CC...' = 'the extension'",
        ]
      : []),
  ];
  return [...lines, ...other];
}
