/**
 * Which call is to be looked at when. An event costs the same however many calls are open: each call waits in a queue under a time
 * that is never later than the one at which it is to be ended. It may be earlier, as where more was heard of the call since; the
 * call is then put back when its turn has come.
 *
 * What is due at the same moment ends in the order in which the calls became known, as if all of them were looked through.
 */
import type { ApplyContext } from './context.ts';
import { dueAt, eachDueAt, groupOf, type Waits } from './deadline.ts';
import { Queue } from './queue.ts';
import type { Call } from './state.ts';

export class Waiting {
  private readonly context: Pick<ApplyContext, 'calls' | 'touched'>;
  private readonly rules: Waits;
  private readonly queue = new Queue<Call>();

  constructor(context: Pick<ApplyContext, 'calls' | 'touched'>, rules: Waits) {
    this.context = context;
    this.rules = rules;
  }

  /** No call is to be ended before this, ms since the epoch; infinity when none waits. */
  get next(): number {
    return this.queue.least;
  }

  /** Something has happened to this call, or to those that it touched. */
  note(call: Call | undefined): void {
    if (call !== undefined) this.lower(call);
    this.noteTouched();
  }

  /** Something has happened that concerns every call. */
  noteAll(): void {
    this.noteTouched();
    for (const call of this.context.calls.values()) this.queue.set(call, dueAt(call, this.rules));
  }

  /** Hands over what is due at `now` (ms since the epoch), to be ended; that may make others due. */
  endDue(now: number, end: (call: Call) => void): void {
    const turns = new Queue<Call>();
    const seen = new Set<Call>();
    let reached = -1;
    const gather = () => {
      while (this.queue.least <= now) {
        const call = this.queue.take();
        if (call === undefined) return;
        for (const one of groupOf(call)) {
          seen.add(one);
          if (one.place > reached) turns.set(one, one.place);
        }
      }
    };
    gather();
    for (let call = turns.take(); call !== undefined; call = turns.take()) {
      reached = call.place;
      if (!this.isListed(call) || now < dueAt(call, this.rules)) continue;
      end(call);
      this.noteTouched();
      gather();
    }
    for (const call of seen) if (this.isListed(call)) this.queue.set(call, dueAt(call, this.rules));
  }

  private noteTouched(): void {
    const { touched } = this.context;
    if (touched.size === 0) return;
    for (const call of touched) this.lower(call);
    touched.clear();
  }

  private lower(call: Call): void {
    if (this.isListed(call)) eachDueAt(groupOf(call), this.rules, this.sooner);
    else this.queue.delete(call);
  }

  private readonly sooner = (call: Call, at: number): void => {
    if (at < (this.queue.keyOf(call) ?? Number.POSITIVE_INFINITY) && this.isListed(call)) this.queue.set(call, at);
  };

  private isListed(call: Call): boolean {
    return this.context.calls.get(call.key) === call;
  }
}
