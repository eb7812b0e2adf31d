/** `npm run release` in a repository of its own: what it refuses, and what it makes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const ROOT = join(import.meta.dirname, '..');
const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- A thing: \`logcalld thing\`.

### Fixed

- Another one.

## [0.1.0] - 2026-11-22

- The first one.
`;
/** Outside of this one: git looks for a repository above as well. */
const folder = mkdtempSync(join(tmpdir(), 'logcalld-release-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
/** Settings of this user, a signing key for instance, have no say. */
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  GIT_CONFIG_NOSYSTEM: '1',
  ...{ GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' },
  ...{ GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.com' },
};
const git = (...words: readonly string[]): string =>
  execFileSync('git', words, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const put = (name: string, text: string): void => {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
};
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const commit = (): void => {
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', '--message', 'a change');
};

function release(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, '.ci/release.ts'), ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

put('.ci/run', '');
copyFileSync(join(ROOT, '.ci/release.ts'), join(folder, '.ci/release.ts'));
put('.gitignore', 'checked\n.npm\n');
put('CHANGELOG.md', CHANGELOG);
put('package.json', json({ name: 'x', version: '0.1.0', type: 'module', scripts: { check: 'sh check' } }));
put(
  'package-lock.json',
  json({ name: 'x', version: '0.1.0', packages: { '': { version: '0.1.0' }, y: { version: '3' } } }),
);
put('check', 'touch checked\n');
put('adapters/sqlite/migrations/0001-a.sql', '');
put('test/fixtures/databases/schema-1.db.gz', '');
git('init', '--quiet', '--initial-branch', 'main');
commit();
const good = git('rev-parse', 'HEAD');

t.beforeEach(() => {
  git('checkout', '--quiet', '--force', '-B', 'main', good);
  git('clean', '--quiet', '-fdx');
});

/** Refused with this sentence, and nothing is different afterwards. */
function refused(t: Test, sentence: RegExp, ...words: readonly string[]): void {
  const state = () => [git('rev-parse', 'HEAD'), git('tag', '--list'), git('status', '--porcelain')];
  const before = state();
  const { status, stderr } = release(...words);
  t.equal(status, 1);
  t.match(stderr, sentence);
  t.notMatch(stderr, /\n\s+at /, 'no stack');
  t.same(state(), before);
}

t.test('a wrong command line, or version', async (t) => {
  refused(t, /^Write one version/);
  refused(t, /^Write one version/, '1.0.0', '2.0.0');
  refused(t, /--now/, '1.0.0', '--now');
  refused(t, /^"v1" is no version: write 0\.1\.1, 0\.2\.0 or 1\.0\.0/, 'v1');
  refused(t, /^0\.1\.0 is not greater than 0\.1\.0/, '0.1.0');
  refused(t, /^0\.0\.9 is not greater than 0\.1\.0/, '0.0.9');
  git('tag', 'v0.10.0');
  refused(t, /^0\.9\.0 is not greater than 0\.10\.0: write 0\.10\.1/, '0.9.0');
  git('tag', '--delete', 'v0.10.0');
});

t.test('another branch, or none', async (t) => {
  git('checkout', '--quiet', '-b', 'other');
  refused(t, /^This is branch other, and a release is made of main: git switch main/, '0.2.0');
  git('checkout', '--quiet', '--detach');
  refused(t, /^This is no branch/, '0.2.0');
});

t.test('what is not committed', async (t) => {
  put('new', '');
  refused(t, /^Not everything is committed[\s\S]*\?\? new/, '0.2.0');
});

t.test('nothing to tell', async (t) => {
  put('CHANGELOG.md', CHANGELOG.replace(/### Added[\s\S]*one\.\n\n(?=## )/, '### Added\n\n'));
  commit();
  refused(t, /^"Unreleased" in CHANGELOG\.md is empty/, '0.2.0');
  put('CHANGELOG.md', CHANGELOG.replace('## [Unreleased]', '## Unreleased'));
  commit();
  refused(t, /^CHANGELOG\.md has no section/, '0.2.0');
});

t.test('a schema that no later version could be tested with', async (t) => {
  put('adapters/sqlite/migrations/0002-b.sql', '');
  commit();
  refused(t, /schema-2\.db\.gz is missing: run "node test\/fixtures\/databases\/make\.ts"/, '0.2.0');
});

t.test('a check that fails, or that changes something', async (t) => {
  put('check', 'exit 3\n');
  commit();
  refused(t, /^"npm run check" does not pass/, '0.2.0');
  put('check', 'touch new\n');
  commit();
  const { status, stderr } = release('0.2.0');
  t.equal(status, 1);
  t.match(stderr, /^Not everything is committed/);
});

t.test('git refuses the commit: all is as it was', async (t) => {
  put('.git/hooks/pre-commit', '#!/bin/sh\necho not today >&2\nexit 1\n');
  execFileSync('chmod', ['+x', join(folder, '.git/hooks/pre-commit')]);
  refused(t, /^git refused, and all is as it was: not today/, '0.2.0');
  execFileSync('rm', [join(folder, '.git/hooks/pre-commit')]);
});

t.test('a trial changes nothing', async (t) => {
  const { status, stdout } = release('0.2.0', '--dry-run');
  t.equal(status, 0);
  t.match(stdout, /^Would become 0\.2\.0 of \d{4}-\d\d-\d\d, tag v0\.2\.0/);
  t.match(stdout, /- A thing/);
  t.same([git('rev-parse', 'HEAD'), git('tag', '--list'), git('status', '--porcelain')], [good, '', '']);
  t.equal(read('checked'), '', 'it was checked all the same');
});

t.test('a release', async (t) => {
  const { status, stdout, stderr } = release('0.2.0');
  t.same([status, stderr], [0, '']);
  t.match(stdout, /Nothing is pushed yet:\n\n {4}git push --atomic origin main v0\.2\.0\n/);
  t.equal(git('status', '--porcelain'), '');
  t.equal(git('log', '--format=%s', `${good}..HEAD`), 'Release 0.2.0');
  const day = /## \[0\.2\.0\] - (\d{4}-\d\d-\d\d)\n/.exec(read('CHANGELOG.md'))?.[1] ?? '';
  t.equal(read('CHANGELOG.md'), CHANGELOG.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [0.2.0] - ${day}\n`));
  t.match(JSON.parse(read('package.json')), { version: '0.2.0', name: 'x' });
  t.match(JSON.parse(read('package-lock.json')), {
    version: '0.2.0',
    packages: { '': { version: '0.2.0' }, y: { version: '3' } },
  });
  t.equal(git('cat-file', '-t', 'v0.2.0'), 'tag', 'annotated');
  t.match(git('tag', '--list', '--format=%(contents)', 'v0.2.0'), /^logcalld 0\.2\.0\n\n### Added\n\n- A thing/);
  t.equal(git('rev-parse', 'v0.2.0^{commit}'), git('rev-parse', 'HEAD'));
  refused(t, /^"Unreleased" in CHANGELOG\.md is empty/, '0.3.0');
});
