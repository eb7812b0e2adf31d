/** What is known of calls already, when the records of a PBX tell of them: what is stored, what goes on, and what the journal holds. */
import { eventsOf, keptFrames, type ReaderOf } from '../../adapters/sqlite/journal/events.ts';
import { listen, type Span } from '../call/cdr/coverage.ts';
import type { Pipeline } from '../pipeline.ts';
import type { KnownCalls } from '../records/merge.ts';
import type { Store } from './answers/lookup.ts';

export interface KnownParts {
  readonly sources: readonly { readonly name: string }[];
  readonly store: {
    readonly sessions: Pick<Store['sessions'], 'byIds'>;
    readonly journal: Pick<Store['journal'], 'frames'>;
    readonly gaps: Pick<Store['gaps'], 'list'>;
  };
  readonly readerOf: ReaderOf;
  /** Asked when calls are going on; the pipeline is made after this. */
  readonly pipeline: () => Pick<Pipeline, 'isOpen' | 'settled' | 'timeOf' | 'bootedAt' | 'listedAt'>;
}

export function knownCalls(parts: KnownParts): KnownCalls {
  return {
    isOpen: (source, channel) => parts.pipeline().isOpen(source, channel),
    settled: () => parts.pipeline().settled(),
    async stored(ids) {
      const found = await parts.store.sessions.byIds({ ids });
      return found.map(({ record }) => record);
    },
    heard: (args) => heardIn(parts, args),
    elsewhere: (args) => elsewhere(parts, args),
    lists: (source, since) => listsOf(parts, source, since),
  };
}

/** What the journal holds of these channels. */
async function heardIn(
  { store, readerOf }: KnownParts,
  { source, ids, span }: { readonly source: string; readonly ids: ReadonlySet<string>; readonly span: Span },
) {
  const listener = listen();
  const read = readerOf(source);
  const request = { source, from: 0, since: span.from, until: span.to, channels: [...ids] };
  for await (const frames of keptFrames(store.journal, request)) {
    for (const frame of frames) {
      const said = eventsOf(frame, source, read) ?? [];
      listener.note(said, frame.at, 1);
    }
  }
  return listener.heard();
}

/** As of `KnownCalls`. */
async function elsewhere(
  parts: KnownParts,
  { source, ids, span }: { readonly source: string; readonly ids: ReadonlySet<string>; readonly span: Span },
): Promise<ReadonlySet<string>> {
  const taken = new Set<string>();
  for (const { name } of parts.sources) {
    if (name === source) continue;
    const wanted = new Map([...ids].filter((id) => !taken.has(id)).map((id) => [`${name}-${id}`, id]));
    if (wanted.size === 0) break;
    const stored = await parts.store.sessions.byIds({ ids: [...wanted.keys()] });
    for (const { record } of stored) taken.add(wanted.get(record.callSessionId) ?? '');
    const { ids: heard } = await heardIn(parts, { source: name, ids: new Set(wanted.values()), span });
    for (const id of wanted.values()) if (heard.has(id) || parts.pipeline().isOpen(name, id)) taken.add(id);
  }
  return taken;
}

/** Gaps that are looked at for the lists after them: the latest. */
const GAPS = 1000;

async function listsOf({ store, pipeline }: KnownParts, source: string, since: number): Promise<readonly number[]> {
  const gaps = await store.gaps.list({ source, since, limit: GAPS });
  const lists = [...gaps.map(({ listedAt }) => listedAt), pipeline().listedAt(source)];
  return lists.filter((at) => at !== null).filter((at) => at >= since);
}
