/** Tells of each PBX how its link is, and whether events of its calls are missing. */
import { events } from '../events.ts';
import type { Log, SourceStatus } from '../ports.ts';
import type { Conditions } from './conditions.ts';

export const PBX_DEAF = 'pbx-deaf';

/** Takes every change of the state of a PBX. That it is deaf is told once, by its condition. */
export function watchHearing(log: Log, conditions: Conditions): (status: SourceStatus) => void {
  const linked = new Map<string, string>();
  return (status) => {
    const { name, state, deaf = null } = status;
    const link = deaf !== null && status.problem === deaf.text ? { ...status, problem: null } : status;
    const told = JSON.stringify([state, link.problem]);
    if (linked.get(name) !== told) events.sourceStatus(log, link);
    linked.set(name, told);
    if (deaf === null) conditions.set(PBX_DEAF, null, 'error', { source: name });
    else conditions.set(PBX_DEAF, deaf.text, 'error', { source: name, lines: deaf.lines });
  };
}
