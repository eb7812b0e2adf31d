/** The page beside the daemon: whether there is one, and what is told of it. */
import { type Config, pageSecret } from '../../config/schema.ts';
import { events } from '../events.ts';
import type { Conditions } from '../health/conditions.ts';
import { type OpenPage, openPage, PAGE_NOT_SERVED } from '../page/start.ts';
import type { Clock, Log } from '../ports.ts';
import type { Secret, SecretRef } from '../secret.ts';

export interface DaemonPageParts {
  readonly config: Config;
  /** The control socket; `null`: there is none. */
  readonly socket: string | null;
  readonly readSecret: (ref: SecretRef) => Secret;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears where it can be looked at. */
  readonly onServed?: ((address: string) => void) | undefined;
}

/** Shorter ones are guessed. */
const LEAST_TOKEN = 12;

const NONE: OpenPage = { stop: async () => {} };

/** Calls are logged also where it cannot be served: that is told by a condition. */
export function servePage({ config, socket, readSecret, conditions, ...parts }: DaemonPageParts): OpenPage {
  const { listen } = config.page;
  if (listen === null || socket === null) return NONE;
  const { clock, log } = parts;
  try {
    const token = readSecret(pageSecret(config.page));
    const wrong = tokenProblem(token);
    if (wrong !== null) throw new Error(wrong);
    return openPage({
      ...{ config, listen, socket, token, conditions, clock },
      onAction: (action) => events.page(log, action),
      onServed(address) {
        events.pageServed(log, address);
        parts.onServed?.(address);
      },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    conditions.set(PAGE_NOT_SERVED, `The page is not served: ${why}`, 'warning');
    return NONE;
  }
}

/** Why this token does not do, `null`: it does. */
export function tokenProblem(token: Secret): string | null {
  if (token.reveal().trim().length >= LEAST_TOKEN) return null;
  return `its token has fewer than ${LEAST_TOKEN} characters: make one with "openssl rand -base64 18".`;
}
