/** The program as it is installed: the build, its npm packages, and the recordings that `logcalld demo` plays. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DEMO_RECORDINGS } from '../../src/commands/demo.ts';
import type { Architecture } from './node.ts';
import { copyPackages } from './prune.ts';

export const ROOT = join(import.meta.dirname, '../..');

/** Throws when there is no build. `version`: what `logcalld version` says. */
export function layProgram(into: string, version: string, { node }: Architecture): void {
  if (!existsSync(join(ROOT, 'dist/src/main.js'))) throw new Error('there is no build: run "npm run build" first');
  mkdirSync(into, { recursive: true });
  for (const part of ['src', 'adapters', 'config'])
    cpSync(join(ROOT, 'dist', part), join(into, part), { recursive: true });
  const description = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { name, license, type } = description;
  writeFileSync(join(into, 'package.json'), `${JSON.stringify({ name, version, license, type }, null, 2)}\n`);
  mkdirSync(join(into, 'bin'), { recursive: true });
  cpSync(join(ROOT, 'systemd/with-notify-socket.sh'), join(into, 'bin/with-notify-socket'));
  for (const recording of DEMO_RECORDINGS) {
    const place = join('test/fixtures/recordings', recording);
    mkdirSync(dirname(join(into, place)), { recursive: true });
    cpSync(join(ROOT, place), join(into, place));
  }
  copyPackages(join(ROOT, 'node_modules'), productionPackages(), join(into, 'node_modules'), `linux-${node}`);
}

/** Folders of the packages that the program needs at run time, by package-lock.json. */
function productionPackages(): readonly string[] {
  const lock: { packages: Record<string, { dev?: boolean; devOptional?: boolean }> } = JSON.parse(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  return Object.entries(lock.packages)
    .filter(([place, { dev, devOptional }]) => place !== '' && dev !== true && devOptional !== true)
    .map(([place]) => join(ROOT, place))
    .filter((path) => existsSync(path));
}

/** Loads every npm package that the program names, from where it is laid: what was left out and is needed shows here. Answers how many. */
export function loadAll(program: string): number {
  const names = new Set<string>();
  for (const file of globSync('{src,adapters,config}/**/*.js', { cwd: program })) {
    const text = readFileSync(join(program, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](@?[a-z][\w./-]*)['"]/g)) {
      names.add(name);
    }
  }
  const script = [...names].map((name) => `await import(${JSON.stringify(name)});`).join('\n');
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: program,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return names.size;
}
