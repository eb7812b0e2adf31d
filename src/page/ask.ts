/** What the page asks of the daemon, over the control socket as the commands do. Nothing here can change what a call was. */

import type { Replies, RequestName, RequestOf } from '../../adapters/control/api.ts';
import { type ControlClient, connectControl } from '../../adapters/control/client.ts';
import { ControlError } from '../../adapters/control/refusal.ts';
import { VERSION } from '../daemon/version.ts';

/** All that the page may ask: to look, to hold and let go the posts, to send calls again that wait for a person. */
const LOOKS = ['status', 'calls', 'call', 'why', 'frames', 'users', 'hours', 'gaps'] as const;
const ACTIONS = ['replay', 'pause', 'resume', 'retry', 'acknowledge'] as const;
const ALLOWED = [...LOOKS, ...ACTIONS] satisfies readonly RequestName[];
const DOING: ReadonlySet<RequestName> = new Set(ACTIONS);

export type Allowed = (typeof ALLOWED)[number];

/** The state of everything. */
export type Status = Replies['status'];

export interface Daemon {
  call<N extends Allowed>(name: N, input: RequestOf<N>): Promise<Replies[N]>;
  /** The state of everything, at most `maxAgeMs` old: asked once for all who look. */
  status(maxAgeMs?: number): Promise<Status>;
}

/** One look serves all pages, ms. */
export const STATUS_MS = 1000;
/** Requests at the same time: the control socket takes 32, and commands need some of them. */
const AT_ONCE = 16;

/** `path`: of the control socket. */
export function daemonAt(path: string, now: () => number = () => performance.now()): Daemon {
  let client: ControlClient | null = null;
  let last: { readonly at: number; readonly reply: Promise<Status>; underWay: boolean } | null = null;
  const inTurn = turns(AT_ONCE);
  const ask: Daemon['call'] = async (name, input) => {
    if (!ALLOWED.includes(name)) throw new ControlError(403, `The page may not ask for ${name}.`);
    return inTurn(async () => {
      client ??= await connectControl(path, VERSION);
      if (client === null) throw new ControlError(503, 'logcalld does not answer: it is starting or stopping.');
      return client.call(name, input);
    });
  };
  const call: Daemon['call'] = async (name, input) => {
    if (!DOING.has(name) || ('dryRun' in input && input.dryRun === true)) return ask(name, input);
    // Whoever pressed a button is not shown what was before it.
    last = null;
    try {
      return await ask(name, input);
    } finally {
      last = null;
    }
  };
  return {
    call,
    status(maxAgeMs = STATUS_MS) {
      // What is not there yet is as new as what would be asked for now.
      if (last !== null && (last.underWay || now() - last.at < maxAgeMs)) return last.reply;
      const reply = call('status', {});
      const own = { at: now(), reply, underWay: true };
      last = own;
      reply.then(
        () => {
          own.underWay = false;
        },
        () => {
          if (last === own) last = null;
        },
      );
      return reply;
    },
  };
}

/** Runs at most so many at the same time, the others in the order in which they came. */
function turns(most: number) {
  let free = most;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
