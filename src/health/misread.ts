/** Endpoints whose names say something else than what the PBX shows of them. */
import type { MisreadName } from '../call/known/side.ts';
import { adviceFor } from '../call/known/side-advice.ts';
import type { SourcePlan } from '../call/plan.ts';
import type { Advice } from './number-advice.ts';

/** Endpoints named at once. */
export const NAMED = 20;

/** Endpoints kept: names are mostly those of devices, but a PBX may also make them up. */
const KEPT = 200;

/** Facts drawn from where one call led: a second call has to agree, since one may be odd. */
const SECOND_CALL = 2;

const SIDES: Readonly<Record<MisreadName['side'], string>> = { trunk: 'a trunk', extension: 'a phone' };

interface Found {
  readonly name: MisreadName;
  calls: number;
  /** True when another call showed the other side: then there is nothing to advise. */
  unclear: boolean;
}

/** Of one PBX, since the program started: the evidence comes anew with the next calls. */
export class MisreadNames {
  private readonly found = new Map<string, Found>();

  /** True when something new was learnt. */
  note(name: MisreadName): boolean {
    const known = this.found.get(name.endpoint);
    if (known === undefined) {
      if (this.found.size >= KEPT) return false;
      this.found.set(name.endpoint, { name, calls: 1, unclear: false });
      return true;
    }
    if (known.unclear || (known.calls >= SECOND_CALL && known.name.side === name.side)) return false;
    known.calls += 1;
    known.unclear = known.name.side !== name.side;
    return true;
  }

  /** What to tell; `null` while there is nothing. `source`: the configured name of the PBX. */
  advice(plan: SourcePlan, source: string): Advice | null {
    const sure = [...this.found.values()].filter(
      ({ name, calls, unclear }) => !unclear && (!name.inferred || calls >= SECOND_CALL),
    );
    if (sure.length === 0) return null;
    const names = sure.map(({ name }) => name).sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1));
    const shown = names.slice(0, NAMED);
    const what = shown.map(({ endpoint, side, fact }) => `${endpoint} is ${SIDES[side]} (${fact})`);
    const more = names.length > NAMED ? `; and ${names.length - NAMED} more` : '';
    return {
      text:
        `${source}: names of endpoints say something else than the PBX: ${what.join('; ')}${more}. Their calls are read by what the ` +
        'PBX shows, but where it shows nothing (calls that were going on at a restart, calls that end in a menu) the name ' +
        'decides, and wrongly: settle it in the config.',
      lines: adviceFor(shown, plan, source),
    };
  }
}
