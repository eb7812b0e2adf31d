/**
 * Builds the Debian package: `npm run package [-- --arch arm64] [--version V] [--out FOLDER] [--fast]`.
 *
 * It holds the program with a Node of its own and needs nothing of the machine but its C and C++ libraries and systemd. Prints where
 * it is and how large; fails where it is larger than it may be. `--version`: in place of that of package.json. `--fast`: packed
 * less, for tests. Needs dpkg-deb, strip (binutils) and npm; for the other architecture the network.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wordsOf } from '../../test/support/words.ts';
import { kilobytes, layFilesOfControl } from './metadata.ts';
import { type Architecture, architectureOf, installNode } from './node.ts';
import { layProgram, loadAll, ROOT } from './program.ts';
import { control, debianVersion, layRest } from './rest.ts';

/** Installed, with its Node and without, MB. */
const MOST_MB = 180;
const MOST_WITHOUT_NODE_MB = 60;

const { values: options } = wordsOf({
  options: {
    arch: { type: 'string' },
    version: { type: 'string' },
    out: { type: 'string', default: join(ROOT, 'dist') },
    fast: { type: 'boolean', default: false },
  },
});
const architecture: Architecture = architectureOf(options.arch ?? process.arch);
const { version: own }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const version = options.version ?? own;

const stage = mkdtempSync(join(tmpdir(), 'logcalld-package-'));
try {
  chmodSync(stage, 0o755);
  const program = join(stage, 'usr/lib/logcalld/program');
  layProgram(program, version, architecture);
  const packages = loadAll(program);
  const without = kilobytes(stage);
  const stripped = installNode(program, architecture);
  layRest(stage, { version, architecture });
  const installed = kilobytes(stage);
  mkdirSync(join(stage, 'DEBIAN'));
  layFilesOfControl(stage, control({ version, architecture, program, installed }), version);
  mkdirSync(options.out, { recursive: true });
  const file = join(options.out, `logcalld_${debianVersion(version)}_${architecture.debian}.deb`);
  const packing = options.fast ? ['-Zzstd', '-z1'] : ['-Zxz'];
  execFileSync('dpkg-deb', ['--root-owner-group', ...packing, '--build', stage, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: commitTime() },
  });
  const mb = (kb: number): string => `${(kb / 1024).toFixed(1)} MB`;
  console.log(`${file}: ${mb(kilobytes(file))}`);
  console.log(
    `installed ${mb(installed)} (at most ${MOST_MB} MB), without Node ${mb(without)} (at most ${MOST_WITHOUT_NODE_MB} MB), ${packages} npm packages${stripped ? '' : `; Node is not stripped: there is no ${architecture.strip}`}`,
  );
  if (installed > MOST_MB * 1024 || without > MOST_WITHOUT_NODE_MB * 1024) {
    throw new Error('the package is too large: see prune.ts for what is left out');
  }
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** Of the last commit, s since the epoch: the same sources make the same package. */
function commitTime(): string {
  try {
    return execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return String(Math.floor(Date.now() / 1000));
  }
}
