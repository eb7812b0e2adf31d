/**
 * `npm run release -- VERSION [--dry-run]`: makes a release of what stands on `main`. What is in "Unreleased" of CHANGELOG.md becomes
 * that of the version, package.json and package-lock.json get its number, and all of it one commit with an annotated tag. It pushes
 * nothing, and says what to push.
 *
 * Refuses, with one sentence and before anything is changed: another branch, changes that are not committed, a version that is not
 * greater, nothing to tell, a schema of which the upgrade test has no database, and what `npm run check` does not pass.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const BRANCH = 'main';
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;
/** From its heading to the next one. */
const UNRELEASED = /^## \[Unreleased\]\n(?<told>[\s\S]*?)(?=^## |$(?![\s\S]))/m;

/** Why no release is made, with the remedy. */
class Refusal extends Error {}

const git = (...words: readonly string[]): string =>
  execFileSync('git', words, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const parts = (version: string): readonly number[] => version.split('.').map(Number);

function isGreater(version: string, than: string): boolean {
  const [a, b] = [parts(version), parts(than)];
  const differs = a.findIndex((part, at) => part !== b[at]);
  return differs >= 0 && (a[differs] ?? 0) > (b[differs] ?? 0);
}

/** The versions that may follow this one. */
function next(version: string): string {
  const [major = 0, minor = 0, patch = 0] = parts(version);
  return `${major}.${minor}.${patch + 1}, ${major}.${minor + 1}.0 or ${major + 1}.0.0`;
}

function refuseTree(): void {
  const branch = git('branch', '--show-current');
  if (branch !== BRANCH) {
    const where = branch === '' ? 'no branch' : `branch ${branch}`;
    throw new Refusal(`This is ${where}, and a release is made of ${BRANCH}: git switch ${BRANCH}`);
  }
  const changed = git('status', '--porcelain');
  if (changed === '') return;
  throw new Refusal(`Not everything is committed: commit it, or take it back, first.\n${changed}`);
}

function refuseVersion(version: string): void {
  const present = String(JSON.parse(read('package.json')).version);
  if (!VERSION.test(version))
    throw new Refusal(`"${version}" is no version: write ${next(present)}, as npm run release -- 1.2.3`);
  const tagged = git('tag', '--list', 'v*')
    .split('\n')
    .map((tag) => tag.slice(1))
    .filter((tag) => VERSION.test(tag));
  const last = tagged.reduce((most, one) => (isGreater(one, most) ? one : most), present);
  if (!isGreater(version, last)) throw new Refusal(`${version} is not greater than ${last}: write ${next(last)}.`);
}

/** What "Unreleased" holds. */
function unreleased(): string {
  const told = UNRELEASED.exec(read('CHANGELOG.md'))?.groups?.told?.trim();
  if (told === undefined) throw new Refusal('CHANGELOG.md has no section "## [Unreleased]": add it above the others.');
  if (!/^- \S/m.test(told))
    throw new Refusal('"Unreleased" in CHANGELOG.md is empty: write there what users notice of this release.');
  return told;
}

function refuseSchema(): void {
  const schema = readdirSync(join(ROOT, 'adapters/sqlite/migrations')).filter((name) => name.endsWith('.sql')).length;
  const database = `test/fixtures/databases/schema-${schema}.db.gz`;
  if (existsSync(join(ROOT, database))) return;
  throw new Refusal(
    `The upgrade from schema ${schema} cannot be tested later, as ${database} is missing: run "node test/fixtures/databases/make.ts" and commit what it makes.`,
  );
}

function check(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'check'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Refusal('"npm run check" does not pass: see above.');
  refuseTree();
}

/** The files as they are after the release, by name. */
function changes(version: string, day: string): ReadonlyMap<string, string> {
  const changelog = read('CHANGELOG.md').replace('## [Unreleased]\n', `## [Unreleased]\n\n## [${version}] - ${day}\n`);
  const numbered = (name: string, set: (file: Record<string, never>) => void): string => {
    const file = JSON.parse(read(name));
    set(file);
    return `${JSON.stringify(file, null, 2)}\n`;
  };
  return new Map([
    ['CHANGELOG.md', changelog],
    ['package.json', numbered('package.json', (file) => Object.assign(file, { version }))],
    [
      'package-lock.json',
      numbered('package-lock.json', (file) => {
        Object.assign(file, { version });
        Object.assign(file.packages?.[''] ?? {}, { version });
      }),
    ],
  ]);
}

function release(version: string, dry: boolean): void {
  refuseTree();
  refuseVersion(version);
  const told = unreleased();
  refuseSchema();
  check();
  const tag = `v${version}`;
  const day = new Date().toISOString().slice(0, 10);
  const files = changes(version, day);
  if (dry) {
    console.log(`Would become ${version} of ${day}, tag ${tag}: ${[...files.keys()].join(', ')}.\n\n${told}\n`);
    console.log('Nothing was changed (--dry-run).');
    return;
  }
  const before = git('rev-parse', 'HEAD');
  try {
    for (const [name, text] of files) writeFileSync(join(ROOT, name), text);
    git('commit', '--quiet', '--message', `Release ${version}`, '--', ...files.keys());
    // Headings of the text would be taken for comments.
    git('tag', '--annotate', '--cleanup=verbatim', '--message', `logcalld ${version}\n\n${told}\n`, tag);
  } catch (error) {
    // All was committed before, so that nothing else is lost.
    git('reset', '--quiet', '--hard', before);
    const { stderr } = error as { stderr?: string };
    throw new Refusal(`git refused, and all is as it was: ${(stderr || String(error)).trim()}`);
  }
  console.log(`${version} is commit ${git('rev-parse', '--short', 'HEAD')} with tag ${tag}. Nothing is pushed yet:\n`);
  console.log(`    git push --atomic origin ${BRANCH} ${tag}\n`);
}

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { 'dry-run': { type: 'boolean' } } });
  const [version, ...more] = positionals;
  if (version === undefined || more.length > 0) throw new Refusal('Write one version: npm run release -- 1.2.3');
  release(version, values['dry-run'] === true);
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!(error instanceof Refusal) && !code.startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
