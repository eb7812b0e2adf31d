import type { Disguise } from './answer.ts';
import type { FaultRule } from './faults.ts';
import type { SandboxLead, SandboxRules, SandboxUser } from './world.ts';

/** The two clocks and the timer of the stand-in server; a test may bring its own. */
export interface SandboxClock {
  /** ms since the epoch. */
  now(): number;
  /** ms on a clock that never steps: the request limit is measured on it. */
  monotonic(): number;
  after(ms: number, run: () => void): () => void;
}

export interface SandboxOptions extends Partial<SandboxRules> {
  /** 0 (the default): any free port. The server listens on 127.0.0.1 only. */
  readonly port?: number;
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** Requests allowed in any closed window; 25 in 5,000 ms unless given. */
  readonly limit?: number;
  readonly windowMs?: number;
  /** The form of the refusal; `rotate` takes the three in turn. Default `429`. */
  readonly refuseAs?: Disguise | 'rotate';
  /** Whether refused requests count towards the window too. Default true, the harder case. */
  readonly countRefused?: boolean;
  /** Makes this the wrong host for the account: every request but the probe gets a 401 that names this host. */
  readonly rightHost?: string | null;
  readonly leads?: readonly SandboxLead[];
  readonly users?: readonly SandboxUser[];
  readonly faults?: readonly FaultRule[];
  /** JSON Lines file that keeps what was accepted, over a restart too. */
  readonly ledgerFile?: string;
  readonly clock?: SandboxClock;
  readonly newId?: () => string;
}

export const SANDBOX_ACCESS_KEY = 'u$sandbox-access-key';
export const SANDBOX_SECRET_KEY = 'sandbox-secret-key';

export const DEFAULT_RULES: SandboxRules = {
  createLeads: true,
  requireLead: false,
  requireUser: false,
  extraFields: [],
  phoneMatch: 'digits',
  defaultCountryCode: '91',
  sourceData: true,
  readableAfterMs: 0,
};

export const HOST_CLOCK: SandboxClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
