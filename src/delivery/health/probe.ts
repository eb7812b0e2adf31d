import { type Asking, PermitsClosed } from '../../permits/port.ts';
import type { Clock } from '../../ports.ts';
import type { CallLog, Reply } from '../crm.ts';
import { thrown } from '../steps/step.ts';
import type { Health } from './health.ts';

/** Asks a CRM that is away, or refuses the account, whether it is back; and one that fails a call, whether it is there. */
export interface Probe {
  /** To be called after each change of the circuit. */
  circuitChanged(): void;
  /**
   * Asks at once, whatever the schedule says, unless there is an answer that is not older than `maxAgeMs` (default 0). True: the CRM
   * is there and takes the keys.
   */
  now(maxAgeMs?: number): Promise<boolean>;
  /** Looks up a number again that was looked up before. True: lookups work; without such a number: as `now`. */
  lookUp(): Promise<boolean>;
  stop(): void;
}

const BACKGROUND: Asking = { priority: 'background' };

export function createProbe(parts: {
  callLog: CallLog;
  /** Repeats a lookup that worked; `null`: there was none. */
  control: (asking: Asking) => Promise<Reply<unknown>> | null;
  clock: Clock;
  random: () => number;
  health: () => Health;
  /** Called after each probe. */
  onAnswer: () => void;
}): Probe {
  const { callLog, clock, random } = parts;
  let cancel: (() => void) | null = null;
  let stopped = false;
  let under: Promise<boolean> | null = null;
  let lastAnswer = { at: Number.NEGATIVE_INFINITY, there: false };

  function schedule(): void {
    cancel?.();
    cancel = null;
    if (stopped || parts.health().state === 'closed') return;
    cancel = clock.after(parts.health().probeDelay(random), () => {
      cancel = null;
      void ask().then(schedule);
    });
  }

  const isThere = ({ kind }: Reply<unknown>): boolean =>
    kind !== 'denied' && kind !== 'unavailable' && kind !== 'uncertain';

  /** `null`: delivery is stopping. */
  async function answer(request: Promise<Reply<unknown>>): Promise<Reply<unknown> | null> {
    try {
      return await request;
    } catch (error) {
      return error instanceof PermitsClosed ? null : thrown(error, 'unavailable');
    }
  }

  async function once(): Promise<boolean> {
    const reply = await answer(callLog.probe(BACKGROUND));
    if (reply === null || stopped) return false;
    const health = parts.health();
    // Any answer about this one request proves that the CRM is there and takes the keys; whether lookups work, another one.
    const there = isThere(reply);
    lastAnswer = { at: clock.monotonic(), there };
    if (there) health.reached();
    if (!there && reply.kind === 'denied') health.denied(reply.message);
    else if (!there) health.unanswered(reply.message, clock.monotonic());
    else if (health.state !== 'closed') {
      const lookUps = await lookUpWorks();
      health.answered(clock.monotonic(), lookUps !== false);
      // One that works is as good as that of a call.
      if (lookUps === true) health.worked('look-up');
    }
    parts.onAnswer();
    return there;
  }

  /** `null`: there is none to ask for. */
  async function lookUpWorks(): Promise<boolean | null> {
    const control = parts.control(BACKGROUND);
    if (control === null) return null;
    const reply = await answer(control);
    return reply !== null && isThere(reply);
  }

  /** One at a time, whoever asks. */
  function ask(): Promise<boolean> {
    under ??= once().finally(() => {
      under = null;
    });
    return under;
  }

  return {
    circuitChanged: schedule,
    now: async (maxAgeMs = 0) => (clock.monotonic() - lastAnswer.at < maxAgeMs ? lastAnswer.there : ask()),
    async lookUp() {
      const control = parts.control(BACKGROUND);
      if (control === null) return ask();
      const reply = await answer(control);
      if (reply === null || stopped) return false;
      if (isThere(reply)) return true;
      parts.health().lookUpsFail({ denied: reply.kind === 'denied', message: reply.message }, clock.monotonic());
      parts.onAnswer();
      return false;
    },
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
