/**
 * Whether events of channels come: FreeSWITCH counts its sessions, in HEARTBEAT and in the answer to `status`, which a silent link is
 * asked for anyway. A subscription that is gone, or a proxy that filters, shows by sessions of which nothing was heard.
 *
 * A session is counted before it is a channel: an INVITE that is to prove who it is has one, tells no CHANNEL_CREATE, and its
 * CHANNEL_HANGUP_COMPLETE comes when nobody has answered for some seconds (FreeSWITCH 1.11: under ten). So an event is waited for.
 */
import { Deafness, type Look } from '../../../src/link/deafness.ts';
import type { Clock, Deaf } from '../../../src/ports.ts';
import type { EslEvent } from '../link/event.ts';

/** For so long an event of a session may be waited for, ms. */
const PATIENCE_MS = 25_000;
/** While events are missing they are asked for anew, ms. */
const SUBSCRIBE_MS = 15_000;

export interface HearingOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Ask for the events anew. */
  readonly subscribe: () => void;
  readonly onChange: () => void;
}

/** The counts in the answer to `status`; `null` when they are not there. */
export function lookOf(status: string): Look | null {
  const total = /^(\d+) session\(s\) since startup/m.exec(status)?.[1];
  const live = /^(\d+) session\(s\) - peak/m.exec(status)?.[1];
  return total === undefined || live === undefined ? null : { live: Number(live), total: Number(total) };
}

/** The same in a HEARTBEAT. */
function heartbeatLook(event: EslEvent): Look | null {
  const [live, total] = [event.get('Session-Count'), event.get('Session-Since-Startup')];
  return live === undefined || total === undefined ? null : { live: Number(live), total: Number(total) };
}

/** True for an event of a channel. */
export function isCallEvent({ name }: EslEvent): boolean {
  return name.startsWith('CHANNEL_');
}

export class Hearing {
  readonly #options: HearingOptions;
  readonly #deafness = new Deafness(PATIENCE_MS);
  #subscribeAt = 0;

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  get deaf(): boolean {
    return this.#deafness.deaf;
  }

  /** Subscribed on a new connection. */
  begin(): void {
    this.#deafness.begin();
  }

  /** Every event. */
  see(event: EslEvent): void {
    if (event.name === 'HEARTBEAT') this.look(heartbeatLook(event));
    if (!isCallEvent(event)) return;
    const before = this.deaf;
    this.#deafness.hear();
    if (before) this.#options.onChange();
  }

  look(look: Look | null): void {
    if (look === null) return;
    const now = this.#options.clock.monotonic();
    const before = this.deaf;
    this.#deafness.look(look, now);
    if (this.deaf !== before) this.#options.onChange();
    if (!this.deaf || now < this.#subscribeAt) return;
    this.#subscribeAt = now + SUBSCRIBE_MS;
    this.#options.subscribe();
  }
}

export function deafTo(source: string): Deaf {
  return {
    text:
      `FreeSWITCH "${source}" has calls and sends no event of them: its subscription was taken away (nixevent, noevents), or what ` +
      'stands between (a proxy of the event socket) holds them back. logcalld subscribes anew by itself; if this stays, connect to ' +
      'FreeSWITCH itself, or end its connections with the line below. This is over with the first call that is heard.',
    lines: ["fs_cli -x 'reload mod_event_socket'"],
  };
}
