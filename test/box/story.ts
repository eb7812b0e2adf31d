/** What is played in a box, and how it is told. */
import type { Box } from './box.ts';

export interface Story {
  readonly name: string;
  /** Throws what is wrong. Each story gets a box of its own. */
  play(box: Box): Promise<void>;
}

/** Throws what differs, with all that helps to see why. */
export function expect(holds: boolean, what: string, seen: unknown): asserts holds {
  if (!holds) throw new Error(`${what}; seen: ${typeof seen === 'string' ? seen : JSON.stringify(seen, null, 1)}`);
}
