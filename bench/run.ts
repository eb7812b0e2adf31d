/**
 * Runs the benches: `npm run bench` all of them, `npm run bench -- whole-path limiter` those. Each is a file of `parts/` or
 * `whole/` that exports `run`. One that exports `waits` is idle nearly all of its time, and what it measures bears others: with
 * `--short` it runs beside them.
 *
 *   --json   one JSON object for each figure on standard output, and nothing else
 *   --short  all of them in less than three minutes: fewer events, shorter waits
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../test/support/words.ts';
import { HEADINGS, judged, type Line, type Options, type Run, shown } from './support/report.ts';

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

const { values, positionals } = wordsOf({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
});

const options: Options = {
  short: values.short,
  print: (text) => void (values.json || console.log(text)),
  table: (rows) => void (values.json || console.table(rows)),
};

/** Benches that only wait, begun ahead of their turn. */
const ahead = new Map<string, Promise<readonly Line[]>>();

async function begin(name: string, path: string): Promise<void> {
  const { run, waits = false }: { readonly run: Run; readonly waits?: boolean } = await import(path);
  if (!waits) return;
  const lines = run(options);
  lines.catch(() => {});
  ahead.set(name, lines);
}

async function runOne(name: string, path: string): Promise<number> {
  const { run }: { readonly run: Run } = await import(path);
  options.print(`\n== ${name}`);
  const began = performance.now();
  const lines = await (ahead.get(name) ?? run(options));
  options.print(`${((performance.now() - began) / 1000).toFixed(0)} s`);
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
  const wanted = [...files].filter(([name]) => positionals.length === 0 || positionals.includes(name));
  if (options.short) for (const [name, path] of wanted) await begin(name, path);
  for (const [name, path] of wanted) {
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
