/** The Node of the package: that of the npm package for its architecture. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuse } from '../../test/support/words.ts';
import { ROOT } from './program.ts';

export interface Architecture {
  readonly debian: 'amd64' | 'arm64';
  /** As npm and Node call it. */
  readonly node: 'x64' | 'arm64';
  /** The program that takes symbols out of its binaries. */
  readonly strip: string;
}

const ARCHITECTURES: readonly Architecture[] = [
  { debian: 'amd64', node: 'x64', strip: 'x86_64-linux-gnu-strip' },
  { debian: 'arm64', node: 'arm64', strip: 'aarch64-linux-gnu-strip' },
];

/** By either name; another one ends the process with a sentence. */
export function architectureOf(name: string): Architecture {
  const found = ARCHITECTURES.find(({ debian, node }) => name === debian || name === node);
  return found ?? refuse(`--arch is amd64 or arm64, not "${name}".`);
}

/** Puts it into `bin` of the program, with its licence. Answers whether its symbols, a seventh of its size, could be taken out. */
export function installNode(program: string, architecture: Architecture): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-node-'));
  try {
    const from = found(architecture, folder);
    const binary = join(program, 'bin', 'node');
    mkdirSync(join(program, 'bin'), { recursive: true });
    copyFileSync(join(from, 'bin', 'node'), binary);
    copyFileSync(join(from, 'LICENSE'), join(program, 'bin', 'LICENSE.node'));
    chmodSync(binary, 0o755);
    return spawnSync(architecture.strip, ['--strip-all', binary]).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Installed by npm, or fetched in the version, and with the checksum, that package-lock.json has. */
function found({ node }: Architecture, folder: string): string {
  const name = `node-linux-${node}`;
  const installed = join(ROOT, 'node_modules', name);
  if (existsSync(join(installed, 'bin', 'node'))) return installed;
  const lock: { packages: Record<string, { version: string; integrity: string }> } = JSON.parse(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`);
  const packed = execFileSync('npm', ['pack', '--silent', `${name}@${locked.version}`], {
    cwd: folder,
    encoding: 'utf8',
  });
  const archive = join(folder, packed.trim());
  const sum = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (sum !== locked.integrity) throw new Error(`${name}: npm gave another file than package-lock.json says`);
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  return join(folder, 'package');
}
