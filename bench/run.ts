/**
 * Runs the benchmarks: `npm run bench` all of them, `npm run bench -- ami journal` those. Each is a file of this folder
 * that exports `run`, and prints its own table.
 */
import { readdirSync } from 'node:fs';

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}. Try: npm run bench -- ${names.join(' ')}`);
  process.exitCode = 2;
} else {
  for (const name of wanted.length > 0 ? wanted : names) {
    const bench: { readonly run?: () => unknown } = await import(`./${name}.ts`);
    // Some files are only parts of others.
    if (typeof bench.run !== 'function') continue;
    console.log(`\n== ${name}`);
    await bench.run();
  }
}
