/** Something an operator should know, raised once and cleared once. */
export interface Condition {
  readonly code:
    | 'crm-unavailable'
    | 'crm-denied'
    | 'crm-rate-limited'
    | 'crm-daily-cap'
    | 'crm-update-refused'
    | 'delivery-store'
    | 'delivery-trouble'
    | 'crm-users-stale';
  readonly raised: boolean;
  readonly severity: 'error' | 'warning';
  /** One sentence with the remedy. */
  readonly text: string;
}

export type OnCondition = (condition: Condition) => void;

/** Calls back only when a condition changes between raised and cleared, or gets another text while raised. */
export function onceEach(report: OnCondition): OnCondition {
  const raised = new Map<Condition['code'], string>();
  return (condition) => {
    if (condition.raised ? raised.get(condition.code) === condition.text : !raised.has(condition.code)) return;
    if (condition.raised) raised.set(condition.code, condition.text);
    else raised.delete(condition.code);
    report(condition);
  };
}
