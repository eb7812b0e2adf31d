/**
 * Watches the calls of each PBX for what no single call shows: numbers that cannot be read, endpoints that are not what they are
 * called, recordings without names. Nothing of this is lost in silence.
 *
 * What stands is a function of the stored calls: at a start the last ones are taken in again, so a restart forgets nothing, and
 * as they are read by the present config, what a correction has mended does not come back.
 */
import type { MisreadName } from '../call/known/side.ts';
import type { SourcePlan } from '../call/plan.ts';
import type { CallRecord } from '../call/record.ts';
import type { DeliveryPolicy } from '../delivery/policy.ts';
import type { Clock } from '../ports.ts';
import type { Conditions } from './conditions.ts';
import { MisreadNames } from './misread.ts';
import { type Advice, adviceOn } from './number-advice.ts';
import { type NumberSeen, type NumberTrouble, numberSeen } from './number-trouble.ts';
import { Shares } from './shares.ts';
import { UnnamedRecordings } from './unnamed-recordings.ts';

export interface CallWatchOptions {
  readonly sources: readonly { readonly name: string; readonly plan: SourcePlan }[];
  readonly policy: DeliveryPolicy;
  /** True when links to recordings are posted: then a missing name is a loss. */
  readonly recordingsPosted: boolean;
  readonly conditions: Conditions;
  readonly clock: Pick<Clock, 'now' | 'after'>;
}

export interface CallWatch {
  /** Calls that are stored, in any order; one that is known already is seen anew. */
  note(records: readonly CallRecord[]): void;
  /** The same for calls of former times: nothing is told before `review`. */
  fill(records: readonly CallRecord[]): void;
  /** Extensions that have taken part in calls of any PBX. */
  known(extensions: Iterable<string>): void;
  misread(source: string, name: MisreadName): void;
  /** Looks again at what stands, since calls grow too old to say anything. */
  review(): void;
  /** Nothing is told any more. */
  stop(): void;
}

const CODES: Readonly<Record<NumberTrouble, string>> = {
  'caller-hidden': 'callers-hidden',
  'caller-unread': 'callers-unread',
  'called-unread': 'called-unread',
  'called-unnamed': 'called-unnamed',
  'short-number': 'short-numbers',
};

/** What stands is looked at at once, then at most so often, ms: to read half a hundred numbers in many ways takes time. */
const REVIEW_MS = 10_000;

/** Extensions remembered; a PBX has fewer. */
const EXTENSIONS = 10_000;

export function createCallWatch({ sources, policy, recordingsPosted, conditions, clock }: CallWatchOptions): CallWatch {
  const watched = new Map(
    sources.map(({ name, plan }) => {
      const own = { shares: new Shares(), names: new MisreadNames(), recordings: new UnnamedRecordings() };
      return [name, { plan, ...own }] as const;
    }),
  );
  const extensions = new Set<string>();
  for (const { extension } of policy.user.rows) extensions.add(extension);
  for (const { plan } of sources) {
    for (const extension of [...plan.owners.values(), ...plan.mobiles.values()]) extensions.add(extension);
  }

  const learn = (extension: string | null): void => {
    if (extension !== null && extensions.size < EXTENSIONS) extensions.add(extension);
  };

  /** A colleague whose phone sends everything on to a mobile is known from other calls; a speed dial never is. */
  const counts = ({ trouble, number }: NumberSeen): boolean =>
    trouble !== 'short-number' || number === null || !extensions.has(number);

  const tell = (code: string, source: string, advice: Advice | null, severity: 'warning' | 'notice' = 'warning') => {
    if (advice === null) conditions.set(code, null, severity, { source });
    else conditions.set(code, advice.text, severity, { source, lines: advice.lines, gist: code });
  };

  const reviewOne = (source: string): void => {
    const one = watched.get(source);
    if (one === undefined) return;
    const standing = new Map(one.shares.standing(clock.now(), counts).map((found) => [found.trouble, found] as const));
    for (const trouble of Object.keys(CODES) as NumberTrouble[]) {
      const found = standing.get(trouble);
      tell(CODES[trouble], source, found === undefined ? null : adviceOn(found, one.plan, source));
    }
    tell(
      'recordings-unnamed',
      source,
      one.recordings.advice(source, clock.now()),
      recordingsPosted ? 'warning' : 'notice',
    );
  };

  /** For each source that was looked at just now: how to forget that, and whether it is to be looked at again. */
  const lately = new Map<string, { cancel: () => void; again: boolean }>();
  let stopped = false;
  const reviewSoon = (source: string): void => {
    // Calls are stored up to the end of the program, which a timer would keep from ending.
    if (stopped) return;
    const before = lately.get(source);
    if (before !== undefined) {
      before.again = true;
      return;
    }
    reviewOne(source);
    const cancel = clock.after(REVIEW_MS, () => {
      const again = lately.get(source)?.again === true;
      lately.delete(source);
      if (again) reviewSoon(source);
    });
    lately.set(source, { cancel, again: false });
  };

  const take = (records: readonly CallRecord[]): void => {
    for (const record of records) {
      const one = watched.get(record.source);
      if (one === undefined) continue;
      for (const extension of [record.agent, ...record.agentsRung, record.queue, record.ringGroup]) learn(extension);
      const seen = numberSeen(record, one.plan, policy);
      if (seen === null) one.shares.forget(record.callSessionId);
      else one.shares.note(seen);
      one.recordings.note(record);
    }
  };

  return {
    note(records) {
      take(records);
      for (const source of new Set(records.map((record) => record.source))) reviewSoon(source);
    },
    fill: take,
    known(more) {
      for (const extension of more) learn(extension);
    },
    misread(source, name) {
      const one = watched.get(source);
      if (one?.names.note(name) === true) tell('endpoints-misread', source, one.names.advice(one.plan, source));
    },
    review() {
      for (const source of watched.keys()) reviewOne(source);
    },
    stop() {
      stopped = true;
      for (const { cancel } of lately.values()) cancel();
      lately.clear();
    },
  };
}
