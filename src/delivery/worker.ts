/**
 * Takes rows under a lease, runs their step, and settles what became of it. It is woken by new calls, by the earliest due
 * time, and by every end of work; nothing is polled. Each row runs by itself: what goes wrong with one is that one's.
 *
 * A row whose step leads on to the post keeps its lease and goes on at once. A lease is renewed while its row is worked on;
 * that of a worker that died, or was stopped for too long, runs out, and what it settles later is refused.
 */
import { events } from '../events.ts';
import type { PermitOffice } from '../permits/permits.ts';
import type { Lane } from './health/health.ts';
import { type Class, classOf, createHeld, type Held, NONE } from './held.ts';
import { createSettler, type End, Stopped, type WorkerParts } from './settle.ts';
import { createShelf } from './shelf.ts';
import { type DeliveryEvent, type Position, STEPS, type Step } from './states.ts';
import { check } from './steps/check.ts';
import { lookUp } from './steps/look-up.ts';
import { post } from './steps/post.ts';
import { type Outcome, type Run, type RunStep, textOf } from './steps/step.ts';
import { update } from './steps/update.ts';
import { LEASE_MS, type Wanted } from './store.ts';
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

/** What a claim brought. */
interface Taken {
  readonly rows: number;
  readonly nextDue: number | null;
  /** Nothing else is due at the steps that were asked for. */
  readonly all: boolean;
}

/** How often the leases of rows that are worked on are renewed. */
const RENEW_EVERY_MS = 10_000;
/** Trials of a lane under way at the same time. */
const TRIALS_AT_ONCE = 4;
const TROUBLE_MS = 1000;
const LATEST_DUE_MS = 3_600_000;

/** A step that failed before, and works now. */
const WORKED: ReadonlySet<DeliveryEvent> = new Set(['found', 'accepted', 'landed', 'updated']);

const CLASSES: readonly Class[] = ['live', 'backlog', 'aside', 'retry'];
const RUN: Readonly<Record<Step, RunStep>> = { 'look-up': lookUp, post, check, update };

/** `open` opens the outbox; nothing else is asked of it before. */
export function createWorker(
  parts: WorkerParts & { readonly permits: PermitOffice },
  open: () => Promise<void>,
): Worker {
  const { outbox, permits, clock, steady, health, policy, log, owner, stored } = parts;
  const held = createHeld(permits);
  const waker = createWaker(clock, pass, trouble);
  const shelf = createShelf(clock, log, () => waker.wake());
  const settler = createSettler(parts, () => stopping);
  /** This pass has asked for rows. */
  let claimed = false;
  /** The last pass took all that was due. */
  let allTaken = false;
  let stop = new AbortController();
  let paused = false;
  let stopping = false;
  let idle: (() => void) | null = null;
  let cancelRenewal: (() => void) | null = null;

  const mayWork = (): boolean => !paused && !stopping;

  function trouble(error: unknown): void {
    stored.failed('rows', textOf(error));
    waker.at(TROUBLE_MS);
  }

  async function pass(): Promise<void> {
    if (!mayWork()) return;
    claimed = false;
    const now = clock.monotonic();
    // What falls due after this moment, while rows are claimed, is what is waited for below.
    const since = steady();
    health.review(now);
    const steps = STEPS.filter((step) => health.admits(step, now) === 'all');
    const wish = held.wanted(liveAfter());
    const taken = steps.length === 0 ? null : await claim(wish, steps, null);
    allTaken = taken?.all === true && steps.length === STEPS.length;
    // Those who wait must not stand in the way of a call that came after them.
    if (steps.length > 0 && wish.live === 0) await claim(held.newcomers(), steps, null, held.newest() + 1);
    for (const { lane, at } of health.trials()) if (at <= now) await tryOne(lane);
    // The end of a trial that is under way, and a new call, wake by themselves.
    for (const { lane, at } of health.trials()) if (held.trials(lane).length === 0) waker.at(at - clock.monotonic());
    const due = taken === null ? await outbox.nextDue({ now: since }) : taken.nextDue;
    if (due !== null) waker.at(Math.min(due - steady(), LATEST_DUE_MS));
    // A pass that only reads says nothing of a file that cannot be written.
    if (claimed) stored.worked('rows');
  }

  /**
   * One row that never failed shows whether the CRM is back: the newest call, else the oldest that waits. While a trial has no
   * answer, only a call that came after it is tried beside it.
   */
  async function tryOne(lane: Lane): Promise<void> {
    const underWay = held.trials(lane);
    if (underWay.length >= TRIALS_AT_ONCE) return;
    const after = Math.max(0, ...underWay.map(({ takenAt }) => takenAt));
    let taken = await claim({ ...NONE, live: 1 }, [lane], lane, after);
    if (taken?.rows === 0 && underWay.length === 0) taken = await claim({ ...NONE, backlog: 1 }, [lane], lane);
    if (taken !== null && taken.rows > 0) health.trying(lane, clock.monotonic());
    else if (underWay.length === 0) health.nothingToTry(lane, clock.monotonic());
  }

  /** Calls that would only wait behind slow requests are not taken: they would stand in the way of the next one. */
  function liveAfter(): number {
    const since = permits.slowSince();
    return since === null ? 0 : Math.ceil(clock.now() - (clock.monotonic() - since));
  }

  /** `null`: nothing is wanted, and nothing was asked. */
  async function claim(
    wish: Wanted,
    steps: readonly Step[],
    trial: Lane | null,
    after = liveAfter(),
  ): Promise<Taken | null> {
    if (Object.values(wish).every((n) => n === 0)) return null;
    const now = steady();
    const takenAt = clock.now();
    const liveSince = clock.now() - policy.liveForMs;
    const { rows, unreadable, interrupted, nextDue } = await outbox.claim({
      ...{ owner, now, liveSince, liveAfter: after, steps, wanted: wish },
      leaseUntil: now + LEASE_MS,
      // Of whichever row: some may have been sent again by an operator, and are looked for whatever the policy is.
      checkAt: now + policy.verifyAfterMs,
      // What is worked on is ours, even when a full disk kept its lease from being renewed.
      except: [...shelf.ids(), ...held.rows.keys()],
    });
    claimed = true;
    if (interrupted > 0) events.deliveryInterrupted(log, interrupted);
    await settler.unreadable(unreadable);
    // In their place others may be taken.
    if (unreadable.length > 0) waker.wake();
    const all = rows.map((row): Held => ({ row, trial, takenAt, class: classOf(row, liveSince) }));
    for (const one of all) held.rows.set(one.row.id, one);
    // Of the live calls the last that waits for a permit goes first, of the others the first.
    const live = all.filter((one) => one.class === 'live').reverse();
    for (const one of [...live, ...all.filter((other) => other.class !== 'live')]) void work(one);
    renewLater();
    const less = (which: Class): boolean => all.filter((one) => one.class === which).length < wish[which];
    return { rows: rows.length, nextDue, all: after === 0 && CLASSES.every(less) };
  }

  async function work(one: Held): Promise<void> {
    const { id, sessionId } = one.row;
    let over = false;
    try {
      for (let end: End | null = null; end === null || end.row !== null; over = end.over) end = await runStep(one);
      shelf.forget(id);
    } catch (error) {
      // The store refused it, or a way that the table of states does not have: this row's alone, whatever it is.
      shelf.put(id, sessionId, textOf(error));
    } finally {
      held.rows.delete(id);
      // Where nothing else is due, and it made room for nobody, there is nothing to look for.
      if (!over || !allTaken) waker.wake();
      settled();
    }
  }

  /** Runs the step at which the row stands. */
  async function runStep(one: Held): Promise<End> {
    const { row } = one;
    if (row.step === null) return { row: null, over: false };
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
    const end = await settler.settle(row, ran, goesOn);
    held.passed(asked || end.row !== null);
    if (end.row !== null) one.row = end.row;
    return end;
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
    if (cancelRenewal !== null) return;
    if (held.rows.size === 0) {
      stored.worked('leases');
      return;
    }
    cancelRenewal = clock.after(RENEW_EVERY_MS, () => {
      cancelRenewal = null;
      if (held.rows.size === 0) return renewLater();
      outbox
        .renew({ owner, ids: [...held.rows.keys()], leaseUntil: steady() + LEASE_MS })
        .then(
          () => stored.worked('leases'),
          (error: unknown) => stored.failed('leases', textOf(error)),
        )
        .finally(renewLater);
    });
  }

  function settled(): void {
    if (held.rows.size === 0) idle?.();
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
      shelf.stop();
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
      await settler.giveUp([...held.rows.values()].map(({ row }) => row));
    },
  };
}
