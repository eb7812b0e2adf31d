/** Actions that wait for their answer on one AMI connection, found again by ActionID. */
import type { Clock } from '../../../src/ports.ts';
import type { AmiPacket } from './packet.ts';

/** Why an action has no result: the PBX said no, did not answer in time, left out a part, or the connection ended. */
export type ActionFailure = 'refused' | 'timeout' | 'cut' | 'closed';

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
  /** A list that nobody waits for any more. */
  late: boolean;
  response: AmiPacket | null;
  cancel: () => void;
  resolve(result: AmiList): void;
  reject(error: AmiActionError): void;
}

/** True for an answer to an action. `OriginateResponse` has a `Response` header too, but is an event. */
export function isResponse(packet: AmiPacket): boolean {
  return packet.get('Response') !== undefined && packet.headers[0]?.[0] === 'Response';
}

/** How many items a list has by its own last packet; `null` where it does not say. */
function announced(complete: AmiPacket): number | null {
  const text = complete.get('ListItems') ?? complete.get('Items');
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** True for the last packet of a list; also for some events of their own, such as `AgentComplete`. */
export function endsList(packet: AmiPacket): boolean {
  return packet.get('Event')?.endsWith('Complete') === true || packet.get('EventList') === 'Complete';
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
      const pending: Pending = {
        action,
        deadlineMs,
        list,
        late: false,
        items: [],
        response: null,
        cancel,
        resolve,
        reject,
      };
      this.#pending.set(id, pending);
      this.#arm(id, pending);
    });
  }

  /** Hands a response, or an item of a list, to the action it answers, if there is one. */
  take(packet: AmiPacket): void {
    if (this.#pending.size === 0) return;
    const [id, pending] = this.#askedBy(packet);
    if (pending === undefined) return;
    if (isResponse(packet)) this.#answer(id, pending, packet);
    else if (pending.response !== null) {
      pending.items.push(packet);
      if (!pending.late) this.#arm(id, pending);
    }
  }

  /**
   * Takes what ends a list, or an event of its own, which is handed on in any case. The end of a list is handed on when all
   * items have come; where `handOn` answers false, it could not be handled, and the list is as good as cut off.
   */
  end(packet: AmiPacket, handOn: () => boolean): void {
    const [id, pending] = this.#askedBy(packet);
    const response = pending?.response ?? null;
    if (pending === undefined || response === null) {
      handOn();
      return;
    }
    this.#settle(id, pending);
    const { action, items } = pending;
    const wanted = announced(packet) ?? items.length;
    const whole = items.length >= wanted;
    if (whole && handOn()) {
      pending.resolve({ response, items, complete: packet });
      return;
    }
    const what = whole ? 'its end could not be handled' : `${items.length} of ${wanted} items came`;
    pending.reject(new AmiActionError('cut', `Asterisk's answer to ${action} was cut off: ${what}.`));
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
      if (!pending.late) this.#arm(id, pending);
    } else {
      this.#settle(id, pending);
      pending.resolve({ response, items: [], complete: response });
    }
  }

  #askedBy(packet: AmiPacket): [id: string, pending: Pending | undefined] {
    const id = packet.get('ActionID') ?? '';
    return [id, this.#pending.get(id)];
  }

  #arm(id: string, pending: Pending): void {
    pending.cancel();
    pending.cancel = this.#clock.after(pending.deadlineMs, () => {
      // The list may still come, and must not be taken for whole then when it is not.
      if (pending.list) pending.late = true;
      else this.#settle(id, pending);
      const what = `Asterisk did not answer ${pending.action} within ${pending.deadlineMs} ms`;
      pending.reject(new AmiActionError('timeout', `${what}; it may be overloaded.`));
    });
  }

  #settle(id: string, pending: Pending): void {
    pending.cancel();
    this.#pending.delete(id);
  }
}
