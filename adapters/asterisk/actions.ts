/** Actions that wait for their answer on one AMI connection, found again by ActionID. */
import type { Clock } from '../../src/ports.ts';
import type { AmiPacket } from './packet.ts';

/** Why an action has no result: the PBX said no, did not answer in time, or the connection ended. */
export type ActionFailure = 'refused' | 'timeout' | 'closed';

export class AmiActionError extends Error {
  override readonly name = 'AmiActionError';
  readonly failure: ActionFailure;
  /** The PBX's answer when it refused. */
  readonly response: AmiPacket | null;

  constructor(failure: ActionFailure, message: string, response: AmiPacket | null = null) {
    super(message);
    this.failure = failure;
    this.response = response;
  }
}

/** Answer to a list action: the events between `EventList: start` and the `...Complete` event. */
export interface AmiList {
  readonly response: AmiPacket;
  readonly items: readonly AmiPacket[];
  readonly complete: AmiPacket;
}

interface Pending {
  readonly action: string;
  readonly deadlineMs: number;
  readonly items: AmiPacket[];
  readonly list: boolean;
  response: AmiPacket | null;
  cancel: () => void;
  resolve(result: AmiList): void;
  reject(error: AmiActionError): void;
}

/** True for an answer to an action. `OriginateResponse` has a `Response` header too, but is an event. */
export function isResponse(packet: AmiPacket): boolean {
  return packet.headers[0]?.[0] === 'Response';
}

function endsList(packet: AmiPacket): boolean {
  return packet.get('EventList') === 'Complete' || (packet.get('Event') ?? '').endsWith('Complete');
}

export class PendingActions {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** Promises the answer to action `id`; for a list the deadline starts anew with each item. */
  expect(id: string, action: string, list: boolean, deadlineMs: number): Promise<AmiList> {
    return new Promise((resolve, reject) => {
      const cancel = () => {};
      const pending: Pending = { action, deadlineMs, list, items: [], response: null, cancel, resolve, reject };
      this.#pending.set(id, pending);
      this.#arm(id, pending);
    });
  }

  /** Hands the packet to the action it answers, if one waits for it. */
  take(packet: AmiPacket): void {
    const id = packet.get('ActionID');
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || pending === undefined) return;
    if (isResponse(packet)) this.#answer(id, pending, packet);
    else if (pending.response !== null) this.#item(id, pending, pending.response, packet);
  }

  /** Rejects everything that still waits. */
  rejectAll(reason: string): void {
    for (const [id, pending] of [...this.#pending]) {
      this.#settle(id, pending);
      pending.reject(new AmiActionError('closed', `AMI action ${pending.action} was not answered: ${reason}`));
    }
  }

  #answer(id: string, pending: Pending, response: AmiPacket): void {
    if (response.get('Response') === 'Error') {
      this.#settle(id, pending);
      const message = response.get('Message') ?? 'no reason given';
      pending.reject(new AmiActionError('refused', `Asterisk refused ${pending.action}: ${message}.`, response));
    } else if (pending.list) {
      pending.response = response;
      this.#arm(id, pending);
    } else {
      this.#settle(id, pending);
      pending.resolve({ response, items: [], complete: response });
    }
  }

  #item(id: string, pending: Pending, response: AmiPacket, packet: AmiPacket): void {
    if (!endsList(packet)) {
      pending.items.push(packet);
      this.#arm(id, pending);
      return;
    }
    this.#settle(id, pending);
    pending.resolve({ response, items: pending.items, complete: packet });
  }

  #arm(id: string, pending: Pending): void {
    pending.cancel();
    pending.cancel = this.#clock.after(pending.deadlineMs, () => {
      this.#settle(id, pending);
      const what = `Asterisk did not answer ${pending.action} within ${pending.deadlineMs} ms`;
      pending.reject(new AmiActionError('timeout', `${what}; it may be overloaded.`));
    });
  }

  #settle(id: string, pending: Pending): void {
    pending.cancel();
    this.#pending.delete(id);
  }
}
