/** Keys of earlier versions that mean something else now: read as what they come nearest to, so that an upgrade stops nothing. */

import { parseDuration } from './duration.ts';
import { isTable, type KeyPath } from './problem.ts';

export interface Renamed {
  /** What to tell the administrator, one sentence for each old key. */
  readonly notes: readonly string[];
  /** The path as it stands in the file, of one as it is read. */
  readonly asWritten: (path: KeyPath) => KeyPath;
}

const TABLE = ['storage', 'retention'] as const;

/** Puts the present keys into `root`, in place of old ones. */
export function readRenamed(root: Record<string, unknown>): Renamed {
  const { storage } = root;
  const written = new Map<string, string>();
  const notes: string[] = [];
  const asWritten = (path: KeyPath): KeyPath => {
    const from =
      path.length === 3 && TABLE.every((name, at) => path[at] === name) ? written.get(String(path[2])) : undefined;
    return from === undefined ? path : [...TABLE, from];
  };
  if (!isTable(storage) || !isTable(storage.retention)) return { notes, asWritten };
  const { raw, events, raw_max, ...others } = storage.retention;
  const retention: Record<string, unknown> = others;
  const read = (old: Readonly<Record<string, unknown>>, to: string): void => {
    const given = Object.entries(old).filter(([, value]) => value !== undefined);
    for (const [from] of given) {
      notes.push(
        `[storage.retention] ${from} is of version 0.1 and read as ${to}: write ${to} instead. ` +
          'Frames and events are one journal now, compressed, and kept for one time.',
      );
    }
    // Of two times the shorter: nothing is kept longer than somebody wanted. One that is none comes first, to be named.
    const [first] = given.toSorted(([, a], [, b]) => length(a) - length(b));
    if (first === undefined || retention[to] !== undefined) return;
    retention[to] = first[1];
    written.set(to, first[0]);
  };
  read({ raw, events }, 'journal');
  read({ raw_max }, 'journal_max');
  root.storage = { ...storage, retention };
  return { notes, asWritten };
}

const length = (value: unknown): number => parseDuration(String(value)) ?? Number.NEGATIVE_INFINITY;
