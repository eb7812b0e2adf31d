/** Parked calls as a condition: they are not in the CRM, and nothing more happens to them by itself. */
import { freshOf, type ParkedCount, type ParkedCounts } from '../delivery/parked/counts.ts';
import { remedyOf, replayCommand } from '../delivery/parked/reasons.ts';
import type { RaisedCondition, Severity } from './conditions.ts';

export const PARKED = 'calls-parked';

/**
 * A single call that LeadSquared rejects happens anywhere. More than a tenth of the latest calls is no chance but a setting, a missing user
 * or a change in LeadSquared, and goes on until somebody acts; of a handful, one or two say nothing yet.
 */
const SHARE = { least: 5, part: 0.1 } as const;

export interface ParkedFinding {
  readonly severity: Severity;
  readonly text: string;
  readonly lines: readonly string[];
  /** Changes when there is something new to tell, and not with every call. */
  readonly gist: string;
}

/** `null`: none is parked that nobody has taken note of. */
export function parkedFinding(counts: ParkedCounts): ParkedFinding | null {
  const fresh = freshOf(counts);
  if (fresh === 0) return null;
  const reasons = counts.reasons.filter((one) => one.fresh > 0).sort((a, b) => b.fresh - a.fresh);
  const { calls, fresh: recent } = counts.latest;
  const many = recent >= SHARE.least && recent > calls * SHARE.part;
  const share = many ? `, among them ${recent} of the last ${calls}` : '';
  const each = reasons.map((one) => `${one.fresh} ${one.code}`).join(', ');
  return {
    severity: many ? 'error' : 'warning',
    text:
      `${fresh === 1 ? '1 call is' : `${fresh} calls are`} parked and not in LeadSquared${share}: ${each}. Each waits until it is sent ` +
      'again. "logcalld calls --state parked" shows them, "logcalld acknowledge" takes note of them.',
    lines: reasons.flatMap(linesOf),
    gist: `${many} ${reasons
      .map(({ code }) => code)
      .sort()
      .join(' ')}`,
  };
}

function linesOf({ code, fresh }: ParkedCount): readonly string[] {
  const { what, helps } = remedyOf(code);
  return [
    `${code} (${fresh}): ${what}.`,
    `  what helps: ${helps}`,
    `  shows them: logcalld calls --reason ${code}`,
    `  sends them: ${replayCommand(code)}`,
  ];
}

/** The same, ready to be shown. */
export function parkedCondition(counts: ParkedCounts): readonly RaisedCondition[] {
  const found = parkedFinding(counts);
  if (found === null) return [];
  const { severity, text, lines } = found;
  return [{ code: PARKED, severity, text, lines, source: null, since: null }];
}
