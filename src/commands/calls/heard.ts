/** What the journal has of one call, asked for page by page: of the daemon, or of its file. */
import { eventsOf, keptFrames } from '../../../adapters/sqlite/journal/events.ts';
import type { FramesPage, FramesRequest } from '../../../adapters/sqlite/journal/read.ts';
import type { Config, SourceConfig } from '../../../config/schema.ts';
import { eventsOfCall, namesIn } from '../../call/timeline.ts';
import { readersOf } from '../../daemon/readers.ts';
import { type CallEvent, channelOf } from '../../telephony/call-event.ts';
import type { Asker } from '../control.ts';

/** The journal of whoever answers. `onPage`: hears of each page. */
export function journalOf(asker: Pick<Asker, 'call'>, onPage: () => void = () => {}) {
  return {
    async frames({ channels, ...request }: FramesRequest): Promise<FramesPage> {
      onPage();
      const { bytes, ...page } = await asker.call('frames', {
        ...request,
        ...(channels === undefined ? {} : { channels: [...channels] }),
      });
      return { ...page, bytes: Buffer.from(bytes, 'base64') };
    },
  };
}

type Frames = ReturnType<typeof journalOf>;

/** Arrival, ms since the epoch. */
export interface Span {
  readonly since: number;
  readonly until: number;
}

export interface HeardCall {
  readonly source: SourceConfig;
  /** What was said of its channels, and of the source as a whole meanwhile, in order. */
  readonly events: readonly CallEvent[];
}

/** Rounds in which further channels of a call are found; more than a call has parties. */
const MAX_ROUNDS = 50;
/** So long before and after one leg of it a call may have gone on, ms. */
const LONG_MS = 4 * 3_600_000;
/** The second that the id of a leg begins with is by the clock of the PBX, ms. */
const CLOCKS_MS = 15 * 60_000;

/**
 * All that was said in a time of the call that has a channel or linked id of this name; `null` when it is not named there. What was said
 * of other calls (`others`) tells nothing of it, but by when the PBX was heard and what its clock was.
 */
export async function heardWithin(
  frames: Frames,
  config: Config,
  source: SourceConfig,
  name: string,
  span: Span,
  others: 'without others' | 'with others' = 'without others',
): Promise<HeardCall | null> {
  const read = readersOf(config)(source.name);
  const filtered = others === 'without others';
  let names: ReadonlySet<string> = new Set([name]);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const events: CallEvent[] = [];
    const request = { source: source.name, from: 0, ...whole(span), channels: filtered ? [...names] : undefined };
    for await (const page of keptFrames(frames, request)) {
      for (const frame of page) events.push(...(eventsOf(frame, source.name, read) ?? []));
    }
    const own = eventsOfCall(events, name, 'connected');
    const more = new Set([name, ...own.flatMap((event) => namesIn(event, 'connected'))]);
    if (own.length === 0) return null;
    if (!filtered) return { source, events };
    if (more.size <= names.size) return { source, events: ofThese(events, names) };
    names = more;
  }
  return null;
}

const whole = ({ since, until }: Span): Span => ({ since: Math.max(0, Math.floor(since)), until: Math.ceil(until) });

/** Their own, and those about the source. */
function ofThese(events: readonly CallEvent[], names: ReadonlySet<string>): readonly CallEvent[] {
  return events.filter((event) => {
    const channel = channelOf(event);
    return channel === null || names.has(channel);
  });
}

/**
 * The call that has a leg of this name, wherever it is in the journal; `null` when no frame names it. `id`: with or without the name of
 * its source.
 */
export async function searchHeard(frames: Frames, config: Config, id: string, now: number): Promise<HeardCall | null> {
  for (const source of config.source) {
    const name = id.startsWith(`${source.name}-`) ? id.slice(source.name.length + 1) : id;
    const at = await firstNamed(frames, config, source, name, now);
    if (at === null) continue;
    const heard = await heardWithin(frames, config, source, name, { since: at - LONG_MS, until: at + LONG_MS });
    if (heard !== null) return heard;
  }
  return null;
}

/** When a frame names this channel first; an id of Asterisk tells about when. */
async function firstNamed(
  frames: Frames,
  config: Config,
  source: SourceConfig,
  name: string,
  now: number,
): Promise<number | null> {
  const second = /^(1\d{9})\.\d+$/.exec(name)?.[1];
  const ever = { since: 0, until: now };
  const near = second === undefined ? null : Number(second) * 1000;
  const spans = near === null ? [ever] : [{ since: near - CLOCKS_MS, until: near + CLOCKS_MS }, ever];
  const read = readersOf(config)(source.name);
  for (const span of spans) {
    const request = { source: source.name, from: 0, ...whole(span), channels: [name] };
    for await (const page of keptFrames(frames, request)) {
      for (const frame of page) {
        const events = eventsOf(frame, source.name, read) ?? [];
        if (events.some((event) => namesIn(event).includes(name))) return frame.at;
      }
    }
  }
  return null;
}
