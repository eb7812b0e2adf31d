/**
 * When the next attempt of a link comes, and when its login is sent.
 *
 * | what failed                                              | next connection           | next login         |
 * |----------------------------------------------------------|---------------------------|--------------------|
 * | nobody there, broken before the greeting, orderly stop   | `unreachable`             | at once            |
 * | broken after the greeting                                | `dropped`                 | at once            |
 * | certificate, port, version                               | `refused`                 | at once            |
 * | the login                                                | `dropped`                 | held back: `refused` |
 *
 * A connection that does not log in costs Asterisk nothing (no line of its security log), and tells when Asterisk is started
 * anew: the connection breaks and then nobody is there. So after a refused login the client connects again soon, and holds back
 * only its login, until its turn has come, Asterisk was away, or the secret was changed on this side.
 */
import { isLoopback, type LinkFailureKind, type retryDelayMs } from '../../../src/link/retry.ts';
import type { Clock } from '../../../src/ports.ts';
import type { LinkFailure } from './problem.ts';

/** A link that stood this long, ms, was a good one: its end is the first failure. */
const GOOD_MS = 10_000;
/** How often a changed secret is looked for while a login is held back, ms. */
const LOOK_MS = 2_000;

export interface PaceOptions {
  readonly host: string;
  readonly secret: string | (() => string | Promise<string>);
  readonly clock: Clock;
  readonly random: () => number;
  readonly retryMs: typeof retryDelayMs;
}

export interface Ending {
  /** The greeting had come. */
  readonly greeted: boolean;
  /** ms from login to end; `null` when there was no login. */
  readonly stoodMs: number | null;
  /** Asterisk had said that it stops. */
  readonly orderly: boolean;
}

export function createPace({ host, secret: given, clock, random, retryMs }: PaceOptions) {
  const local = isLoopback(host);
  const lookMs = typeof given === 'string' ? Number.POSITIVE_INFINITY : LOOK_MS;
  let last: { kind: LinkFailureKind; failures: number } = { kind: 'unreachable', failures: 0 };
  let refusals = 0;
  /** Monotonic ms before which no login is sent. */
  let loginAt = 0;
  let used: string | null = null;

  const read = async (): Promise<string> => (typeof given === 'string' ? given : given());

  const delay = (kind: LinkFailureKind, fresh: boolean): number => {
    last = { kind, failures: last.kind === kind && !fresh ? last.failures + 1 : 1 };
    return retryMs(kind, last.failures, local, random());
  };

  /** Whether the secret differs from the one that was refused. One that cannot be read now is told by the login. */
  const changed = (): Promise<boolean> =>
    read().then(
      (secret) => secret !== used,
      () => false,
    );

  return {
    /** The secret for a login, read anew. */
    async secret(): Promise<string> {
      used = await read();
      return used;
    },

    /** True while a refused login holds back the next one. */
    get waiting(): boolean {
      return clock.monotonic() < loginAt;
    },

    /** Resolves when a login may be sent, or when the connection is `over`. `onWait` is given what ends the waiting then. */
    async turn(over: () => boolean, onWait: (cancel: () => void) => void): Promise<void> {
      while (!over()) {
        const left = loginAt - clock.monotonic();
        if (left <= 0) return;
        await new Promise<void>((resolve) => onWait(clock.after(Math.min(left, lookMs), resolve)));
        if (typeof given !== 'string' && (await changed())) return;
      }
    },

    /** Notes how an attempt ended and tells when the next connection is due, in ms. */
    failed(failure: LinkFailure, { greeted, stoodMs, orderly }: Ending): number {
      const served = stoodMs !== null;
      if (served) refusals = 0;
      if (failure.kind === 'refused') return delay('refused', false);
      if (failure.kind === 'login') {
        refusals += 1;
        loginAt = clock.monotonic() + retryMs('refused', refusals, local, random());
        return delay('dropped', true);
      }
      if (greeted && !orderly) return delay('dropped', served && stoodMs >= GOOD_MS);
      // Nobody was there: whoever is next is started anew, and may know another secret.
      loginAt = 0;
      refusals = 0;
      return delay('unreachable', served);
    },
  };
}
