/** Questions on a terminal, or to whoever writes the answers into the standard input, a line each. */
import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';

export interface Asker {
  /** The answer; an empty one is `preset`, where there is one, else it is asked again. */
  line(question: string, preset: string | null): Promise<string>;
  /** The same without showing what is typed; empty for Enter. */
  hidden(question: string, about: string): Promise<string>;
  yes(question: string, preset: boolean): Promise<boolean>;
  /** The next line as it comes, for secrets that are handed over on the standard input. */
  next(): Promise<string>;
  close(): void;
}

/** The answers ended before the questions, or somebody pressed Ctrl-C. */
export class Ended extends Error {
  override readonly name = 'Ended';

  constructor() {
    super('broken off: nothing was written.');
  }
}

interface Streams {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

/** Lines that come before they are asked for wait: `readline` would drop them. */
export function createAsker({ input, output }: Streams = { input: process.stdin, output: process.stdout }): Asker {
  let shown = true;
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (shown) output.write(chunk);
      done();
    },
  });
  // Nothing is kept of what was typed: an arrow key would show it again.
  const lines = createInterface({ input, output: echo, terminal: input.isTTY === true, historySize: 0 });
  const waiting: string[] = [];
  let wanted: PromiseWithResolvers<string> | null = null;
  let ended = false;
  lines.on('line', (line) => {
    if (wanted === null) waiting.push(line);
    else wanted.resolve(line);
    wanted = null;
  });
  lines.on('SIGINT', () => lines.close());
  lines.on('close', () => {
    ended = true;
    wanted?.reject(new Ended());
    wanted = null;
  });
  const next = (): Promise<string> => {
    const line = waiting.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (ended) return Promise.reject(new Ended());
    wanted = Promise.withResolvers<string>();
    return wanted.promise;
  };
  // As readline's own prompt, so that it stays when what is typed is edited.
  const ask = async (prompt: string, echoed = true): Promise<string> => {
    if (input.isTTY === true && !ended) {
      lines.setPrompt(prompt);
      lines.prompt();
    } else output.write(prompt);
    shown = echoed;
    try {
      return await next();
    } finally {
      shown = true;
      if (!echoed || input.isTTY !== true) output.write('\n');
    }
  };

  return {
    async line(question, preset) {
      for (;;) {
        const answer = (await ask(`${question}${preset === null ? '' : ` [${preset}]`}: `)).trim();
        if (answer !== '') return answer;
        if (preset !== null) return preset;
      }
    },
    hidden: (question, about) => ask(`${question} [${about}]: `, false),
    async yes(question, preset) {
      for (;;) {
        const answer = (await ask(`${question} [${preset ? 'Y/n' : 'y/N'}]: `)).trim().toLowerCase();
        if (answer === '') return preset;
        if (['y', 'yes'].includes(answer)) return true;
        if (['n', 'no'].includes(answer)) return false;
      }
    },
    next,
    close: () => lines.close(),
  };
}
