/** Which files of an npm package a running program needs. What is left out is proven to be unneeded by loading every package afterwards. */
import { cpSync, mkdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** Packages that hold types only, or headers for compiling; Node itself is put at another place. */
const NOT_NEEDED = /^(@types\/.*|undici-types|node-addon-api|node-linux-\w+)$/;

/** Sources, types, maps, texts, settings of tools. Licences stay. */
const IDLE_FILE =
  /\.([cm]?ts|map|md|markdown|flow|c|cc|cpp|h|gypi?|yml|yaml|txt|html|sh|tgz|png|svg)$|^\.|^(tsconfig|biome|karma|rollup|webpack|jest).*\.(json|js)$/i;
const LICENCE = /^(licen[cs]e|copying|notice)/i;
const IDLE_FOLDER = /^(tests?|__tests__|docs?|examples?|benchmarks?|coverage|typings|man|\..*)$/i;

/** What is large and known to serve other platforms, browsers or compilers, by package. */
const IDLE_PATHS: Readonly<Record<string, RegExp>> = {
  'better-sqlite3': /^(deps|src)(\/|$)/,
  'csv-parse': /^dist\/(umd|iife)(\/|$)/,
  'libphonenumber-js': /^(bundle|source|test|website)(\/|$)/,
  zod: /^src(\/|$)/,
};

/** `name`: of the package, as npm knows it. `path`: below its folder. */
export function isNeeded(name: string, path: string, folder: boolean, target: string): boolean {
  const last = basename(path);
  if (IDLE_PATHS[name]?.test(path) === true) return false;
  // Native parts of all platforms lie beside each other.
  if (dirname(path) === 'prebuilds') return path === `prebuilds/${target}.node`;
  if (folder) return !IDLE_FOLDER.test(last);
  return LICENCE.test(last) || !IDLE_FILE.test(last);
}

/** Copies what is needed of the packages at `paths` (folders below `nodeModules`). `target`: such as `linux-x64`. */
export function copyPackages(
  nodeModules: string,
  paths: readonly string[],
  into: string,
  target: string,
): readonly string[] {
  const copied: string[] = [];
  for (const from of paths) {
    const place = relative(nodeModules, from);
    const name = place.split('node_modules/').at(-1) ?? place;
    if (NOT_NEEDED.test(name)) continue;
    const to = join(into, place);
    mkdirSync(to, { recursive: true });
    cpSync(from, to, {
      recursive: true,
      dereference: true,
      filter: (path) => {
        const inside = relative(from, path);
        if (inside === '') return true;
        if (basename(path) === 'node_modules') return false;
        return isNeeded(name, inside, statSync(path).isDirectory(), target);
      },
    });
    copied.push(place);
  }
  return copied;
}
