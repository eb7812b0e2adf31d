import { readFileSync } from 'node:fs';

/** Version of the program, from package.json: two folders up in the sources, three in the compiled program. */
export const VERSION: string = (() => {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { version }: { version?: unknown } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof version === 'string') return version;
    } catch {
      // Not here: the compiled program lies one folder deeper.
    }
  }
  return 'unknown';
})();
