/**
 * The life of a link to a PBX: its state, what is wrong with it, and when it is tried again. What goes over the link is the
 * adapter's; it tells the steps, and is told when to connect.
 */
import { isLoopback, type LinkFailureKind, retryDelayMs } from './retry.ts';

export type LinkState = 'connecting' | 'connected' | 'refused' | 'lost' | 'stopped';
/** `new`: not started yet, which shows as `connecting`. */
type Stage = LinkState | 'new';
export type LinkStep = 'start' | 'up' | 'lose' | 'refuse' | 'stop';

/**
 * Which state comes next. A step that has no entry changes nothing: a stop is final, and what comes late does no harm. A new attempt
 * leaves the state `lost` or `refused`, so that one trouble is told once. A link that stood is lost, whatever ended it: the PBX
 * took this host's word before.
 */
export const TRANSITIONS: Readonly<Record<Stage, Readonly<Partial<Record<LinkStep, LinkState>>>>> = {
  new: { start: 'connecting', stop: 'stopped' },
  connecting: { up: 'connected', lose: 'lost', refuse: 'refused', stop: 'stopped' },
  connected: { lose: 'lost', refuse: 'lost', stop: 'stopped' },
  lost: { up: 'connected', lose: 'lost', refuse: 'refused', stop: 'stopped' },
  refused: { up: 'connected', lose: 'lost', refuse: 'refused', stop: 'stopped' },
  stopped: {},
};

/** The subject that is shown before all others: while the login is refused, what else is wrong cannot be mended. */
const FIRST = 'login';
/** A link that stood this long, ms, was a good one: its end is the first failure. */
const GOOD_MS = 10_000;

export interface LinkStatus {
  readonly state: LinkState;
  /** ms since the epoch of the present state. */
  readonly since: number;
  /** One sentence with the remedy; `null` when all is well. */
  readonly problem: string | null;
  /** The PBX was asked to let this program in, and took neither user nor secret; absent: no. */
  readonly secretRefused?: true;
}

/** How an attempt or a link ended. */
export interface LinkEnd {
  readonly step: 'lose' | 'refuse';
  /** What the attempt cost the PBX: how soon the next one comes. */
  readonly cost: LinkFailureKind;
  /** One sentence with the remedy; `null` when it is no news: a link that is lost or refused stays so, with its problem. */
  readonly problem: string | null;
  readonly secretRefused?: true;
  /** It counts as the first of its kind, whatever came before. */
  readonly anew?: boolean;
}

export interface LinkOptions {
  readonly host: string;
  readonly clock: {
    now(): number;
    monotonic(): number;
    after(ms: number, run: () => void): () => void;
  };
  /** In [0, 1). */
  readonly random: () => number;
  /** Delay before the next attempt, ms; `retryDelayMs` unless a test wants another. */
  readonly retryMs?: typeof retryDelayMs;
  /** Makes a new attempt; the last one is over. */
  readonly connect: () => void;
  /** The state, the problem or a note is another one, also a note that is not shown. Must not throw. */
  readonly onChange: (status: LinkStatus) => void;
}

function isDown(stage: Stage): boolean {
  return stage === 'lost' || stage === 'refused';
}

export class Link {
  readonly #options: LinkOptions;
  #stage: Stage = 'new';
  #status: LinkStatus;
  /** What is wrong while connected, by subject, the oldest first. */
  readonly #notes = new Map<string, string>();
  /** Monotonic ms; `null` while not connected. */
  #upAt: number | null = null;
  #last: { readonly cost: LinkFailureKind; readonly times: number } | null = null;
  #cancelRetry: () => void = () => {};

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#status = { state: 'connecting', since: options.clock.now(), problem: null };
  }

  get status(): LinkStatus {
    return this.#status;
  }

  /** Makes the first attempt. Does nothing but the first time. */
  start(): void {
    if (this.#step('start', null)) this.#options.connect();
  }

  /** The PBX has let us in. */
  up(): void {
    if (!this.#step('up', null)) return;
    this.#cancelRetry();
    this.#upAt = this.#options.clock.monotonic();
  }

  /** While connected: what is wrong with `subject`, `null` when it is well again. That of `login` is shown, else the oldest. */
  note(subject: string, problem: string | null): void {
    if (this.#stage !== 'connected' || problem === (this.#notes.get(subject) ?? null)) return;
    if (problem === null) this.#notes.delete(subject);
    else this.#notes.set(subject, problem);
    this.#status = { ...this.#status, problem: this.#notes.get(FIRST) ?? this.#notes.values().next().value ?? null };
    this.#options.onChange(this.#status);
  }

  /** The attempt, or the link, is over. Plans the next attempt; none after a stop. */
  down({ step, cost, problem, anew = false, secretRefused }: LinkEnd): void {
    const { host, clock, random, connect, retryMs = retryDelayMs } = this.#options;
    if (TRANSITIONS[this.#stage][step] === undefined) return;
    const stoodMs = this.#upAt === null ? null : clock.monotonic() - this.#upAt;
    this.#upAt = null;
    const paid = stoodMs !== null && cost === 'refused' ? 'dropped' : cost;
    // Nobody there after a link that stood: the PBX has gone just now.
    const first = anew || (stoodMs !== null && (paid === 'unreachable' || stoodMs >= GOOD_MS));
    const times = this.#last?.cost === paid && !first ? this.#last.times + 1 : 1;
    this.#last = { cost: paid, times };
    this.#cancelRetry();
    this.#cancelRetry = clock.after(retryMs(paid, times, isLoopback(host), random()), connect);
    if (problem !== null || !isDown(this.#stage)) this.#step(step, problem, secretRefused);
  }

  /** No more attempts. */
  stop(): void {
    this.#cancelRetry();
    this.#upAt = null;
    this.#step('stop', null);
  }

  /** False when this step leads nowhere from here. */
  #step(step: LinkStep, problem: string | null, secretRefused?: true): boolean {
    const next = TRANSITIONS[this.#stage][step];
    if (next === undefined) return false;
    this.#notes.clear();
    this.#enter(next, problem, secretRefused);
    return true;
  }

  /** The only place where the state changes. */
  #enter(state: LinkState, problem: string | null, secretRefused?: true): void {
    if (state === this.#stage && problem === this.#status.problem) return;
    const since = state === this.#stage ? this.#status.since : this.#options.clock.now();
    this.#stage = state;
    this.#status = { state, problem, since, ...(secretRefused === undefined ? {} : { secretRefused }) };
    this.#options.onChange(this.#status);
  }
}
