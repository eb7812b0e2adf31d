/** Tells of each PBX how its link is, and whether events of its calls are missing: as it is deaf, or as its own records say. */
import { events } from '../events.ts';
import type { Clock, Log, SourceStatus } from '../ports.ts';
import type { Conditions } from './conditions.ts';

/** Code of the condition: the link stands, and what happens to calls is not told. */
export const PBX_DEAF = 'pbx-deaf';
/** Calls are heard, without what one kind of event tells of them. */
const EVENTS_LACKING = 'events-lacking';
/** The same was so when it was heard last, before a restart of this program. */
const PBX_DOUBTED = 'pbx-deaf-before';
const CALLS_UNHEARD = 'calls-unheard';

/** So long after the last call that nobody heard, and while calls are heard, it is told no longer, ms. */
const TOLD_MS = 600_000;

export interface HearingWatchOptions {
  readonly log: Log;
  readonly conditions: Conditions;
  readonly clock: Pick<Clock, 'now'>;
  /** How each PBX is now: that an event of a call came changes no state, and is not told. */
  readonly statuses: () => readonly SourceStatus[];
  /** True for a PBX whose own records are read. */
  readonly isRecorded: (source: string) => boolean;
  /** The PBX is deaf from now on. */
  readonly onDeaf: (source: string) => void;
}

export interface HearingWatch {
  /** Every change of the state of a PBX. */
  status(status: SourceStatus): void;
  /** As of `GapWatchOptions`: it was deaf when it was heard last, since then. `null`: nothing says so any more. */
  doubt(source: string, since: number | null): void;
  /** It is, or was when it was heard last. */
  isDeaf(source: string): boolean;
  /** As of `AuditOptions.onLooked`: these calls were not heard though the link stood. */
  looked(source: string, unheard: readonly number[]): void;
}

interface Known {
  status: SourceStatus | null;
  /** What was told of its link last. */
  told: string;
  /** When it was deaf last, and how many calls nobody heard since when, ms since the epoch. */
  deafAt: number;
  unheard: number;
  unheardAt: number;
  /** It was deaf in an earlier life, and no call was heard since. */
  doubted: boolean;
}

export function watchHearing({ log, conditions, clock, ...options }: HearingWatchOptions): HearingWatch {
  const known = new Map<string, Known>();
  const of = (source: string): Known => {
    const one = known.get(source) ?? { status: null, told: '', deafAt: 0, unheard: 0, unheardAt: 0, doubted: false };
    known.set(source, one);
    return one;
  };
  const meanwhile = (source: string): string =>
    options.isRecorded(source)
      ? 'Meanwhile its calls are logged from its own records.'
      : 'Calls made meanwhile are lost, as no [[source.records]] is set for it.';

  return {
    status(status) {
      const { name, state, problem, deaf = null, lacking = null } = status;
      const one = of(name);
      const wasDeaf = one.status?.deaf != null;
      one.status = status;
      // That it is deaf is told by its condition.
      const link = deaf !== null && problem === deaf.text ? { ...status, problem: null } : status;
      const told = JSON.stringify([state, link.problem]);
      if (one.told !== told) events.sourceStatus(log, link);
      one.told = told;
      if (deaf !== null || wasDeaf) one.deafAt = clock.now();
      conditions.set(EVENTS_LACKING, lacking?.text ?? null, 'error', { source: name, lines: lacking?.lines ?? [] });
      if (deaf === null) conditions.set(PBX_DEAF, null, 'error', { source: name });
      else {
        const text = `${deaf.text} ${meanwhile(name)}`;
        conditions.set(PBX_DEAF, text, 'error', { source: name, lines: deaf.lines });
        if (!wasDeaf) options.onDeaf(name);
      }
    },
    doubt(source, since) {
      const one = of(source);
      one.doubted = since !== null;
      one.deafAt = clock.now();
      conditions.set(
        PBX_DOUBTED,
        since === null ? null : `${doubtText(source, since)} ${meanwhile(source)}`,
        'warning',
        { source },
      );
      if (since !== null) options.onDeaf(source);
    },
    isDeaf: (source) => of(source).doubted || of(source).status?.deaf != null,
    looked(source, unheard) {
      const one = of(source);
      if (unheard.length > 0) events.unheard(log, source, unheard.length);
      // That a deaf PBX has calls that nobody hears is known.
      const deafAt = this.isDeaf(source) ? Number.POSITIVE_INFINITY : one.deafAt;
      const news = unheard.filter((beganAt) => beganAt > deafAt);
      if (news.length > 0) [one.unheard, one.unheardAt] = [one.unheard + news.length, clock.now()];
      const now = options.statuses().find(({ name }) => name === source);
      const heardSince = (now?.callHeardAt ?? 0) > one.unheardAt;
      if (one.unheard > 0 && news.length === 0 && heardSince && clock.now() > one.unheardAt + TOLD_MS) one.unheard = 0;
      conditions.set(CALLS_UNHEARD, one.unheard === 0 ? null : unheardText(source, one.unheard), 'error', {
        source,
        gist: CALLS_UNHEARD,
      });
    },
  };
}

function doubtText(source: string, since: number): string {
  const at = `${new Date(since).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return (
    `${source} was deaf when logcalld ended, since ${at}, and no event of a call has come yet: whether it still is, the next call ` +
    'tells, or "logcalld check-config --probe" at once.'
  );
}

function unheardText(source: string, calls: number): string {
  const [stand, they] = calls === 1 ? ['1 call stands', 'it is'] : [`${calls} calls stand`, 'they are'];
  return (
    `${source}: ${stand} in its own records of which no event came, though the link stood; ${they} logged from there, some minutes ` +
    'late. Part of its events is held back: on Asterisk by a line "eventfilter" or the line "read" of the AMI user in manager.conf. ' +
    'Try "logcalld check-config --probe".'
  );
}
