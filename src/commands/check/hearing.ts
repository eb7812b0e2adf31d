/** Do events of calls come through? Who may log in may still be deaf: by his rights, or by a filter. */
import { createClock } from '../../../adapters/host/clock.ts';
import { createSource, type Source } from '../../../adapters/index.ts';
import type { SourceConfig } from '../../../config/schema.ts';
import type { Clock, Deaf, Unheard } from '../../ports.ts';
import type { Secret } from '../../secret.ts';
import { type Finding, ok } from './finding.ts';

export interface HearingCheck {
  /** Place a channel at the PBX that rings nobody, instead of waiting for a call. */
  readonly probe: boolean;
  /** Says what is waited for, one sentence. */
  readonly tell: (text: string) => void;
  /** How long a call is waited for, ms. */
  readonly listenMs?: number;
}

/** For the connection, the login and the list of channels together, ms. */
const READY_WITHIN_MS = 15_000;
/** For a call that anybody may make, ms. */
const LISTEN_MS = 5_000;
/** For the channel that was placed, ms. */
const PLACED_MS = 5_000;
/** For somebody to place it by hand, ms. */
const BY_HAND_MS = 30_000;

/** Logs in and listens. Nothing where the PBX lets nobody in: that is told elsewhere. */
export async function hearingFindings(config: SourceConfig, secret: Secret, check: HearingCheck): Promise<Finding[]> {
  const clock = createClock();
  const source = createSource(config, { clock, secret: () => secret.reveal() });
  try {
    const ear = await listenTo(source, clock);
    return ear === null ? [] : await listen(source, ear, clock, check);
  } finally {
    await source.stop();
  }
}

async function listen(source: Source, ear: Ear, clock: Clock, check: HearingCheck): Promise<Finding[]> {
  const { name, probe } = source;
  const about = `hearing of ${name}`;
  const { probe: placing, tell, listenMs = LISTEN_MS } = check;
  const failed = ({ text, lines }: Deaf): Finding[] => [{ level: 'FAIL', about, text, lines }];
  const refused = placing ? await probe.place() : null;
  const placed = placing && refused === null;
  const waitMs = placed ? PLACED_MS : placing ? BY_HAND_MS : listenMs;
  if (!placed) {
    const seconds = Math.round(waitMs / 1000);
    if (refused !== null) tell(`${name}: ${refused}`);
    if (refused !== null) tell(`Within ${seconds} s, on the machine of ${name}: ${probe.byHand}`);
    else tell(`Listening to ${name} for up to ${seconds} s: is there a call?`);
  }
  const heard = await ear.result(waitMs, clock);
  if (heard.begun && heard.ended) {
    const others = probe.unproven === null ? '' : `; ${probe.unproven}`;
    return [ok(about, `events of calls come through${others}`)];
  }
  if (heard.deaf !== null) return failed(heard.deaf);
  // The one that was placed has both at once.
  if (placed) return failed(probe.unheard(missing(heard)));
  const lines = refused === null ? {} : { lines: probe.unheard(missing(heard)).lines };
  return [
    {
      ...{ level: refused === null ? 'info' : 'warn', about, unproven: true },
      ...{ text: unproven(heard, waitMs, refused === null), ...lines },
    },
  ];
}

function missing({ begun, ended }: Heard): Unheard {
  if (begun) return 'ends';
  return ended ? 'beginnings' : 'all';
}

/** `listened`: nothing was to be placed. */
function unproven({ any, begun, ended }: Heard, waitMs: number, listened: boolean): string {
  const seconds = `${Math.round(waitMs / 1000)} s`;
  const how = listened
    ? 'make a call while this runs, or let "check-config --probe" place a channel that rings nobody'
    : 'place the channel by hand while this runs, and if it is not heard then, these lines are what to change';
  if (!any) return `not proven: no event of a call came in ${seconds}; ${how}`;
  const came = begun ? 'a channel was heard to begin and none to end' : 'a channel was heard to end and none to begin';
  const what = begun || ended ? came : 'no channel was heard to begin or to end';
  return `not proven: events of calls come, but in ${seconds} ${what}, as of calls that go on or with a filter that holds them back; ${how}`;
}

/** What came of calls: any event, the beginning and the end of a channel; and what the source says is missing. */
interface Heard {
  readonly any: boolean;
  readonly begun: boolean;
  readonly ended: boolean;
  readonly deaf: Deaf | null;
}

interface Ear {
  /** Waits until the beginning and the end of a channel were heard, or it is known that they do not come, for `ms` at most. */
  result(ms: number, clock: Clock): Promise<Heard>;
}

/** Resolves when the PBX has listed its channels; `null` where it lets nobody in, or says nothing. */
function listenTo(source: Source, clock: Clock): Promise<Ear | null> {
  const kinds = new Set<string>();
  let wake = (): void => {};
  const ear: Ear = {
    result: (ms, timer) =>
      new Promise((resolve) => {
        const heard = (): Heard => {
          const { deaf = null, callHeardAt = null } = source.status();
          const [begun, ended] = [kinds.has('channel-created'), kinds.has('cleared')];
          return { any: callHeardAt !== null, begun, ended, deaf };
        };
        let cancel = (): void => {};
        const done = (): void => {
          cancel();
          wake = () => {};
          resolve(heard());
        };
        const look = (): void => {
          const { begun, ended, deaf } = heard();
          if (deaf !== null || (begun && ended)) done();
        };
        cancel = timer.after(ms, done);
        wake = look;
        look();
      }),
  };
  return new Promise((resolve) => {
    const cancel = clock.after(READY_WITHIN_MS, () => resolve(source.status().state === 'connected' ? ear : null));
    const done = (result: Ear | null): void => {
      cancel();
      resolve(result);
    };
    source.start(
      ({ events }) => {
        for (const { kind } of events) {
          kinds.add(kind);
          if (kind === 'snapshot-complete') done(ear);
        }
        wake();
      },
      ({ state }) => {
        if (state === 'refused' || state === 'lost') done(null);
        wake();
      },
    );
  });
}
