/**
 * Takes rows under a lease, runs their step, and settles what became of it. It is woken by new calls, by the earliest due
 * time, and by every end of work; nothing is polled. Each row runs by itself: what goes wrong with one is that one's.
 *
 * A row whose step leads on to the post keeps its lease and goes on at once. A lease is renewed while its row is worked on;
 * that of a worker that died, or was stopped for too long, runs out, and what it settles later is refused.
 */
import type { PermitOffice } from '../permits/permits.ts';
import type { Lane } from './health.ts';
import { createSettler, Stopped, type WorkerParts } from './settle.ts';
import { createShelf } from './shelf.ts';
import { type DeliveryEvent, type Position, STEPS, type Step } from './states.ts';
import { check } from './steps/check.ts';
import { lookUp } from './steps/look-up.ts';
import { post } from './steps/post.ts';
import { failedBefore, type Outcome, type Run, type RunStep, textOf } from './steps/step.ts';
import { update } from './steps/update.ts';
import type { Delivery, Wanted } from './store.ts';
import { createWaker } from './waker.ts';

export interface Worker {
  /** Opens the outbox, then works until drained. */
  start(): Promise<void>;
  wake(): void;
  pause(): void;
  resume(): void;
  readonly paused: boolean;
  /** Claims nothing more, waits up to `deadlineMs` for requests under way; those that are not answered become uncertain. */
  drain(deadlineMs: number): Promise<void>;
}

type Class = keyof Wanted;

interface Held {
  readonly class: Class;
  readonly trial: Lane | null;
  /** When it was claimed, ms since the epoch. */
  readonly takenAt: number;
  /** The row as it stands now. */
  row: Delivery;
}

/** How long a row is leased, and how often the leases of rows that are worked on are renewed. */
const LEASE_MS = 30_000;
const RENEW_EVERY_MS = 10_000;
/** Rows of a class that wait for a permit; the backlog is claimed by the half dozen, as each claim is a commit. */
const AHEAD = { live: 5, backlog: 12 } as const;
/** Rows of a class that are worked on at the same time, slow requests and all. */
const HELD_MAX: Wanted = { live: 100, backlog: 25, aside: 2, retry: 2 };
/** Trials of a lane under way at the same time. */
const TRIALS_AT_ONCE = 4;
const TROUBLE_MS = 1000;
const LATEST_DUE_MS = 3_600_000;

/** A step that failed before, and works now. */
const WORKED: ReadonlySet<DeliveryEvent> = new Set(['found', 'accepted', 'landed', 'updated']);

const NONE: Wanted = { live: 0, backlog: 0, aside: 0, retry: 0 };

const RUN: Readonly<Record<Step, RunStep>> = { 'look-up': lookUp, post, check, update };

/** `open` opens the outbox; nothing else is asked of it before. */
export function createWorker(
  parts: WorkerParts & { readonly permits: PermitOffice },
  open: () => Promise<void>,
): Worker {
  const { outbox, permits, clock, steady, health, policy, log, owner } = parts;
  const held = new Map<number, Held>();
  const waker = createWaker(clock, pass, trouble);
  const shelf = createShelf(clock, log, () => waker.wake());
  const settler = createSettler(parts, LEASE_MS, () => stopping);
  let stop = new AbortController();
  let paused = false;
  let stopping = false;
  let idle: (() => void) | null = null;
  let cancelRenewal: (() => void) | null = null;

  const mayWork = (): boolean => !paused && !stopping;

  function trouble(error: unknown): void {
    log.write('error', 'delivery-trouble', `Delivery goes on in 1 s: ${textOf(error)}`);
    waker.at(TROUBLE_MS);
  }

  async function pass(): Promise<void> {
    if (!mayWork()) return;
    const now = clock.monotonic();
    // What falls due after this moment, while rows are claimed, is what is waited for below.
    const since = steady();
    health.review(now);
    const steps = STEPS.filter((step) => health.admits(step, now) === 'all');
    if (steps.length > 0) {
      const wish = wanted();
      await claim(wish, steps, null);
      // Those who wait must not stand in the way of a call that came after them.
      if (wish.live === 0)
        await claim({ ...NONE, live: Math.min(AHEAD.live, room('live')) }, steps, null, newest() + 1);
    }
    for (const { lane, at } of health.trials()) if (at <= now) await tryOne(lane);
    // The end of a trial that is under way, and a new call, wake by themselves.
    for (const { lane, at } of health.trials()) if (trials(lane).length === 0) waker.at(at - clock.monotonic());
    const due = await outbox.nextDue({ now: since });
    if (due !== null) waker.at(Math.min(due - steady(), LATEST_DUE_MS));
  }

  /** Rows of a class, without those whose request is under way, or that wait behind slow ones. */
  function waiting(which: Class): number {
    const after = which === 'live' ? liveAfter() : 0;
    const rows = count(which, after);
    if (which === 'live' || which === 'retry') return rows - Math.min(rows, permits.underWay(which));
    return rows - Math.min(rows, permits.underWay('backlog'));
  }

  const count = (which: Class, after = 0): number =>
    [...held.values()].filter((one) => one.class === which && one.row.createdAt >= after).length;

  const room = (which: Class): number => Math.max(0, HELD_MAX[which] - count(which));

  /** When the newest of the live calls that are worked on was stored, ms since the epoch. */
  const newest = (): number =>
    Math.max(0, ...[...held.values()].flatMap((one) => (one.class === 'live' ? [one.row.createdAt] : [])));

  function wanted(): Wanted {
    const backlog = waiting('backlog');
    return {
      live: Math.min(room('live'), Math.max(0, AHEAD.live - waiting('live'))),
      backlog: Math.min(room('backlog'), backlog > AHEAD.backlog / 2 ? 0 : AHEAD.backlog - backlog),
      aside: room('aside'),
      retry: room('retry'),
    };
  }

  const trials = (lane: Lane): readonly Held[] => [...held.values()].filter((one) => one.trial === lane);

  /**
   * One row that never failed shows whether the CRM is back: the newest call, else the oldest that waits. While a trial has no
   * answer, only a call that came after it is tried beside it.
   */
  async function tryOne(lane: Lane): Promise<void> {
    const underWay = trials(lane);
    if (underWay.length >= TRIALS_AT_ONCE) return;
    const after = Math.max(0, ...underWay.map(({ takenAt }) => takenAt));
    let taken = await claim({ ...NONE, live: 1 }, [lane], lane, after);
    if (taken === 0 && underWay.length === 0) taken = await claim({ ...NONE, backlog: 1 }, [lane], lane);
    if (taken > 0) health.trying(lane, clock.monotonic());
    else if (underWay.length === 0) health.nothingToTry(lane, clock.monotonic());
  }

  /** Calls that would only wait behind slow requests are not taken: they would stand in the way of the next one. */
  function liveAfter(): number {
    const since = permits.slowSince();
    return since === null ? 0 : Math.ceil(clock.now() - (clock.monotonic() - since));
  }

  async function claim(wish: Wanted, steps: readonly Step[], trial: Lane | null, after = liveAfter()): Promise<number> {
    if (Object.values(wish).every((n) => n === 0)) return 0;
    const now = steady();
    const takenAt = clock.now();
    const liveSince = clock.now() - policy.liveForMs;
    const { rows, interrupted } = await outbox.claim({
      ...{ owner, now, liveSince, liveAfter: after, steps, wanted: wish },
      leaseUntil: now + LEASE_MS,
      checkAt: now + (policy.uncertain === 'verify' ? policy.verifyAfterMs : 0),
      // What is worked on is ours, even when a full disk kept its lease from being renewed.
      except: [...shelf.ids(), ...held.keys()],
    });
    if (interrupted > 0) {
      log.write(
        'warn',
        'delivery-interrupted',
        `${interrupted} posts have no answer on record; they will be looked for`,
      );
    }
    const all = rows.map((row): Held => ({ row, trial, takenAt, class: classOf(row, liveSince) }));
    for (const one of all) held.set(one.row.id, one);
    // Of the live calls the last that waits for a permit goes first, of the others the first.
    const live = all.filter((one) => one.class === 'live').reverse();
    for (const one of [...live, ...all.filter((other) => other.class !== 'live')]) void work(one);
    renewLater();
    return rows.length;
  }

  function classOf(row: Delivery, liveSince: number): Class {
    if (failedBefore(row)) return 'retry';
    if (row.step === 'check' || row.step === 'update') return 'aside';
    return row.trigger === 'live' && row.record.endedAt > liveSince ? 'live' : 'backlog';
  }

  async function work(one: Held): Promise<void> {
    const { id, sessionId } = one.row;
    try {
      for (let more = true; more; ) more = await runStep(one);
      shelf.forget(id);
    } catch (error) {
      // The store refused it, or a way that the table of states does not have: this row's alone, whatever it is.
      shelf.put(id, sessionId, textOf(error));
    } finally {
      held.delete(id);
      waker.wake();
      settled();
    }
  }

  /** Runs the step at which the row stands. True: the row is still ours, for the next one. */
  async function runStep(one: Held): Promise<boolean> {
    const { row } = one;
    if (row.step === null) return false;
    const ageMs = Math.max(0, clock.now() - row.createdAt);
    const asking = { priority: one.class === 'aside' ? 'backlog' : one.class, signal: stop.signal, ageMs } as const;
    const hear = settler.hearing(row);
    let asked = false;
    const heard: Run['heard'] = (subject, reply) => {
      asked = true;
      hear(subject, reply);
    };
    const run = { row, owner, asking, heard };
    const ran = await RUN[row.step](parts, run).catch((error: unknown) => settler.broken(row, error));
    if (one.trial === row.step && !asked && ran.outcome.kind === 'done')
      health.saidNothing(one.trial, clock.monotonic());
    if (one.class === 'retry') tellRetry(ran.outcome);
    const next = await settler.settle(row, ran, goesOn);
    if (next === null) return false;
    one.row = next;
    return true;
  }

  /** What was looked for and not found says neither that it works nor that it does not. */
  function tellRetry(outcome: Outcome): void {
    if (outcome.kind === 'failed') permits.retried(false);
    else if (outcome.kind === 'done' && WORKED.has(outcome.event)) permits.retried(true);
  }

  /** A row that was looked up is posted under the same lease, when posts are made now. */
  function goesOn({ step }: Position): boolean {
    return step === 'post' && mayWork() && health.admits('post', clock.monotonic()) === 'all';
  }

  function renewLater(): void {
    if (cancelRenewal !== null || held.size === 0) return;
    cancelRenewal = clock.after(RENEW_EVERY_MS, () => {
      cancelRenewal = null;
      if (held.size === 0) return;
      outbox
        .renew({ owner, ids: [...held.keys()], leaseUntil: steady() + LEASE_MS })
        .catch(trouble)
        .finally(renewLater);
    });
  }

  function settled(): void {
    if (held.size === 0) idle?.();
  }

  function stopWaiting(): void {
    stop.abort(new Stopped());
    stop = new AbortController();
  }

  return {
    async start() {
      await open();
      waker.wake();
    },
    wake: () => waker.wake(),
    pause() {
      paused = true;
      stopWaiting();
    },
    resume() {
      paused = false;
      waker.wake();
    },
    get paused() {
      return paused;
    },
    async drain(deadlineMs) {
      stopping = true;
      waker.stop();
      stopWaiting();
      await new Promise<void>((resolve) => {
        const cancel = clock.after(deadlineMs, resolve);
        idle = () => {
          cancel();
          resolve();
        };
        settled();
      });
      cancelRenewal?.();
      await settler.giveUp([...held.values()].map(({ row }) => row));
    },
  };
}
