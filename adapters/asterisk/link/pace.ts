/**
 * What the end of an AMI connection cost Asterisk, by which `src/link` plans the next one, and when the next login is sent.
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
 * only its login, until its turn has come, Asterisk was away, or the secret was changed on this side. A login beside a connection
 * that stands is held back in the same way.
 */
import type { LinkEnd } from '../../../src/link/link.ts';
import { isLoopback, type retryDelayMs } from '../../../src/link/retry.ts';
import { within } from '../../../src/link/within.ts';
import type { Clock } from '../../../src/ports.ts';
import type { LinkFailure } from './problem.ts';

/** How often a changed secret is looked for while a login is held back, ms. */
const LOOK_MS = 2_000;

export interface PaceOptions {
  readonly host: string;
  readonly secret: string | (() => string | Promise<string>);
  readonly clock: Clock;
  readonly random: () => number;
  readonly retryMs: typeof retryDelayMs;
  /** For the secret to be read. */
  readonly actionDeadlineMs: number;
}

export interface Ending {
  /** The greeting had come. */
  readonly greeted: boolean;
  readonly loggedIn: boolean;
  /** Asterisk had said that it stops. */
  readonly orderly: boolean;
}

export function createPace({ host, secret: given, clock, random, retryMs, actionDeadlineMs: deadlineMs }: PaceOptions) {
  const local = isLoopback(host);
  const lookMs = typeof given === 'string' ? Number.POSITIVE_INFINITY : LOOK_MS;
  let refusals = 0;
  /** Monotonic ms before which no login is sent. */
  let loginAt = 0;
  let used: string | null = null;

  const read = async (): Promise<string> => {
    const secret = typeof given === 'string' ? given : given();
    if (typeof secret === 'string') return secret;
    return within(clock, deadlineMs, `the secret did not come within ${deadlineMs} ms.`, secret);
  };

  /** Whether the secret differs from the one that was refused. One that cannot be read now is told by the login. */
  const changed = (): Promise<boolean> =>
    read().then(
      (secret) => secret !== used,
      () => false,
    );

  const refused = (): void => {
    refusals += 1;
    loginAt = clock.monotonic() + retryMs('refused', refusals, local, random());
  };

  const forget = (): void => {
    loginAt = 0;
    refusals = 0;
  };

  return {
    refused,
    /** A login was taken. */
    accepted: forget,

    /** True when a login may be sent now: none is held back, or the secret is another one. */
    async ready(): Promise<boolean> {
      return clock.monotonic() >= loginAt || changed();
    },

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

    /** Notes how an attempt ended and tells what it cost. */
    ended(failure: LinkFailure, { greeted, loggedIn, orderly }: Ending): Pick<LinkEnd, 'cost' | 'anew'> {
      // The refused login was another secret's.
      if (loggedIn) forget();
      if (failure.kind === 'refused') return { cost: 'refused' };
      if (failure.kind === 'login') {
        refused();
        return { cost: 'dropped', anew: true };
      }
      if (greeted && !orderly) return { cost: 'dropped' };
      // Nobody was there: whoever is next is started anew, and may know another secret.
      forget();
      return { cost: 'unreachable' };
    },
  };
}
