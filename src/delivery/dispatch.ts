/**
 * The loop of delivery. A pass claims due rows, resolves them and lets them wait for a place at the gate; whoever is first
 * in his class when a place comes free is posted. Passes are woken by new calls, by the earliest due time, and by every
 * end of work; nothing is polled.
 */
import type { Resolution } from './crm.ts';
import { next } from './delivery.ts';
import { type Booking, GateClosed } from './gate.ts';
import { updateDue } from './late.ts';
import type { Leads } from './leads.ts';
import { type Parts, priorityOf } from './parts.ts';
import { post } from './post.ts';
import type { Resolve } from './resolve.ts';
import { backoff } from './retry.ts';
import { AT_ONCE, type AttemptResult, type Delivery, type Settlement } from './store.ts';
import { verifyDue } from './verify.ts';
import { createWaker } from './waker.ts';

type Class = 'live' | 'backlog';

interface Item {
  readonly row: Delivery;
  readonly resolution: Resolution;
}

export interface Dispatcher {
  /** Takes up what the last run left, then works until drained. */
  start(): Promise<void>;
  wake(): void;
  pause(): void;
  resume(): void;
  readonly paused: boolean;
  /** Claims nothing more, waits up to `deadlineMs` for requests under way; those that are not answered become uncertain. */
  drain(deadlineMs: number): Promise<void>;
}

/** Rows of a class resolved ahead of their turn. */
const AHEAD = 20;
const TROUBLE_MS = 1000;
const LATEST_DUE_MS = 3_600_000;

export function createDispatcher(parts: Parts, leads: Leads, resolve: Resolve): Dispatcher {
  const { outbox, gate, clock, steady, circuit, policy, random, log, keep } = parts;
  const ready: Record<Class, Item[]> = { live: [], backlog: [] };
  const turns: Record<Class, number> = { live: 0, backlog: 0 };
  const resolving = new Map<number, Class>();
  const posting = new Map<number, Delivery>();
  const waker = createWaker(clock, pass, trouble);
  let housekeeping = false;
  let paused = false;
  let stopping = false;
  let idle: (() => void) | null = null;

  function busy(): number {
    return resolving.size + ready.live.length + ready.backlog.length + posting.size + (housekeeping ? 1 : 0);
  }

  function mayWork(): boolean {
    return !paused && !stopping && (circuit.state === 'closed' || circuit.state === 'half-open');
  }

  function trouble(error: unknown): void {
    log.write('error', 'delivery-trouble', `Delivery goes on in 1 s: ${text(error)}`);
    waker.at(TROUBLE_MS);
  }

  async function pass(): Promise<void> {
    if (!mayWork()) return;
    if (circuit.state === 'half-open') {
      if (busy() === 0) await trial();
      takeTurns();
      return;
    }
    // The backlog is claimed by the half dozen, not one by one: each claim is a commit.
    const backlog = count('backlog');
    await claim(AHEAD - count('live'), backlog > AHEAD / 2 ? 0 : AHEAD - backlog);
    takeTurns();
    housekeep();
    const due = await outbox.nextDue({ now: steady() });
    if (due !== null) waker.at(Math.min(due - steady(), LATEST_DUE_MS));
  }

  /** One request decides whether the CRM is back: a call, the newest class first, else a check. */
  async function trial(): Promise<void> {
    if ((await claim(1, 0)) + (await (busy() === 0 ? claim(0, 1) : 0)) > 0) return;
    if ((await verifyDue(parts)) + (await updateDue(parts)) === 0) circuit.worked('read');
  }

  function count(which: Class): number {
    return ready[which].length + [...resolving.values()].filter((one) => one === which).length;
  }

  async function claim(live: number, backlog: number): Promise<number> {
    if (live <= 0 && backlog <= 0) return 0;
    const now = clock.now();
    const liveSince = now - policy.liveForMs;
    const rows = await outbox.claim({
      now: steady(),
      liveSince,
      live: Math.max(0, live),
      backlog: Math.max(0, backlog),
    });
    for (const row of rows) prepare(row, priorityOf(row, policy, now));
    return rows.length;
  }

  function prepare(row: Delivery, which: Class): void {
    resolving.set(row.id, which);
    lookUp(row, which).then(
      () => ended(row),
      (error: unknown) => {
        ended(row);
        trouble(error);
      },
    );
  }

  function ended(row: Delivery): void {
    resolving.delete(row.id);
    waker.wake();
    settled();
  }

  async function lookUp(row: Delivery, which: Class): Promise<void> {
    const found = await resolve(row.record, which).catch((error: unknown) => {
      if (error instanceof GateClosed) return null;
      return { kind: 'later', reason: `The lookup failed: ${text(error)}`, reply: null } as const;
    });
    if (found === null || stopping) return release(row);
    if (found.kind === 'send') {
      insert(ready[which], { row, resolution: found.resolution });
      return;
    }
    const now = clock.now();
    const event = found.kind === 'skip' ? 'filtered' : found.kind === 'park' ? 'unresolvable' : 'deferred';
    const dueAt = event === 'deferred' ? steady() + backoff(policy.retry, 1, random) : AT_ONCE;
    const to = next('resolving', event);
    const item: Settlement = { id: row.id, from: 'resolving', to, now, dueAt, reason: found.reason };
    await keep(() => outbox.settle({ items: [item] }));
  }

  async function release(row: Delivery): Promise<void> {
    const now = clock.now();
    const to = next('resolving', 'released');
    const item: Settlement = { id: row.id, from: 'resolving', to, now, dueAt: AT_ONCE, reason: row.reason };
    await keep(() => outbox.settle({ items: [item] }));
  }

  function takeTurns(): void {
    for (const which of ['live', 'backlog'] as const) {
      while (ready[which].length > turns[which] && maySend(turns.live + turns.backlog)) {
        turns[which] += 1;
        gate.turn(which).then(
          (booking) => onTurn(which, booking),
          () => {
            turns[which] -= 1;
          },
        );
      }
    }
  }

  /** While half-open only one request may try. */
  function maySend(asked: number): boolean {
    return mayWork() && (circuit.state === 'closed' || posting.size + asked === 0);
  }

  function onTurn(which: Class, booking: Booking): void {
    turns[which] -= 1;
    const item = maySend(0) ? ready[which].shift() : undefined;
    if (item === undefined) {
      booking.release();
      return;
    }
    posting.set(item.row.id, item.row);
    post(parts, leads, item.row, item.resolution, booking, which)
      .then(async (outcome) => {
        if (outcome === 'moved') await release(item.row);
      })
      .catch((error: unknown) => {
        ready[which].unshift(item);
        trouble(error);
      })
      .finally(() => {
        posting.delete(item.row.id);
        waker.wake();
        settled();
      });
  }

  function housekeep(): void {
    if (housekeeping) return;
    housekeeping = true;
    (async () => (await verifyDue(parts)) + (await updateDue(parts)))()
      .then((handled) => {
        if (handled > 0) waker.wake();
      }, trouble)
      .finally(() => {
        housekeeping = false;
        settled();
      });
  }

  function settled(): void {
    if (resolving.size + posting.size === 0 && !housekeeping) idle?.();
  }

  return {
    async start() {
      const now = steady();
      const latestDue = now + Math.max(policy.retry.capMs, policy.verifyAfterMs);
      const checkAt = now + (policy.uncertain === 'verify' ? policy.verifyAfterMs : 0);
      const left = await outbox.recover({ now, checkAt, latestDue });
      if (left.uncertain > 0) {
        log.write('warn', 'delivery-interrupted', `${left.uncertain} posts of the last run have no answer on record`);
      }
      waker.wake();
    },
    wake: () => waker.wake(),
    pause() {
      paused = true;
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
      gate.close();
      const waiting = [...ready.live.splice(0), ...ready.backlog.splice(0)];
      await Promise.all(waiting.map((item) => release(item.row)));
      await new Promise<void>((resolve) => {
        const cancel = clock.after(deadlineMs, resolve);
        idle = () => {
          cancel();
          resolve();
        };
        settled();
      });
      const checkAt = steady() + policy.verifyAfterMs;
      const items = [...posting.values()].map((row) => interrupted(row, clock.now(), checkAt));
      if (items.length > 0) await outbox.settle({ items });
    },
  };
}

const NO_ANSWER: AttemptResult = {
  outcome: 'interrupted',
  http: null,
  exception: null,
  message: 'Stopped before the answer came.',
  answer: null,
  durationMs: 0,
};

function interrupted(row: Delivery, now: number, dueAt: number): Settlement {
  const to = next('sending', 'doubtful');
  const { message: reason } = NO_ANSWER;
  return { id: row.id, from: 'sending', to, now, dueAt, reason, attempt: NO_ANSWER };
}

/** Oldest call first, whatever order the lookups ended in. */
function insert(items: Item[], item: Item): void {
  let at = items.length;
  while (at > 0 && (items[at - 1]?.row.record.endedAt ?? 0) > item.row.record.endedAt) at -= 1;
  items.splice(at, 0, item);
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
