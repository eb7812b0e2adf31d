/** Do events of calls come through? Who may log in may still be deaf: by his rights, or by a filter. */
import { createClock } from '../../../adapters/host/clock.ts';
import { createSource, type Source } from '../../../adapters/index.ts';
import type { SourceConfig } from '../../../config/schema.ts';
import type { Clock, Deaf } from '../../ports.ts';
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
  const heard = await ear.result(waitMs, clock, { both: placing, placed });
  if (heard === 'whole') {
    const unproven = probe.unproven === null ? '' : `; ${probe.unproven}`;
    return [ok(about, `events of calls come through${unproven}`)];
  }
  if (heard !== null) return failed(heard);
  if (placed) return failed(probe.unheard('all'));
  const how =
    refused === null
      ? 'make a call while this runs, or let "check-config --probe" place a channel that rings nobody'
      : 'place the channel by hand while this runs, and if it is not heard then, these lines are what to change';
  const text = `not proven: no event of a call came in ${Math.round(waitMs / 1000)} s; ${how}`;
  return [
    {
      level: refused === null ? 'info' : 'warn',
      about,
      text,
      ...(refused === null ? {} : { lines: probe.unheard('all').lines }),
    },
  ];
}

/** `whole`: a channel was heard to begin and to end, or of a call going on enough; `null`: nothing was heard in time. */
type Heard = 'whole' | Deaf | null;

interface Ear {
  /** `both`: the beginning and the end of a channel are waited for; `placed`: of one that was placed, which has both at once. */
  result(ms: number, clock: Clock, wanted: { readonly both: boolean; readonly placed: boolean }): Promise<Heard>;
}

/** Resolves when the PBX has listed its channels; `null` where it lets nobody in, or says nothing. */
function listenTo(source: Source, clock: Clock): Promise<Ear | null> {
  const kinds = new Set<string>();
  let wake = (): void => {};
  const ear: Ear = {
    result: (ms, timer, { both, placed }) =>
      new Promise((resolve) => {
        let cancel = (): void => {};
        const done = (heard: Heard): void => {
          cancel();
          wake = () => {};
          resolve(heard);
        };
        const look = (): void => {
          const { deaf = null, callHeardAt = null } = source.status();
          if (deaf !== null) done(deaf);
          else if (both ? kinds.has('channel-created') && kinds.has('cleared') : callHeardAt !== null) done('whole');
        };
        cancel = timer.after(ms, () => done(partly(kinds, source, placed)));
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

/** What is there by now is all that comes, but for the end of a call that goes on. */
function partly(kinds: ReadonlySet<string>, { probe }: Source, placed: boolean): Heard {
  const [begun, ended] = [kinds.has('channel-created'), kinds.has('cleared')];
  if (ended) return begun ? 'whole' : probe.unheard('beginnings');
  if (!begun) return null;
  return placed ? probe.unheard('ends') : 'whole';
}
