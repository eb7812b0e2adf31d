/** What tells the places of one PBX apart where it is stored how far each was read. */
import type { CallRecords } from './port.ts';

/** The name of the place, and its number among those with the same one: the first has the name alone, as one that is by itself. */
export function keyOf(places: readonly CallRecords[], index: number): string {
  const name = places[index]?.name ?? '';
  const before = places.slice(0, index).filter((place) => place.name === name).length;
  return before === 0 ? name : `${name} #${before + 1}`;
}
