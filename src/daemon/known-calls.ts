/** What is known of calls already, when the records of a PBX tell of them: what is stored, what goes on, and what the journal holds. */
import { eventsOf, keptFrames, type ReaderOf } from '../../adapters/sqlite/journal/events.ts';
import type { CdrCall } from '../call/cdr/calls.ts';
import { listen, type Span } from '../call/cdr/coverage.ts';
import type { CallRecord } from '../call/record.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Elsewhere, KnownCalls } from '../records/merge.ts';
import { NETWORK_DIGITS } from '../telephony/digits.ts';
import type { Store } from './answers/lookup.ts';

export interface SourcePlaces {
  readonly name: string;
  /** Where its records lie, as the config names it: PBXs with one of these in common write into one place. */
  readonly recordsAt: readonly string[];
}

export interface KnownParts {
  readonly sources: readonly SourcePlaces[];
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
  { source, calls, span }: { readonly source: string; readonly calls: readonly CdrCall[]; readonly span: Span },
): Promise<Elsewhere> {
  const [theirs, alike] = [new Set<string>(), new Set<string>()];
  const places = parts.sources.find(({ name }) => name === source)?.recordsAt ?? [];
  for (const { name, recordsAt } of parts.sources) {
    if (name === source) continue;
    const left = calls.filter(({ record }) => !theirs.has(record.callSessionId));
    if (left.length === 0) break;
    const ids = new Set(left.flatMap((call) => [...call.ids]));
    const found = await parts.store.sessions.byIds({ ids: [...ids].map((id) => `${name}-${id}`) });
    const stored = new Map(found.map(({ record }) => [record.callSessionId.slice(name.length + 1), record]));
    const open = new Set([...ids].filter((id) => parts.pipeline().isOpen(name, id)));
    if (recordsAt.some((place) => places.includes(place))) {
      const { ids: heard } = await heardIn(parts, { source: name, ids, span });
      const has = (id: string): boolean => stored.has(id) || open.has(id) || heard.has(id);
      for (const { record, ids: own } of left) if ([...own].some(has)) theirs.add(record.callSessionId);
      continue;
    }
    for (const { record, ids: own } of left) {
      const isAlike = (id: string): boolean => open.has(id) || isSameParty(record, stored.get(id));
      if ([...own].some(isAlike)) alike.add(record.callSessionId);
    }
  }
  return { theirs, alike: alike.difference(theirs) };
}

/** Asterisk's ids name the second: of two calls of one id and one number both would have to be made in it. */
function isSameParty(record: CallRecord, other: CallRecord | undefined): boolean {
  return other !== undefined && lastDigits(record) === lastDigits(other);
}

/** Each PBX may write the number in another way. */
function lastDigits({ externalE164, external }: CallRecord): string {
  return (externalE164 ?? external ?? '').replace(/\D/g, '').slice(-NETWORK_DIGITS);
}

/** Gaps that are looked at for the lists after them: the latest. */
const GAPS = 1000;

async function listsOf({ store, pipeline }: KnownParts, source: string, since: number): Promise<readonly number[]> {
  const gaps = await store.gaps.list({ source, since, limit: GAPS });
  const lists = [...gaps.map(({ listedAt }) => listedAt), pipeline().listedAt(source)];
  return lists.filter((at) => at !== null).filter((at) => at >= since);
}
