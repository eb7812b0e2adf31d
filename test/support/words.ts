/** The words that a tool of the project is called with. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Ends the process with exit status 2 and one sentence. */
export function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

/** As `parseArgs`; words that it does not know end the process with one sentence that names them and those there are. */
export function wordsOf<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) throw error;
    const names = Object.keys(config.options ?? {}).map((name) => `--${name}`);
    // Node goes on to explain what `--` is for.
    return refuse(`${error.message.replace(/\. .*/s, '')}. Options: ${names.join(', ')}.`);
  }
}

/** The whole number of at least `least` that option `name` has. */
export function wholeNumber(name: string, text: string, least = 0): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
    refuse(`--${name}: expected a whole number, ${least} or more, not "${text}".`);
  return value;
}
