/** The folder DEBIAN of a package, and how much room files take. */
import { createHash } from 'node:crypto';
import { chmodSync, globSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './program.ts';
import { debianVersion } from './rest.ts';

/** What a file, or all below a folder, takes when each file is rounded up to whole KB: as dpkg counts it. */
export function kilobytes(path: string): number {
  const { size } = lstatSync(path);
  if (!lstatSync(path).isDirectory()) return Math.ceil(size / 1024);
  return readdirSync(path).reduce((sum, name) => sum + kilobytes(join(path, name)), 1);
}

/** Writes control, scripts, conffiles and md5sums. */
export function layFilesOfControl(stage: string, control: string, version: string): void {
  const debian = join(stage, 'DEBIAN');
  chmodSync(debian, 0o755);
  writeFileSync(join(debian, 'control'), control);
  const schema = globSync('adapters/sqlite/migrations/*.sql', { cwd: ROOT }).length;
  for (const name of ['preinst', 'postinst', 'prerm', 'postrm']) {
    const text = readFileSync(join(ROOT, 'systemd/package/debian', name), 'utf8');
    writeFileSync(
      join(debian, name),
      text.replaceAll('@VERSION@', debianVersion(version)).replaceAll('@SCHEMA@', String(schema)),
    );
    chmodSync(join(debian, name), 0o755);
  }
  const files = readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => relative(stage, join(one.parentPath, one.name)))
    .filter((name) => !name.startsWith('DEBIAN/'))
    .sort();
  const conffiles = files.filter((name) => name.startsWith('etc/'));
  writeFileSync(join(debian, 'conffiles'), conffiles.map((name) => `/${name}\n`).join(''));
  const sums = files
    .filter((name) => !conffiles.includes(name))
    .map(
      (name) =>
        `${createHash('md5')
          .update(readFileSync(join(stage, name)))
          .digest('hex')}  ${name}\n`,
    );
  writeFileSync(join(debian, 'md5sums'), sums.join(''));
  for (const name of ['control', 'conffiles', 'md5sums']) chmodSync(join(debian, name), 0o644);
}
