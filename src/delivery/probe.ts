import { PermitsClosed } from '../permits/port.ts';
import type { Clock } from '../ports.ts';
import type { CallLog, Reply } from './crm.ts';
import type { Health } from './health.ts';
import { thrown } from './steps/step.ts';

/** Asks a CRM that is away, or refuses the account, whether it is back; and one that fails a call, whether it is there. */
export interface Probe {
  /** To be called after each change of the circuit. */
  circuitChanged(): void;
  /** Asks at once, whatever the schedule says. True: the CRM is there and takes the keys. */
  now(): Promise<boolean>;
  stop(): void;
}

export function createProbe(parts: {
  callLog: CallLog;
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

  function schedule(): void {
    cancel?.();
    cancel = null;
    if (stopped || parts.health().state === 'closed') return;
    cancel = clock.after(parts.health().probeDelay(random), () => {
      cancel = null;
      void ask().then(schedule);
    });
  }

  async function once(): Promise<boolean> {
    let reply: Reply<unknown>;
    try {
      reply = await callLog.probe({ priority: 'background' });
    } catch (error) {
      if (error instanceof PermitsClosed) return false;
      reply = thrown(error, 'unavailable');
    }
    if (stopped) return false;
    const health = parts.health();
    const there = reply.kind !== 'denied' && reply.kind !== 'unavailable' && reply.kind !== 'uncertain';
    // Any answer about this one request proves that the CRM is there and takes the keys.
    if (there) health.answered(clock.monotonic());
    else if (reply.kind === 'denied') health.denied(reply.message);
    else health.unanswered(reply.message, clock.monotonic());
    parts.onAnswer();
    return there;
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
    now: ask,
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
