/** The program as it is installed: compiled, so that no figure holds what Node takes to strip types. Built once in a run. */
import { execFileSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT, scratch } from './process.ts';

/** The launcher that another process of the run has built. */
export const BUILT_VARIABLE = 'LOGCALLD_BENCH_BUILT';
let launcher: string | null = process.env[BUILT_VARIABLE] ?? null;

/** Path of the launcher, `logcalld.js`, of the built program. */
export function built(): string {
  launcher ??= build();
  return launcher;
}

function build(): string {
  const folder = scratch();
  const compiler = join(PROJECT, 'node_modules', '.bin', 'tsc');
  execFileSync(compiler, ['-p', 'tsconfig.build.json', '--outDir', folder], { cwd: PROJECT, stdio: ['ignore', 2, 2] });
  cpSync(join(PROJECT, 'src', 'logcalld.js'), join(folder, 'src', 'logcalld.js'));
  for (const place of ['adapters/sqlite/migrations', 'src/page/assets'])
    cpSync(join(PROJECT, place), join(folder, place), { recursive: true });
  cpSync(join(PROJECT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  return join(folder, 'src', 'logcalld.js');
}
