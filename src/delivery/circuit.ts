/**
 * One circuit for the whole CRM, so that an outage costs probes and not the attempts of every waiting call.
 *
 *   closed     3 failures in a row (posts, or reads) -> open
 *   closed     account refused                       -> denied
 *   open       probe answered                        -> half-open   one request may try
 *   open       probe: account refused                -> denied
 *   half-open  the trial worked                      -> closed
 *   half-open  the trial failed                      -> open
 *   half-open  account refused                       -> denied
 *   denied     probe answered, or reload             -> half-open
 *
 * Posts and reads are counted apart: a CRM that answers lookups and fails every post must not look healthy.
 */
export type CircuitState = 'closed' | 'open' | 'half-open' | 'denied';

export interface Circuit {
  readonly state: CircuitState;
  /** What the CRM said when the circuit left `closed`. */
  readonly cause: string | null;
  worked(request: 'post' | 'read'): void;
  failed(request: 'post' | 'read', message: string): void;
  denied(message: string): void;
  /** A probe was answered, or the operator reloaded. */
  retry(): void;
  /** ms until the next probe: 5 to 30 s with jitter while open, 1 to 15 min while denied. `random` is in [0, 1). */
  probeDelay(random: () => number): number;
}

const FAILURES_TO_OPEN = 3;

/** `onChange` is called after each change of state. */
export function createCircuit(onChange: (state: CircuitState, cause: string | null) => void): Circuit {
  let state: CircuitState = 'closed';
  let cause: string | null = null;
  let failures = { post: 0, read: 0 };
  let probes = 0;

  function go(to: CircuitState, why: string | null): void {
    if (state === to) return;
    if (to === 'closed' || (state === 'closed' && to !== 'half-open')) probes = 0;
    state = to;
    cause = why;
    onChange(to, why);
  }

  return {
    get state() {
      return state;
    },
    get cause() {
      return cause;
    },
    worked(request) {
      failures = request === 'post' ? { post: 0, read: 0 } : { ...failures, read: 0 };
      if (state === 'half-open') go('closed', null);
    },
    failed(request, message) {
      failures = { ...failures, [request]: failures[request] + 1 };
      const over = failures.post >= FAILURES_TO_OPEN || failures.read >= FAILURES_TO_OPEN;
      if (state === 'half-open' || (state === 'closed' && over)) go('open', message);
    },
    denied(message) {
      go('denied', message);
    },
    retry() {
      if (state === 'open' || state === 'denied') go('half-open', cause);
    },
    probeDelay(random) {
      probes += 1;
      if (state === 'denied') return Math.min(900_000, 60_000 * 2 ** Math.min(10, probes - 1));
      const ceiling = Math.min(30_000, 5000 * 2 ** Math.min(10, probes));
      return 5000 + Math.round(random() * (ceiling - 5000));
    },
  };
}
