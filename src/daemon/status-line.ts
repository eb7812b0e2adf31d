/** What systemd shows of the daemon: whether it is heard, what goes on, and what needs attention. */
import type { RaisedCondition } from '../health/conditions.ts';
import { heardText } from '../health/heard.ts';
import type { SourceStatus } from '../ports.ts';

/** One line. Codes are the program's own: nothing of a call or a caller is in it. */
export function statusLine(
  sources: readonly SourceStatus[],
  channels: number,
  conditions: readonly RaisedCondition[],
): string {
  const links = sources.map((source) => `${source.name} ${heardText(source, conditions)}`).join(', ');
  const codes = new Set(conditions.flatMap(({ code, severity }) => (severity === 'notice' ? [] : [code])));
  const attention = codes.size === 0 ? '' : `; needs attention: ${[...codes].join(', ')}`;
  return `${links}; ${channels} live channels${attention}`;
}
