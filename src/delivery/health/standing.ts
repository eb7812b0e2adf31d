/**
 * What is known of the CRM, in one word: what `status` shows of it, the alarm and the gauge all follow from it, so that none of them can
 * say what another denies.
 *
 *   untried  nothing was asked yet
 *   works    it answers, and no kind of request is known to fail
 *   answers  calls failed, and none has gone through since; but it answers, takes the keys, and nothing is left that waits for it
 *   away     calls failed, and wait until one goes through
 *   refused  it refuses the account
 */
import type { Condition, OnCondition } from '../../condition.ts';

export type Standing = 'untried' | 'works' | 'answers' | 'away' | 'refused';

/** Nothing keeps calls from being sent, as far as is known. */
export const isUp = (standing: Standing): boolean => standing === 'works' || standing === 'untried';

export interface Trouble {
  readonly standing: Exclude<Standing, 'untried' | 'works'>;
  /** Requests are refused, not unanswered. */
  readonly refusal: boolean;
  /** More of them failed since it answers. */
  readonly still: boolean;
  /** What the CRM said. */
  readonly why: string | null;
}

function alarm(crm: string, { standing, refusal, still, why }: Trouble): Condition {
  const said = why ?? 'no reason given';
  const raised = { code: refusal ? 'crm-denied' : 'crm-unavailable', raised: true, severity: 'error' } as const;
  if (standing === 'answers') {
    if (still)
      return { ...raised, text: `${crm} answers, but takes no calls (${said}); they are kept and tried again.` };
    const text = `${crm} answers again; whether it takes calls, the next one tells. Before, it did not (${said}).`;
    return { ...raised, severity: 'warning', text };
  }
  const text = refusal
    ? `${crm} refuses the account (${said}); calls are kept. Correct host or keys and restart; after a change in ${crm}, reload.`
    : `${crm} is unavailable; calls are kept and sent when it is back. If other machines reach ${crm}, check the network of this one.`;
  return { ...raised, text };
}

function over(crm: string, code: Condition['code']): Condition {
  return { code, raised: false, severity: 'error', text: `${crm} takes calls again.` };
}

/** Tells the alarm that stands: one at a time. */
export function alarms(crm: string, onCondition: OnCondition) {
  let told: Condition['code'] | null = null;
  /** `trouble` `null`: there is none. `certain`: it is to be told, also when nothing was told before. */
  return (trouble: Trouble | null, certain: boolean): void => {
    if (trouble !== null && !certain && told === null) return;
    const condition = trouble === null ? null : alarm(crm, trouble);
    if (told !== null && told !== condition?.code) onCondition(over(crm, told));
    told = condition?.code ?? null;
    if (condition !== null) onCondition(condition);
  };
}
