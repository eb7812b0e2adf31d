/** Pages that are open hear what changes: one look at the daemon a second serves all of them, and there is none while nobody looks. */
import { type Daemon, STATUS_MS, type Status } from './ask.ts';

export interface Live {
  /** Frames a second of each PBX between the last two looks. */
  rates(): ReadonlyMap<string, number>;
  /** One look, by which the rates are known as well. */
  look(): Promise<Status>;
  /** Hears of each look until the answer is called; `null`: the daemon does not answer. */
  watch(hear: (status: Status | null) => void): () => void;
  readonly watchers: number;
}

/** A look that takes longer is none for those who watch, ms: what they see is told to be old before it comes. */
const LATE_MS = 10_000;
/** Rates are told of at least this time, ms. */
const RATE_MS = 800;

export function createLive(daemon: Pick<Daemon, 'status'>): Live {
  const watchers = new Set<(status: Status | null) => void>();
  let before: { readonly at: number; readonly frames: ReadonlyMap<string, number> } | null = null;
  let rates: ReadonlyMap<string, number> = new Map();
  let timer: NodeJS.Timeout | null = null;
  let looking = false;
  let isLate = false;

  const note = ({ at, sources }: Status): void => {
    const frames = new Map(sources.map((source) => [source.name, source.frames]));
    const last = before;
    if (last !== null && at - last.at < RATE_MS) return;
    before = { at, frames };
    if (last === null || at - last.at > 10 * STATUS_MS) return;
    // A new connection counts from the beginning.
    const rate = (name: string, now: number): number =>
      (Math.max(0, now - (last.frames.get(name) ?? now)) * 1000) / (at - last.at);
    rates = new Map([...frames].map(([name, now]) => [name, rate(name, now)]));
  };
  const look = async (): Promise<Status> => {
    const status = await daemon.status();
    note(status);
    return status;
  };
  const tell = (status: Status | null): void => {
    for (const hear of watchers) hear(status);
  };
  const tick = (): void => {
    timer = null;
    looking = true;
    const late = setTimeout(() => {
      isLate = true;
      tell(null);
    }, LATE_MS);
    void look()
      .catch(() => null)
      .then((status) => {
        clearTimeout(late);
        looking = false;
        isLate = false;
        tell(status);
        if (watchers.size > 0 && timer === null) timer = setTimeout(tick, STATUS_MS);
      });
  };
  return {
    rates: () => rates,
    look,
    watch(hear) {
      watchers.add(hear);
      if (isLate) hear(null);
      if (timer === null && !looking) tick();
      return () => {
        watchers.delete(hear);
        if (watchers.size > 0 || timer === null) return;
        clearTimeout(timer);
        timer = null;
      };
    },
    get watchers() {
      return watchers.size;
    },
  };
}
