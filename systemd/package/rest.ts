/** Everything of the Debian package beside the program: its places in the system, and what dpkg is told of it. */
import {
  chmodSync,
  cpSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { made } from './manual/made.ts';
import type { Architecture } from './node.ts';
import { ROOT } from './program.ts';

/** What the C++ library must have, and the Debian version of it that first has; checked against the binaries. */
const CXX = { symbols: '3.4.29', version: '11' };

interface Parts {
  readonly version: string;
  readonly architecture: Architecture;
}

/** A pre-release comes before its release: `1.0.0-rc.1` is `1.0.0~rc.1` to dpkg. */
export const debianVersion = (version: string): string => version.replace('-', '~');

/** Command, unit, user, config, documentation. Modes are those of the files; all of it belongs to root. */
export function layRest(stage: string, { version }: Parts): void {
  const put = (from: string, to: string, mode = 0o644): void => {
    mkdirSync(dirname(join(stage, to)), { recursive: true });
    cpSync(join(ROOT, from), join(stage, to));
    chmodSync(join(stage, to), mode);
  };
  put('systemd/logcalld.sh', 'usr/bin/logcalld', 0o755);
  put('systemd/logcalld.service', 'usr/lib/systemd/system/logcalld.service');
  put('systemd/logcalld.sysusers', 'usr/lib/sysusers.d/logcalld.conf');
  put('config/logcalld.example.toml', 'etc/logcalld/logcalld.example.toml');
  put('config/users.example.csv', 'etc/logcalld/users.example.csv');
  put('config/prometheus-alerts.yml', 'etc/logcalld/prometheus-alerts.yml');
  mkdirSync(join(stage, 'etc/logcalld/credentials'), { mode: 0o700 });
  chmodSync(join(stage, 'etc/logcalld/credentials'), 0o700);
  const documents = 'usr/share/doc/logcalld';
  put('README.md', `${documents}/README.md`);
  put('systemd/README.md', `${documents}/README.service.md`);
  put('config/wrong-call.md', `${documents}/wrong-call.md`);
  for (const { place, text } of made()) {
    if (place.endsWith('.gz')) compress(join(stage, place), text);
    else {
      mkdirSync(dirname(join(stage, place)), { recursive: true });
      writeFileSync(join(stage, place), text);
    }
  }
  // The paths of the unit and the command are the same as after an installation from source; see postinst for "current".
  for (const part of ['bin', 'src']) symlinkSync(`current/${part}`, join(stage, 'usr/lib/logcalld', part));
  writeFileSync(join(stage, documents, 'copyright'), copyright());
  compress(join(stage, documents, 'changelog.gz'), readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'));
  compress(
    join(stage, documents, 'changelog.Debian.gz'),
    `logcalld (${debianVersion(version)}) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- ${MAINTAINER}  ${new Date(0).toUTCString().replace('GMT', '+0000')}\n`,
  );
  tidy(stage);
}

const MAINTAINER = 'logcalld <logcalld@localhost>';

function compress(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, gzipSync(text, { level: 9 }));
}

/** Modes must not be those of the umask at the build. */
function tidy(stage: string): void {
  for (const name of readdirSync(stage, { recursive: true, encoding: 'utf8' })) {
    const path = join(stage, name);
    const { mode } = lstatSync(path);
    if (lstatSync(path).isSymbolicLink() || name === 'etc/logcalld/credentials') continue;
    chmodSync(path, lstatSync(path).isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}

/** The file `control`. `installed`: KB. */
export function control(of: Parts & { readonly program: string; readonly installed: number }): string {
  const { libc, cxx } = symbolsOf(of.program);
  if (compare(cxx, CXX.symbols) > 0) {
    throw new Error(`a binary needs GLIBCXX_${cxx}: say in rest.ts which libstdc++6 first has it`);
  }
  return [
    'Package: logcalld',
    `Version: ${debianVersion(of.version)}`,
    `Architecture: ${of.architecture.debian}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${of.installed}`,
    `Depends: libc6 (>= ${libc}), libgcc-s1, libstdc++6 (>= ${CXX.version}), systemd (>= 247)`,
    'Section: comm',
    'Priority: optional',
    'Description: logs every call of an Asterisk or FreeSWITCH PBX to LeadSquared',
    ' A daemon beside the PBX. It listens to its call events, ties all legs of a call',
    ' into one session, keeps it in a database and posts it to LeadSquared once.',
    ' .',
    ' It brings its own Node.js. Installing it starts nothing: see logcalld(8).',
    '',
  ].join('\n');
}

/** The newest versions of symbols that any binary of the program asks the C and C++ libraries for. */
function symbolsOf(program: string): { readonly libc: string; readonly cxx: string } {
  const newest = { GLIBC: '0', GLIBCXX: '0' };
  for (const file of globSync('{bin/node,node_modules/**/*.node}', { cwd: program })) {
    const text = readFileSync(join(program, file), 'latin1');
    for (const [, library, version = '0'] of text.matchAll(/\0(GLIBC|GLIBCXX)_(\d+(?:\.\d+)+)(?=\0)/g)) {
      const name = library === 'GLIBC' ? 'GLIBC' : 'GLIBCXX';
      if (compare(version, newest[name]) > 0) newest[name] = version;
    }
  }
  return { libc: newest.GLIBC, cxx: newest.GLIBCXX };
}

const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

function copyright(): string {
  const own = readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim();
  const indented = own.split('\n').map((line) => ` ${line.trim() === '' ? '.' : line}`);
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: logcalld',
    'Comment: The npm packages below /usr/lib/logcalld/program/node_modules and the Node',
    ' in /usr/lib/logcalld/program/bin have licences of their own, beside them.',
    '',
    'Files: *',
    `Copyright: ${/^Copyright \(c\) (.*)$/m.exec(own)?.[1] ?? 'the authors of logcalld'}`,
    'License: Expat',
    ...indented,
    '',
  ].join('\n');
}
