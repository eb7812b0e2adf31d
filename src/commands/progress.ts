/** How far a command is that goes through many calls: on a screen one line that changes, else a line now and then. */
import type { Terminal } from '../cli/cli.ts';
import { visible } from '../telephony/visible.ts';
import { tell } from './output.ts';

export interface Progress {
  /** So many are done, and more are to come. */
  at(done: number, text: string): void;
  /** Takes the line off the screen; to be called before anything else is written. */
  clear(): void;
}

/** Without a screen there is a line for each so many. */
const EACH = 10_000;

/** To the beginning of the line, and it is emptied (ECMA-48: CR, EL). */
const EMPTY_LINE = '\r\x1b[K';

/** Writes to `error` alone, so that a result on `out` stays whole. */
export function progress(terminal: Terminal): Progress {
  let shown = false;
  let told = 0;
  return {
    at(done, text) {
      if (terminal.screen === true) {
        terminal.error(`${EMPTY_LINE}${visible(text)}`);
        shown = true;
      } else if (Math.floor(done / EACH) > told) {
        told = Math.floor(done / EACH);
        tell(terminal, text);
      }
    },
    clear() {
      if (shown) terminal.error(EMPTY_LINE);
      shown = false;
    },
  };
}
