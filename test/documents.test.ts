/** What the documents point to is there: links, headings, files, scripts, tests. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import t from 'tap';

const ROOT = join(import.meta.dirname, '..');
const documents = globSync('**/*.md', { cwd: ROOT, exclude: (name) => /^(node_modules|dist|fixtures)$/.test(name) })
  .concat(globSync('.ci/*.md', { cwd: ROOT }))
  .sort();
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const { scripts } = JSON.parse(text('package.json')) as { scripts: Readonly<Record<string, string>> };
/** A path of the project, as it stands in a document: from the root, from beside the document, or below the folder that it tells of. */
const FOLDERS = ['src', 'adapters', 'config', 'test', 'systemd', 'bench', '.ci', '.github'];
const SUFFIX = /\.(?:ts|js|md|sql|toml|csv|json|yml|sh|service|jsonl\.gz|db\.gz)$/;
/** Of a machine that it runs on, of the PBX, or made by a command. */
const ELSEWHERE =
  /^(?:[~/$]|users\.csv$|(?:trial\/)?logcalld\.toml$|logcalld\.service$|.*\.example\.com|[A-Z]\w*\.csv$|dist\/)|[*<>{}\s]|NAME|\bX\b|NNNN|-N\b/;

/** `schema.ts` of the folder `a/`, or of any below it: lists name files by their last parts. */
const known = globSync('**/*', { cwd: ROOT, exclude: (name) => /^(node_modules|dist|\.git|\.tap)$/.test(name) }).concat(
  globSync('{.ci,.github}/**/*', { cwd: ROOT }),
);
const ends = new Set(known.flatMap((path) => path.split('/').map((_, at, all) => all.slice(at).join('/'))));

/** GitHub's name of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (path: string): ReadonlySet<string> =>
  new Set([...text(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading)));

interface Pointer {
  readonly from: string;
  readonly to: string;
}

/** Prose alone: what stands in blocks is typed by users, on their machine. */
const prose = (path: string): string => text(path).replace(/^(?: {4}|```[\s\S]*?^```).*$/gm, '');

/** Why it points to nothing; `null`: it does not. */
function broken({ from, to }: Pointer): string | null {
  if (/^[a-z]+:/.test(to)) return null;
  const [file = '', heading] = to.split('#');
  const path = file === '' ? from : relative(ROOT, join(ROOT, dirname(from), file));
  if (!existsSync(join(ROOT, path))) return `${from}: ${to} is not there`;
  return heading === undefined || anchorsOf(path).has(heading) ? null : `${from}: ${path} has no heading #${heading}`;
}

function lost(from: string, path: string): string | null {
  const plain = path.replace(/\/$/, '');
  if (ELSEWHERE.test(path) || ends.has(plain) || existsSync(join(ROOT, dirname(from), plain))) return null;
  return `${from}: \`${path}\` is not there`;
}

/** What is named in `backquotes` and is a file or folder of this project. */
function pathsOf(document: string): string[] {
  return [...prose(document).matchAll(/`([^`\n]+)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => SUFFIX.test(path) || FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
}

t.test('links', async (t) => {
  const links = documents.flatMap((from) =>
    [...text(from).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => ({ from, to })),
  );
  t.ok(links.length > 10);
  t.same(
    links.flatMap((link) => broken(link) ?? []),
    [],
  );
});

t.test('files and folders', async (t) => {
  const named = documents
    .filter((path) => path !== 'CHANGELOG.md')
    .flatMap((from) => pathsOf(from).map((path) => ({ from, path })));
  t.ok(named.length > 100);
  t.same(
    named.flatMap(({ from, path }) => lost(from, path) ?? []),
    [],
  );
});

t.test('each pair of CONTRIBUTING names a test', async (t) => {
  const rows = text('CONTRIBUTING.md')
    .split('\n')
    .filter((line) => /^\| (?!DO |---)/.test(line));
  t.ok(rows.length >= 15);
  for (const row of rows) t.match(row, /`test\/[\w/-]+(?:\.test)?\.ts`[^|]*\|$/, row);
});

t.test('scripts of package.json', async (t) => {
  const own = new Set([...Object.keys(scripts), 'start', 'test', 'ci']);
  const wrong = [
    ...documents.filter((path) => path !== 'CHANGELOG.md'),
    '.ci/run',
    ...globSync('.github/**/*.yml', { cwd: ROOT }),
  ].flatMap((from) =>
    [...text(from).matchAll(/\bnpm run (?:-\S+ )*([\w:]+)/g)]
      .filter(([, name = '']) => !own.has(name))
      .map(([whole]) => `${from}: ${whole}`),
  );
  t.same(wrong, []);
});

t.test('it can fail', async (t) => {
  t.match(broken({ from: 'README.md', to: 'src/nowhere.md' }), /is not there/);
  t.match(broken({ from: 'README.md', to: 'src/README.md#nothing' }), /no heading/);
  t.match(lost('README.md', 'src/call/nothing.ts'), /is not there/);
  t.equal(lost('README.md', 'src/call/judge.ts'), null);
});
