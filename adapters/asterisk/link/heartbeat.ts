/** Notices a link on which nothing arrives any more: a cable pulled or a host gone says nothing at all. */
import type { Clock } from '../../../src/ports.ts';

export interface Pulse {
  /** Monotonic ms of the last byte received. */
  heardAt(): number;
  /** How many bytes were received so far. */
  bytes(): number;
  /** Asks for a sign of life. */
  ping(): void;
  /** Nothing was heard for `silentMs`. Called once. */
  onDead(silentMs: number): void;
}

/** A deadline found passed by more than this, ms, was missed because this process stood still. */
const STALL_MS = 1_000;

/**
 * Pings after `intervalMs` of silence, and calls the link dead when `deadlineMs` later still nothing was heard: so at the latest
 * `intervalMs + deadlineMs` after the last byte, whatever actions are under way. What arrives, of any kind, is a sign of
 * life. When this process itself stood still, what came meanwhile is yet to be read, so the deadline starts anew. Returns how
 * to end the watch.
 */
export function watchPulse(clock: Clock, intervalMs: number, deadlineMs: number, pulse: Pulse): () => void {
  let cancel = () => {};
  const wait = (): void => {
    const left = pulse.heardAt() + intervalMs - clock.monotonic();
    if (left <= 0) ask();
    else cancel = clock.after(left, wait);
  };
  const ask = (): void => {
    const before = pulse.bytes();
    pulse.ping();
    expect(before);
  };
  const expect = (before: number): void => {
    const due = clock.monotonic() + deadlineMs;
    cancel = clock.after(deadlineMs, () => {
      if (pulse.bytes() !== before) wait();
      else if (clock.monotonic() - due > STALL_MS) expect(before);
      else pulse.onDead(clock.monotonic() - pulse.heardAt());
    });
  };
  wait();
  return () => cancel();
}
