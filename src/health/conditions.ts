/** What an operator should know at this moment: raised once, cleared once, each with its remedy. */
import type { Condition as DeliveryCondition } from '../delivery/condition.ts';
import type { Log } from '../ports.ts';

export interface RaisedCondition {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

export interface Conditions {
  take(condition: DeliveryCondition): void;
  /** Raises a condition with this text, or clears it with `null`. */
  set(code: string, text: string | null, severity?: 'error' | 'warning'): void;
  raised(): readonly RaisedCondition[];
}

export function createConditions(log: Log): Conditions {
  const raised = new Map<string, RaisedCondition>();
  const set = (code: string, text: string | null, severity: 'error' | 'warning' = 'error'): void => {
    const before = raised.get(code);
    if (text === null) {
      if (!raised.delete(code)) return;
      log.write('notice', code, `Over: ${before?.text ?? code}`);
      return;
    }
    if (before?.text === text) return;
    raised.set(code, { code, severity, text });
    log.write(severity === 'error' ? 'error' : 'warn', code, text);
  };
  return {
    take: ({ code, raised: on, severity, text }) => set(code, on ? text : null, severity),
    set,
    raised: () => [...raised.values()],
  };
}
