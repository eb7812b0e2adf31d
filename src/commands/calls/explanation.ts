/** What `explain` found out about one call, and how it is told. */
import type { CallWhy } from '../../../adapters/control/api.ts';
import type { Config } from '../../../config/schema.ts';
import type { Account } from '../../call/explain/account.ts';
import { planOf } from '../../daemon/settings.ts';
import type { DeliveryState } from '../../delivery/states.ts';
import type { Privacy } from '../output.ts';
import { decisionLines, legLines, remedies, topicLines } from './account-lines.ts';
import { headline, plainView } from './show.ts';

export interface Explanation {
  readonly id: string;
  /** The id that was asked about, where it is that of a leg; else `null`. */
  readonly asked: string | null;
  /** `record`: nothing but what is stored is left, or can be used. */
  readonly from: 'journal' | 'record';
  /** Why it is not told from the journal, or why it is not stored; `null`: it is. */
  readonly because: string | null;
  /** Fields of the stored record that come out otherwise by the present code and config. */
  readonly differs: readonly string[];
  /** Why it would not be posted as it is told here, by the config as it is now; `null`: it would, or that is not known. */
  readonly unposted: string | null;
  readonly goingOn: boolean;
  readonly state: DeliveryState | null;
  readonly account: Account;
  /** `null` for a call that is not stored. */
  readonly why: CallWhy | null;
}

export function explanationLines(config: Config, found: Explanation, secrecy: Privacy): readonly string[] {
  const { account, why, asked, id } = found;
  const { record, legs } = account;
  const source = config.source.find(({ name }) => name === record.source);
  const plan = source === undefined ? null : planOf(source);
  return [
    headline(record, plainView(secrecy)),
    ...(asked === null || asked === id ? [] : [`${asked} is a leg of this call.`]),
    ...standing(found),
    '',
    ...topicLines(account, secrecy),
    ...section('Legs', legLines(legs, secrecy)),
    ...section('LeadSquared', why === null ? [] : decisionLines(why, secrecy)),
    ...section('If that is wrong', plan === null ? [] : remedies(account, plan, secrecy)),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

/** On what this account rests, and whether the same is stored. `config`: the one it was worked out by. */
export function standing(
  { from, because, differs, goingOn, why, unposted }: Explanation,
  config = 'the config as it is now',
): readonly string[] {
  if (from === 'record') return [`From what is stored alone: ${because}.`];
  const skipped = unposted === null ? [] : [`By ${config} it is not posted: ${unposted}`];
  if (goingOn)
    return ['It goes on, or its end was not heard: this is how it stands; it is stored when it is over.', ...skipped];
  if (why === null)
    return [because === null ? 'Worked out from the capture.' : `Worked out from the journal: ${because}.`, ...skipped];
  if (differs.length === 0) return [`Worked out again from the journal, by ${config}: the same is stored.`];
  return [
    `Worked out again from the journal, by ${config}. STORED IS SOMETHING ELSE in: ${differs.join(', ')}.`,
    '"logcalld sessions rederive" shows it, and stores this with --apply.',
    ...skipped,
  ];
}
