/** Keys of earlier versions that mean something else now: read as what they come nearest to, so that an upgrade stops nothing. */
import { isTable } from './check.ts';
import { parseDuration } from './duration.ts';

/** Puts the present keys into `root`; answers what to tell the administrator, one sentence for each old key. */
export function readRenamed(root: Record<string, unknown>): readonly string[] {
  const { storage } = root;
  if (!isTable(storage) || !isTable(storage.retention)) return [];
  const { raw, events, raw_max: rawMax, ...others } = storage.retention;
  const retention: Record<string, unknown> = others;
  const notes: string[] = [];
  const read = (from: string, to: string, value: unknown): void => {
    retention[to] ??= value;
    notes.push(
      `[storage.retention] ${from} is of version 0.1 and read as ${to}: write ${to} instead. ` +
        'Frames and events are one journal now, compressed, and kept for one time.',
    );
  };
  // Of two times the shorter: nothing is kept longer than somebody wanted.
  const times = [raw, events].filter((value) => value !== undefined);
  if (times.length > 0)
    read(times.length > 1 ? 'raw and events' : raw === undefined ? 'events' : 'raw', 'journal', shortest(times));
  if (rawMax !== undefined) read('raw_max', 'journal_max', rawMax);
  root.storage = { ...storage, retention };
  return notes;
}

/** The shortest of some durations; one that is none is answered as it is, for the schema to name it. */
function shortest(values: readonly unknown[]): unknown {
  const ms = (value: unknown): number => parseDuration(String(value)) ?? Number.NEGATIVE_INFINITY;
  return values.toSorted((a, b) => ms(a) - ms(b))[0];
}
