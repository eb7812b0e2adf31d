/**
 * Whether the CRM works, told by the calls it answers and those it does not. An outage costs few requests and no call its
 * attempts; a call with a fault of its own costs nobody else anything.
 *
 *   closed  DIFFERENT calls fail one after the other (3, none of which failed before)  -> open
 *   open    a call that never failed is tried now and then; it works                   -> closed
 *   open    nothing is left to try, and a probe is answered                            -> closed
 *   any     the account is refused                                                     -> denied
 *   denied  a probe is answered, or the operator reloads                               -> open
 *
 * Lookups and posts have a circuit each: a CRM that answers lookups and fails every post must not look healthy. Checks and
 * updates are no witnesses, as some accounts refuse them by themselves; where no connection comes about, all are.
 * A row that failed before is never the one that is tried, and its failures say nothing about the CRM.
 */
import type { Condition } from '../../condition.ts';
import type { Step } from '../states.ts';
import { type Circuit, freshCircuit } from './circuit.ts';
import { alarms, type Standing } from './standing.ts';

/** What is tried: lookups, or posts. */
export type Lane = 'look-up' | 'post';

const LANES: readonly Lane[] = ['look-up', 'post'];

export type CircuitState = 'closed' | 'open' | 'denied';

/** Which rows may be taken: all, one that never failed, or none. */
export type Admits = 'all' | 'trial' | 'none';

export interface Health {
  readonly state: CircuitState;
  readonly standing: Standing;
  /** What the CRM said when it failed; `null` while nothing is known to fail. */
  readonly cause: string | null;
  /** Monotonic ms of `now`. */
  admits(step: Step, now: number): Admits;
  /** The lanes that wait for a trial, and when the next may be made (monotonic ms). */
  trials(): readonly { readonly lane: Lane; readonly at: number }[];
  /** A trial of this lane was started. */
  trying(lane: Lane, now: number): void;
  /** There was no row that could be tried: none is looked for until `moreToTry`, or until a probe is answered. */
  nothingToTry(lane: Lane, now: number): void;
  /** What was tried asked nothing of the CRM (its lead was known): the next may be tried at once. */
  saidNothing(lane: Lane, now: number): void;
  /** Calls ended, or are sent again. */
  moreToTry(): void;
  worked(lane: Lane): void;
  /** A request that is no call's was answered: the CRM is there and takes the keys. */
  reached(): void;
  /**
   * A request failed. `subject` is what it was about (a number, a call): the same one counts once. `fresh`: its row never failed
   * before. `reached`: a connection came about.
   */
  failed(step: Step, subject: string, failure: Failure, now: number): void;
  denied(message: string): void;
  /** A probe was answered; `lookUps`: a lookup that had worked before works now, too. */
  answered(now: number, lookUps: boolean): void;
  /** A lookup that had worked before does not work any more. */
  lookUpsFail(failure: Pick<Failure, 'denied' | 'message'>, now: number): void;
  /** A probe was not answered. */
  unanswered(message: string, now: number): void;
  /** ms until the next probe. `random` is in [0, 1). */
  probeDelay(random: () => number): number;
  /** To be called now and then: an outage is told when it has lasted. */
  review(now: number): void;
}

export interface Failure {
  readonly fresh: boolean;
  readonly reached: boolean;
  /** The CRM refused it, though not the account. */
  readonly denied: boolean;
  readonly message: string;
}

const FAILURES_TO_OPEN = 3;
/** Between two trials: half a second for the first half minute, then twice as long each time, up to the first of these for ten minutes. */
const TRIAL_MS = 500;
const QUICK_TRIALS = 60;
const TRIAL_MAX_MS = { lately: 4000, later: 30_000 } as const;
const LATELY_MS = 600_000;
/** An outage that lasts so long is told, also when the CRM answers probes. */
const TOLD_AFTER_MS = 20_000;

export interface HealthParts {
  /** The CRM's name, for messages. */
  readonly crm: string;
  readonly onCondition: (condition: Condition) => void;
  /** Called after each change of state. */
  readonly onChange: (state: CircuitState, cause: string | null) => void;
}

export function createHealth({ crm, onCondition, onChange }: HealthParts): Health {
  const circuits: Readonly<Record<Lane, Circuit>> = { 'look-up': freshCircuit(), post: freshCircuit() };
  /** Subjects for which no connection came about, of any step. */
  const unreached = new Set<string>();
  let denied = false;
  let cause: string | null = null;
  let probes = 0;
  /** Probes while the account was refused, since the CRM last worked. */
  let refusals = 0;
  /** Of the last probe: what worked. */
  let probed: Readonly<Record<Lane, boolean>> = { 'look-up': false, post: false };
  let last: CircuitState = 'closed';
  /** Anything was ever answered. */
  let known = false;
  const alert = alarms(crm, onCondition);

  const state = (): CircuitState => (denied ? 'denied' : LANES.some((lane) => circuits[lane].open) ? 'open' : 'closed');

  const failing = (): readonly Circuit[] =>
    LANES.map((lane) => circuits[lane]).filter(({ failingSince }) => failingSince !== null);

  function standing(): Standing {
    if (denied) return 'refused';
    if (failing().length > 0) return state() === 'closed' ? 'answers' : 'away';
    return known ? 'works' : 'untried';
  }

  const why = (): string | null => (denied ? cause : (failing().find((circuit) => circuit.why !== null)?.why ?? cause));

  /** What was told is over when every lane that failed has worked since. */
  function tell(certain: boolean): void {
    const stands = standing();
    if (stands === 'works' || stands === 'untried') alert(null, certain);
    else {
      const refusal = denied || failing().some(({ refused }) => refused);
      alert({ standing: stands, refusal, still: failing().some(({ again }) => again), why: why() }, certain);
    }
  }

  function changed(reason: string | null): void {
    const now = state();
    if (now === last) return;
    last = now;
    cause = now === 'closed' ? null : reason;
    probes = 0;
    if (now === 'closed') refusals = 0;
    tell(now === 'denied');
    onChange(now, cause);
  }

  function open(lane: Lane, why: string, now: number): void {
    const circuit = circuits[lane];
    if (circuit.open) return;
    circuit.failingSince ??= now;
    Object.assign(circuit, { open: true, why, trialAt: now, trials: 0, empty: false });
    probed = { 'look-up': false, post: false };
    changed(why);
  }

  function close(lane: Lane): void {
    const circuit = circuits[lane];
    circuit.failed.clear();
    if (!circuit.open) return;
    circuit.open = false;
    circuit.again = false;
    changed(null);
  }

  function put(lane: Lane, now: number): void {
    const circuit = circuits[lane];
    circuit.trials += 1;
    const slow = Math.max(0, circuit.trials - QUICK_TRIALS);
    const most = now - (circuit.failingSince ?? now) < LATELY_MS ? TRIAL_MAX_MS.lately : TRIAL_MAX_MS.later;
    circuit.trialAt = now + Math.min(most, TRIAL_MS * 2 ** Math.min(10, slow));
  }

  return {
    get state() {
      return state();
    },
    get standing() {
      return standing();
    },
    get cause() {
      return why();
    },
    admits(step, now) {
      if (denied) return 'none';
      if (step === 'check' || step === 'update') return LANES.some((one) => circuits[one].open) ? 'none' : 'all';
      if (!circuits[step].open) return 'all';
      return circuits[step].trialAt <= now ? 'trial' : 'none';
    },
    trials() {
      const tried = LANES.filter((lane) => !denied && circuits[lane].open && !circuits[lane].empty);
      return tried.map((lane) => ({ lane, at: circuits[lane].trialAt }));
    },
    trying: put,
    nothingToTry(lane, now) {
      // Nothing shows more than the probe does: what failed before goes on, and is watched.
      if (probed[lane]) close(lane);
      else put(lane, now);
      circuits[lane].empty = true;
    },
    saidNothing(lane, now) {
      circuits[lane].trialAt = Math.min(circuits[lane].trialAt, now);
    },
    moreToTry() {
      for (const lane of LANES) circuits[lane].empty = false;
    },
    worked(lane) {
      unreached.clear();
      [denied, known] = [false, true];
      // A post that works proves more than a lookup does.
      for (const one of lane === 'post' ? LANES : [lane]) {
        close(one);
        Object.assign(circuits[one], { failingSince: null, refused: false, why: null });
      }
      changed(cause);
      tell(false);
    },
    reached() {
      known = true;
    },
    failed(step, subject, { fresh: first, reached, denied: refusal, message }, now) {
      if (reached && (step === 'look-up' || step === 'post')) circuits[step].again = true;
      if (!first) return;
      if (!reached) {
        if (unreached.size < FAILURES_TO_OPEN) unreached.add(subject);
        if (unreached.size >= FAILURES_TO_OPEN) for (const lane of LANES) open(lane, message, now);
        return;
      }
      if (step !== 'look-up' && step !== 'post') return;
      const circuit = circuits[step];
      if (circuit.failed.size < FAILURES_TO_OPEN) circuit.failed.add(subject);
      circuit.refused = refusal;
      circuit.why = message;
      if (circuit.failed.size >= FAILURES_TO_OPEN) open(step, message, now);
    },
    denied(message) {
      denied = true;
      changed(message);
    },
    answered(now, lookUps) {
      known = true;
      probed = { 'look-up': lookUps, post: true };
      for (const lane of LANES) circuits[lane].empty = false;
      for (const lane of LANES) circuits[lane].trialAt = Math.min(now, circuits[lane].trialAt);
      if (!denied) return;
      denied = false;
      // It is believed when a call goes through.
      for (const lane of LANES) {
        const told = { refused: true, why: cause };
        Object.assign(circuits[lane], { ...told, open: true, failingSince: now, trialAt: now, trials: 0 });
      }
      changed(cause);
    },
    lookUpsFail({ denied: refusal, message }, now) {
      circuits['look-up'].refused = refusal;
      open('look-up', message, now);
    },
    unanswered(message, now) {
      probed = { 'look-up': false, post: false };
      if (state() === 'open') {
        cause = message;
        for (const lane of LANES) if (circuits[lane].open) circuits[lane].why = message;
        tell(true);
      } else if (state() === 'closed') for (const lane of LANES) open(lane, message, now);
    },
    probeDelay(random) {
      if (denied) {
        refusals += 1;
        return Math.min(900_000, 60_000 * 2 ** Math.min(10, refusals - 1));
      }
      probes += 1;
      if (probes === 1) return 1000;
      const ceiling = Math.min(30_000, 5000 * 2 ** Math.min(10, probes - 1));
      return 5000 + Math.round(random() * (ceiling - 5000));
    },
    review(now) {
      tell(failing().some(({ failingSince }) => now - (failingSince ?? now) >= TOLD_AFTER_MS));
    },
  };
}
