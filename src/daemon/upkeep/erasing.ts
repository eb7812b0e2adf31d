/** Erasing a number, page by page. */
import { z } from 'zod';
import type { Handlers } from '../../../adapters/control/api.ts';
import { naming, wordsOf } from '../../../adapters/sqlite/erased/writing.ts';
import { type ErasedPage, FIRST_PLACE } from '../../../adapters/sqlite/upkeep/erase.ts';
import type { CallRecord } from '../../call/record.ts';
import { events } from '../../events.ts';
import type { Clock, Log } from '../../ports.ts';
import type { Store } from '../answers/lookup.ts';
import { cursorOf, placeOf } from '../answers/pages.ts';
import type { Lengthy } from './lengthy.ts';

interface ErasingParts {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: Log;
  readonly lengthy: Pick<Lengthy, 'during'>;
  readonly live: () => readonly CallRecord[];
  /** Hears of calls that are stored no longer. */
  readonly onErased: (ids: readonly string[]) => void;
}

/** After this no further page is begun in one request, ms. */
const ENOUGH_MS = 250;

const place = z.tuple([z.enum(['calls', 'leads', 'sealed', 'hot']), z.number().int().min(0)]);

export function erasing(parts: ErasingParts): Pick<Handlers, 'erase' | 'tidy'> {
  const { store, clock, log, lengthy, live, onErased } = parts;
  return {
    async erase({ cursor, ...erasure }) {
      if (cursor === undefined && !erasure.dryRun) events.erasing(log, erasure.digits);
      // First: between two pages records are read again.
      if (!erasure.dryRun) await store.erasures.note({ ...erasure, upTo: clock.now() });
      const sum = { calls: 0, deliveries: 0, waiting: [] as string[], leads: 0, frames: 0, needed: 0, damaged: 0 };
      const end = clock.monotonic() + ENOUGH_MS;
      let next: ErasedPage['next'] = cursor === undefined ? FIRST_PLACE : placeOf(erasure, cursor, place);
      while (next !== null && clock.monotonic() < end) {
        const page: ErasedPage = await store.upkeep.erase({ ...erasure, place: next });
        if (!erasure.dryRun) onErased(page.erased);
        sum.calls += page.calls;
        sum.deliveries += page.deliveries;
        sum.waiting.push(...page.waiting);
        sum.leads += page.leads;
        sum.frames += page.frames;
        sum.needed += page.needed;
        sum.damaged += page.damaged;
        next = page.next;
      }
      const names = naming(erasure.digits);
      const going = live().filter((record) => wordsOf(record).search(names) >= 0).length;
      return { ...sum, live: going, cursor: next === null ? null : cursorOf(erasure, next) };
    },
    async tidy() {
      const { left } = await lengthy.during(() => store.upkeep.tidy());
      return { left, others: await store.upkeep.otherFiles() };
    },
  };
}
