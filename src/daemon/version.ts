import { readFileSync } from 'node:fs';

/** Version of the program; the build puts package.json beside the compiled folders, so the path is the same there. */
export const VERSION: string = (() => {
  const { version }: { version?: unknown } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return typeof version === 'string' ? version : 'unknown';
})();
