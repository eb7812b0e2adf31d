import type { Clock } from '../ports.ts';
import type { Circuit } from './circuit.ts';
import type { CallLog, Reply } from './crm.ts';
import { thrown } from './parts.ts';

/** Asks a CRM that is away, or refuses the account, whether it is back. Runs only while the circuit is open or denied. */
export interface Probe {
  /** To be called after each change of the circuit. */
  circuitChanged(): void;
  /** Asks at once, whatever the schedule says (after a reload). */
  now(): Promise<void>;
  stop(): void;
}

export function createProbe(parts: {
  callLog: CallLog;
  clock: Clock;
  random: () => number;
  circuit: () => Circuit;
}): Probe {
  const { callLog, clock, random } = parts;
  let cancel: (() => void) | null = null;
  let stopped = false;

  function away(): boolean {
    const { state } = parts.circuit();
    return state === 'open' || state === 'denied';
  }

  function schedule(): void {
    cancel?.();
    cancel = null;
    if (stopped || !away()) return;
    cancel = clock.after(parts.circuit().probeDelay(random), () => {
      cancel = null;
      ask().catch(schedule);
    });
  }

  async function ask(): Promise<void> {
    const reply = await callLog
      .probe()
      .catch((error: unknown): Reply<{ readonly text: string }> => thrown(error, 'unavailable'));
    if (stopped || !away()) return;
    const before = parts.circuit().state;
    // Any answer about this one request proves that the CRM is there and takes the keys.
    if (reply.kind === 'denied') parts.circuit().denied(reply.message);
    else if (reply.kind !== 'unavailable' && reply.kind !== 'uncertain') parts.circuit().retry();
    if (parts.circuit().state === before) schedule();
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
