/** Whether a PBX is heard, in one word, which the metrics, `/readyz` and the status line of systemd follow. */
import type { SourceStatus } from '../ports.ts';
import type { RaisedCondition } from './conditions.ts';
import { PBX_DEAF } from './hearing.ts';

/**
 * `heard`: the link stands and nothing is wrong with it. `troubled`: it is heard, and something is wrong that its status tells. `deaf`: the
 * link stands, and what happens to calls is not told. `away`: there is no link.
 */
export type Heard = 'heard' | 'troubled' | 'deaf' | 'away';

export function heardHow({ name, state, problem }: SourceStatus, conditions: readonly RaisedCondition[]): Heard {
  if (state !== 'connected') return 'away';
  if (conditions.some(({ code, source }) => code === PBX_DEAF && source === name)) return 'deaf';
  return problem === null ? 'heard' : 'troubled';
}

/** Events of its calls come. */
export function isHeard(status: SourceStatus, conditions: readonly RaisedCondition[]): boolean {
  const how = heardHow(status, conditions);
  return how === 'heard' || how === 'troubled';
}

/** The same with the state of the link, for a line. */
export function heardText(status: SourceStatus, conditions: readonly RaisedCondition[]): string {
  const { state } = status;
  switch (heardHow(status, conditions)) {
    case 'deaf':
      return `${state}, but deaf`;
    case 'troubled':
      return `${state}, with a problem`;
    case 'heard':
    case 'away':
      return state;
  }
}
