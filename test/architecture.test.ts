/** Keeps the shape of the project: who may import whom, and what the core must not touch. See src/README.md. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '..');

interface Import {
  readonly from: string;
  /** Path from the root for our own files, else the name as written. */
  readonly target: string;
  readonly own: boolean;
  /** Leaves nothing at run time. */
  readonly typeOnly: boolean;
}

interface Source {
  readonly path: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  /** Without comments and strings. */
  readonly bare: string;
  readonly imports: readonly Import[];
}

const token =
  /(?<comment>\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*)|(?<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`)/g;

function read(path: string, text: string): Source {
  const code = text.replace(token, (whole: string, comment?: string) => (comment === undefined ? whole : ' '));
  const bare = code.replace(token, "''");
  return { path, text, code, bare, imports: importsOf(path, code) };
}

function importsOf(path: string, code: string): Import[] {
  const found: Import[] = [];
  const add = (from: string, typeOnly: boolean): void => {
    const own = from.startsWith('.');
    found.push({ from, own, typeOnly, target: own ? relative(root, resolve(root, dirname(path), from)) : from });
  };
  for (const [, kind, names = '', from = ''] of code.matchAll(
    /^\s*(import|export)\s+([^'";]*?)\s*from\s*['"]([^'"]+)['"]/gm,
  )) {
    const inBraces = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1];
    const allTypes =
      inBraces?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')) ?? false;
    add(from, /^type\s/.test(names) || (kind === 'import' && allTypes));
  }
  for (const [, from = ''] of code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)) add(from, false);
  for (const [, from = ''] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)) add(from, false);
  return found;
}

function filesBelow(folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|js)$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .sort();
}

const load = (path: string): Source => read(path, readFileSync(join(root, path), 'utf8'));
const program = ['src', 'adapters', 'config'].flatMap(filesBelow).map(load);
const everything = [...program, ...['systemd', 'test', 'bench'].flatMap(filesBelow).map(load)];

/** Files that join the parts, and may therefore name all of them and the machine. */
const joins = (path: string): boolean => /^src\/(main\.ts|logcalld\.js|daemon\/|commands\/|page\/)/.test(path);
const below =
  (...folders: readonly string[]) =>
  (target: string) =>
    folders.some((folder) => target === folder || target.startsWith(`${folder}/`));

/** Servers that stand in for a PBX or the CRM, for trials and tests. */
const standIn = (path: string): boolean => /^adapters\/([^/]+\/player|leadsquared\/sandbox)\//.test(path);
const showsStandIns = below('src/commands/demo.ts', 'src/commands/sandbox.ts');

/** Why this import is not allowed; `null` when it is. */
function complaint(path: string, it: Import): string | null {
  const may = (allowed: boolean, rule: string): string | null =>
    allowed ? null : `${path} imports ${it.target}: ${rule}`;
  if (standIn(it.target) && !standIn(path) && !showsStandIns(path))
    return may(false, 'only the commands that show stand-ins start them');
  if (below('src/daemon')(path)) return may(!below('src/commands')(it.target), 'the daemon knows no command');
  if (below('src/page')(path)) {
    const known = !it.own || it.typeOnly || below('src', 'config', 'adapters/control')(it.target);
    return may(known, 'the page knows the daemon by its control socket alone');
  }
  if (joins(path)) return null;
  if (below('src/telephony')(path)) {
    return may(
      below('src/telephony', 'libphonenumber-js')(it.target),
      'src/telephony stands alone, with the number metadata',
    );
  }
  if (below('src/call')(path))
    return may(it.own && below('src/call', 'src/telephony')(it.target), 'src/call knows telephony only');
  if (below('src/delivery')(path)) {
    const ports = [
      ...['src/permits', 'src/telephony', 'src/call/record.ts', 'src/ports.ts', 'src/condition.ts'],
      'src/events.ts',
    ];
    return may(
      it.own && below('src/delivery', ...ports)(it.target),
      'src/delivery knows permits, telephony, call records and ports only',
    );
  }
  if (below('src/permits')(path)) {
    const known = below('src/permits', 'src/ports.ts', 'src/condition.ts')(it.target);
    return may(it.own && known, 'src/permits knows the ports only');
  }
  if (below('src/records')(path)) {
    const known = below('src/records', 'src/call', 'src/telephony', 'src/ports.ts', 'src/condition.ts')(it.target);
    return may(it.own && known, 'src/records knows calls, telephony and the ports only');
  }
  if (below('src/link')(path)) return may(it.own && below('src/link')(it.target), 'src/link stands alone');
  if (below('src/capture')(path)) {
    const known = it.target === 'node:zlib' || (it.own && below('src/capture', 'src/telephony')(it.target));
    return may(known, 'src/capture knows telephony and node:zlib only');
  }
  if (below('src/cli')(path)) {
    return may(
      it.target === 'node:util' || (it.own && below('src', 'config')(it.target)),
      'src/cli knows src, config and node:util',
    );
  }
  if (below('src')(path)) return may(it.own && below('src')(it.target), 'the core knows nothing outside of src');
  if (below('config')(path)) return may(!below('adapters', 'test')(it.target), 'config knows no adapter');
  if (path === 'adapters/index.ts')
    return may(!it.own || it.typeOnly || below('adapters')(it.target), 'the table names adapters only');
  const adapter = path.split('/').slice(0, 2).join('/');
  const ports = [
    'src/ports.ts',
    'src/secret.ts',
    'src/link',
    'src/permits/port.ts',
    'src/records/port.ts',
    'src/delivery/crm.ts',
    'src/delivery/states.ts',
    'src/metrics/pages.ts',
  ];
  const known = below(adapter, 'src/telephony', 'src/capture', ...ports)(it.target);
  return may(
    !it.own || known || (it.typeOnly && below('src', 'adapters')(it.target)),
    'an adapter knows itself and the ports',
  );
}

/** A line that is written into the log, and not told as an event of the list. */
const writesLog = /\blog\s*\??\.\s*write\(|\.write\(\s*'(?:error|warn|notice|info|debug)'/;

/** What the core must be given instead of taking it. */
const taken =
  /\b(Date\.now|new Date\(\)|Math\.random|set(?:Timeout|Interval|Immediate)\s*\(|process\.|performance\.now|crypto\.random\w+)/;

const MOST_FILES = 15;

/** Folders with more files side by side than one can survey. */
function crowded(paths: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts].flatMap(([folder, count]) => (count > MOST_FILES ? [`${folder}: ${count} files`] : []));
}

/** Circles of imports that exist at run time. */
function cycles(sources: readonly Source[]): string[] {
  const next = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((it) => it.own && !it.typeOnly).map(({ target }) => target),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    for (const target of next.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) walk(path, []);
  return found;
}

t.test('everything is found', async (t) => {
  t.ok(program.length > 50);
  t.ok(program.some(({ path, imports }) => path === 'src/call/correlate.ts' && imports.length > 3));
});

t.test('imports keep to the layers', async (t) => {
  t.same(
    program.flatMap(({ path, imports }) => imports.flatMap((it) => complaint(path, it) ?? [])),
    [],
  );
});

t.test('imports name files that exist, with their suffix', async (t) => {
  const missing = everything.flatMap(({ path, imports }) =>
    imports
      .filter(
        ({ own, target }) =>
          own && path !== 'src/logcalld.js' && path !== 'test/architecture.test.ts' && !existsSync(join(root, target)),
      )
      .map(({ from }) => `${path}: ${from}`),
  );
  t.same(missing, []);
});

t.test('no circles', async (t) => {
  t.same(cycles(program), []);
});

t.test('no default exports', async (t) => {
  const found = everything.filter(
    ({ path, bare }) => /(?<!\.d)\.ts$/.test(path) && /\bexport\s+default\b|\bas\s+default\b/.test(bare),
  );
  t.same(
    found.map(({ path }) => path),
    [],
  );
});

t.test('the core takes neither time nor chance nor the process from the machine', async (t) => {
  const core = program.filter(({ path }) => below('src')(path) && !joins(path) && !below('src/cli')(path));
  t.same(
    core.flatMap(({ path, bare }) => (taken.test(bare) ? [`${path}: ${taken.exec(bare)?.[0]}`] : [])),
    [],
  );
});

t.test('the environment is read where the parts are joined, and nowhere else', async (t) => {
  const found = program.filter(({ path, bare }) => !joins(path) && /\bprocess\.env\b/.test(bare));
  t.same(
    found.map(({ path }) => path),
    [],
  );
});

t.test('what is written into the log is an event of the one list', async (t) => {
  const writers = program.filter(({ path, code }) => below('src')(path) && writesLog.test(code));
  t.same(
    writers.map(({ path }) => path),
    ['src/events.ts'],
  );
});

t.test('files stay small', async (t) => {
  const long = program
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > 300);
  t.same(long, []);
});

t.test('folders stay small', async (t) => {
  t.same(crowded(program.map(({ path }) => path)), []);
});

t.test('nothing is left for later', async (t) => {
  const mark = new RegExp(`\\b(${['TO', 'FIX'].map((half, n) => half + ['DO', 'ME'][n]).join('|')})\\b`);
  t.same(
    everything.filter(({ text }) => mark.test(text)).map(({ path }) => path),
    [],
  );
});

t.test('the rules themselves: what is wrong is found', async (t) => {
  const wrong = (path: string, code: string) =>
    read(path, code)
      .imports.map((it) => complaint(path, it))
      .filter((it) => it !== null).length;
  t.equal(wrong('src/telephony/a.ts', "import { z } from 'node:fs';"), 1);
  t.equal(wrong('src/telephony/a.ts', "import { b } from './b.ts';"), 0);
  t.equal(wrong('src/call/a.ts', "import type { Clock } from '../ports.ts';"), 1);
  t.equal(wrong('src/delivery/a.ts', "import { x } from '../call/correlate.ts';"), 1);
  t.equal(wrong('src/delivery/a.ts', "import 'node:timers';"), 1);
  t.equal(wrong('src/delivery/a.ts', "import { x } from '../permits/port.ts';"), 0);
  t.equal(wrong('src/permits/a.ts', "import { x } from '../delivery/crm.ts';"), 1);
  t.equal(wrong('src/link/a.ts', "import type { Clock } from '../ports.ts';"), 1);
  t.equal(wrong('src/capture/a.ts', "import { gunzipSync } from 'node:zlib';"), 0);
  t.equal(wrong('src/capture/a.ts', "import { readFileSync } from 'node:fs';"), 1);
  t.equal(wrong('src/pipeline.ts', "import { x } from '../adapters/index.ts';"), 1);
  t.equal(wrong('src/daemon/a.ts', "import { x } from '../commands/b.ts';"), 1);
  t.equal(wrong('src/daemon/a.ts', "import { x } from '../../adapters/index.ts';"), 0);
  t.equal(wrong('src/commands/a.ts', "import { x } from '../../adapters/a/player/b.ts';"), 1);
  t.equal(wrong('src/commands/demo.ts', "import { x } from '../../adapters/a/player/b.ts';"), 0);
  t.equal(wrong('src/main.ts', "import type { X } from '../adapters/leadsquared/sandbox/b.ts';"), 1);
  t.equal(wrong('adapters/a/b.ts', "import { x } from './player/c.ts';"), 1);
  t.equal(wrong('adapters/a/player/b.ts', "import { x } from './c.ts';"), 0);
  t.equal(wrong('adapters/a/player/b.ts', "import { x } from '../link/c.ts';"), 0);
  t.equal(wrong('src/main.ts', "import { x } from '../adapters/index.ts';"), 0);
  t.equal(wrong('adapters/a/x.ts', "import { y } from '../b/y.ts';"), 1);
  t.equal(wrong('adapters/a/x.ts', "import { y } from '../../src/link/retry.ts';"), 0);
  t.equal(wrong('adapters/a/x.ts', "import { y } from '../../src/capture/file.ts';"), 0);
  t.equal(wrong('adapters/a/x.ts', "import type { Y } from '../b/y.ts';"), 0);
  t.equal(wrong('adapters/a/x.ts', "import {\n  type Y,\n  y,\n} from '../b/y.ts';"), 1);
  t.equal(wrong('adapters/a/x.ts', "const y = await import('../b/y.ts');"), 1);
  t.equal(wrong('adapters/a/x.ts', "export { y } from '../b/y.ts';"), 1);
  t.equal(wrong('adapters/a/x.ts', "// import { y } from '../b/y.ts';"), 0);
  t.equal(wrong('config/a.ts', "import { y } from '../adapters/b/y.ts';"), 1);
  t.ok(taken.test(read('src/a.ts', 'const t = Date.now();').bare));
  t.ok(writesLog.test("parts.log.write('warn', 'x', text)"));
  t.ok(writesLog.test("to.write(\n  'warn', 'x', text)"));
  t.notOk(writesLog.test('stream.write(text)'));
  t.notOk(taken.test(read('src/a.ts', "/* Date.now */ const t = 'Date.now';").bare));
  const files = Array.from({ length: 16 }, (_, n) => `src/a/${n}.ts`);
  t.same(crowded(files), ['src/a: 16 files']);
  t.same(crowded([...files.slice(1), 'src/a/b/c.ts', 'src/c.ts']), []);
  const circle = [read('src/a.ts', "import { b } from './b.ts';"), read('src/b.ts', "import { a } from './a.ts';")];
  t.same(cycles(circle), ['src/a.ts -> src/b.ts -> src/a.ts']);
  t.same(
    cycles([read('src/a.ts', "import type { B } from './b.ts';"), read('src/b.ts', "import { a } from './a.ts';")]),
    [],
  );
});
