/** What an operator should know at this moment: raised once, cleared once, each with its remedy. */
import type { Condition as DeliveryCondition } from '../condition.ts';
import { events } from '../events.ts';
import type { Clock, Log, LogLevel } from '../ports.ts';

/** `notice`: all is well, but could be better. */
export type Severity = 'error' | 'warning' | 'notice';

export interface RaisedCondition {
  readonly code: string;
  readonly severity: Severity;
  readonly text: string;
  /** The PBX it is about; `null`: none, or all. */
  readonly source: string | null;
  /** Lines for the config, or for a file of the PBX, that are the remedy. They name endpoints and prefixes, never a caller. */
  readonly lines: readonly string[];
  /** When it was raised, whatever its text was then, ms since the epoch; `null`: not known. */
  readonly since: number | null;
}

/** What a condition may have beside its text. */
export interface Particulars {
  readonly source?: string;
  readonly lines?: readonly string[];
  /** What must change for the log to be told again, for texts that count; the text itself unless given. */
  readonly gist?: string;
}

export interface Conditions {
  take(condition: DeliveryCondition): void;
  /** Raises a condition with this text, or clears it with `null`. Each source has conditions of its own. */
  set(code: string, text: string | null, severity?: Severity, more?: Particulars): void;
  raised(): readonly RaisedCondition[];
}

const LEVELS: Readonly<Record<Severity, LogLevel>> = { error: 'error', warning: 'warn', notice: 'notice' };

/** `clock`: without it nobody knows since when. */
export function createConditions(log: Log, clock?: Pick<Clock, 'now'>): Conditions {
  const raised = new Map<string, { readonly condition: RaisedCondition; readonly gist: string }>();
  const set = (code: string, text: string | null, severity: Severity = 'error', more: Particulars = {}): void => {
    const { source = null, lines = [], gist = text ?? '' } = more;
    const key = JSON.stringify([code, source]);
    const before = raised.get(key);
    const about = source === null ? undefined : { pbx: source };
    if (text === null) {
      if (!raised.delete(key)) return;
      events.condition(log, 'notice', code, `Over: ${before?.condition.text ?? code}`, about);
      return;
    }
    const since = before?.condition.since ?? clock?.now() ?? null;
    raised.set(key, { condition: { code, severity, text, source, lines, since }, gist });
    if (before?.gist === gist && before.condition.severity === severity) return;
    events.condition(log, LEVELS[severity], code, text, lines.length === 0 ? about : { ...about, lines });
  };
  return {
    take: ({ code, raised: on, severity, text }) => set(code, on ? text : null, severity),
    set,
    raised: () => [...raised.values()].map(({ condition }) => condition),
  };
}
