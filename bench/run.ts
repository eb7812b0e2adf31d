/**
 * Runs the benches: `npm run bench` all of them, `npm run bench -- whole-path limiter` those. Each is a file of `parts/` or
 * `whole/` that exports `run`.
 *
 *   --json   one JSON object for each figure on standard output, and nothing else
 *   --short  all of them in less than three minutes: fewer events, shorter waits
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HEADINGS, judged, type Options, type Run, shown } from './support/report.ts';

/** In this order: the whole program first. */
const FOLDERS = ['whole', 'parts'];

const files = new Map(
  FOLDERS.flatMap((folder) =>
    readdirSync(join(import.meta.dirname, folder))
      .filter((file) => file.endsWith('.ts'))
      .sort()
      .map((file) => [file.slice(0, -'.ts'.length), `./${folder}/${file}`] as const),
  ),
);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
});

const options: Options = {
  short: values.short,
  print: (text) => void (values.json || console.log(text)),
  table: (rows) => void (values.json || console.table(rows)),
};

async function runOne(name: string, path: string): Promise<number> {
  options.print(`\n== ${name}`);
  const { run }: { readonly run: Run } = await import(path);
  const lines = await run(options);
  options.print(HEADINGS);
  for (const line of lines) {
    const one = judged(name, line);
    if (values.json) console.log(JSON.stringify(one));
    else console.log(shown(one, line.note));
  }
  return lines.filter((line) => !judged(name, line).kept).length;
}

const unknown = positionals.filter((name) => !files.has(name));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}. Try: npm run bench -- ${[...files.keys()].join(' ')}`);
  process.exitCode = 2;
} else {
  let missed = 0;
  const began = performance.now();
  for (const [name, path] of files) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    try {
      missed += await runOne(name, path);
    } catch (error) {
      // The others are worth having all the same.
      console.error(`bench: ${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
      process.exitCode = 1;
    }
  }
  options.print(
    `\n${missed === 0 ? 'All bars are kept' : `${missed} bars are missed`}, ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  process.exit();
}
