/**
 * Whether the AMI user hears of queues. Who may read `call` and not `agent` hears every call, and never that its caller waits in a queue:
 * such calls are logged without it, and nothing looks wrong. What gives it away: `QueueStatus` (Asterisk's app_queue.c; it needs no
 * right) tells of each queue the callers that wait, and those that were served or gave up since Asterisk was started.
 *
 * It is asked only until the first event of a queue is heard on a connection: rights and filters are those of the login. A PBX without
 * app_queue refuses it, and is not asked again on this connection.
 */
import { Deafness, type Look } from '../../../src/link/deafness.ts';
import type { Clock } from '../../../src/ports.ts';
import { AmiActionError, type AmiList } from '../link/actions.ts';
import type { AmiPacket } from '../link/packet.ts';
import { Renewals } from './renewals.ts';

/** Events of callers in queues, and of the agents that they are given to; all are of the class `agent`. */
const QUEUE_EVENTS = new Set([
  ...['QueueCallerJoin', 'QueueCallerLeave', 'QueueCallerAbandon'],
  ...['AgentCalled', 'AgentConnect', 'AgentComplete', 'AgentRingNoAnswer', 'AgentDump'],
]);

/** Between looks, ms. */
const LOOK_MS = 30_000;
/** For so long an event may be on its way, ms. */
const PATIENCE_MS = 2_500;
/** A further look when a caller was counted, ms. */
const AGAIN_MS = 3_000;
/** While events are missing, the login is first done anew after, ms: calls are heard meanwhile. */
const RENEW_MS = 60_000;
/** For each item of the answer, ms. */
const WITHIN_MS = 5_000;
/** Who is not there: of each queue its counts come, and no members. */
const NO_MEMBER = ['Member', 'logcalld'] as const;

export interface QueueHearingOptions {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly list: (name: string, fields: readonly (readonly [string, string])[], deadlineMs: number) => Promise<AmiList>;
  /** Log in anew. */
  readonly renew: () => void;
  readonly onChange: () => void;
}

export class QueueHearing {
  readonly #options: QueueHearingOptions;
  readonly #deafness = new Deafness(PATIENCE_MS);
  /** Nothing more is to be found out on this connection. */
  #settled = false;
  readonly #renewals: Renewals;
  #cancel: () => void = () => {};

  constructor(options: QueueHearingOptions) {
    this.#options = options;
    this.#renewals = new Renewals(() => options.clock.monotonic());
  }

  /** Callers wait in queues, and no event tells it. */
  get missing(): boolean {
    return this.#deafness.deaf;
  }

  /** Logged in. */
  begin(): void {
    this.#deafness.begin();
    this.#settled = false;
    this.#renewals.rest();
    this.#cancel();
    this.#look().catch(() => {});
  }

  /** The connection is over. */
  end(): void {
    this.#settled = true;
    this.#cancel();
  }

  /** Every event. */
  see(event: string): void {
    if (event === 'Reload') this.#renewals.hurry();
    if (!QUEUE_EVENTS.has(event)) return;
    this.end();
    const before = this.missing;
    this.#deafness.hear();
    this.#renewals.need(null);
    if (before) this.#options.onChange();
  }

  #later(ms: number): void {
    this.#cancel();
    if (!this.#settled) this.#cancel = this.#options.clock.after(ms, () => void this.#look().catch(() => {}));
  }

  async #look(): Promise<void> {
    const { clock, list, renew, onChange } = this.#options;
    this.#later(LOOK_MS);
    // Where nothing comes of it, this connection stays, and is looked at again.
    if (this.#renewals.due()) {
      renew();
      return;
    }
    let look: Look;
    try {
      look = lookOf((await list('QueueStatus', [NO_MEMBER], WITHIN_MS)).items);
    } catch (error) {
      if (error instanceof AmiActionError && error.failure === 'refused') this.end();
      return;
    }
    if (this.#settled) return;
    const before = this.missing;
    this.#deafness.look(look, clock.monotonic());
    this.#renewals.need(this.missing ? RENEW_MS : null);
    if (this.#deafness.suspects) this.#later(AGAIN_MS);
    if (this.missing !== before) onChange();
  }
}

/** Of all queues together. */
function lookOf(items: readonly AmiPacket[]): Look {
  const sum = (header: string): number =>
    items.reduce(
      (all, item) => all + (item.get('Event') === 'QueueParams' ? Number(item.get(header) ?? 0) || 0 : 0),
      0,
    );
  return { live: sum('Calls'), total: sum('Completed') + sum('Abandoned') };
}
