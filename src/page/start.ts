/** Starts the page beside the daemon, in a thread of its own, and keeps it up. Whatever happens to it, calls are logged. */
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Config } from '../../config/schema.ts';
import type { PageAction } from '../events.ts';
import type { Conditions } from '../health/conditions.ts';
import type { Clock } from '../ports.ts';
import { Secret } from '../secret.ts';

/** What the thread is started with. */
export interface PageStart {
  readonly listen: { readonly host: string; readonly port: number };
  readonly hosts: readonly string[];
  /** The control socket. */
  readonly socket: string;
  readonly tokenDigest: Uint8Array;
  /** Without its secrets. */
  readonly config: Config;
}

export type FromPage = { readonly port: number } | { readonly failed: string } | { readonly action: PageAction };

export interface PageParts {
  readonly config: Config;
  readonly listen: NonNullable<Config['page']['listen']>;
  readonly socket: string;
  readonly token: Secret;
  readonly conditions: Conditions;
  readonly clock: Pick<Clock, 'after'>;
  readonly onAction: (action: PageAction) => void;
  /** It can be looked at there. */
  readonly onServed?: (address: string) => void;
}

export interface OpenPage {
  stop(): Promise<void>;
}

export const PAGE_NOT_SERVED = 'page-not-served';
const AGAIN_MS = 15_000;
const STOP_MS = 1000;
/** Of the thread, MB. */
const HEAP_MB = 128;
const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

export function openPage(parts: PageParts): OpenPage {
  const { config, listen, conditions, clock } = parts;
  const { hosts } = config.page;
  const start: PageStart = {
    ...{ listen, hosts, socket: parts.socket, config: withoutSecrets(config) as Config },
    tokenDigest: createHash('sha256').update(parts.token.reveal().trim()).digest(),
  };
  let worker: Worker | null = null;
  let stopped = false;
  let cancel = (): void => {};

  const failed = (why: string): void => {
    if (stopped) return;
    conditions.set(PAGE_NOT_SERVED, `The page is not served: ${why}. It is tried again.`, 'warning');
    cancel();
    cancel = clock.after(AGAIN_MS, run);
  };
  function run(): void {
    const own = new Worker(new URL(`./thread${SUFFIX}`, import.meta.url), {
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker = own;
    let why = 'its thread ended';
    own.on('message', (message: FromPage) => {
      if ('action' in message) parts.onAction(message.action);
      else if ('port' in message) {
        conditions.set(PAGE_NOT_SERVED, null);
        parts.onServed?.(`http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${message.port}/`);
      } else {
        const remedy = 'end what has the port, or set [page] listen to another one';
        why = `${listen.host}:${listen.port} cannot be had (${message.failed}): ${remedy}`;
        void own.terminate();
      }
    });
    own.on('error', (error) => {
      why = error instanceof Error ? error.message : String(error);
    });
    own.on('exit', () => {
      if (worker === own) worker = null;
      failed(why);
    });
  }
  run();
  return {
    async stop() {
      stopped = true;
      cancel();
      const own = worker;
      if (own === null) return;
      const gone = new Promise<void>((resolve) => own.once('exit', () => resolve()));
      own.postMessage('stop');
      const end = clock.after(STOP_MS, () => void own.terminate());
      await gone;
      end();
    },
  };
}

/** A copy that may be handed to a thread, without anything secret in it. */
function withoutSecrets(value: unknown): unknown {
  if (value instanceof Secret) return null;
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]));
}
