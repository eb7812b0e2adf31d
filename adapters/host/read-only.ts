/** File systems that take no writes: no rights of a user or of a file help there. */
import { readFileSync, realpathSync } from 'node:fs';

/** access(2) says EROFS where the rights would do. */
export const isReadOnly = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EROFS';

/** What is wrong, as a sentence, with what helps. `path`: one that is there. */
export function readOnlyText(path: string): string {
  const at = mountOf(path);
  return `${path} may not be written: the file system at ${at} is mounted read-only. Mount it for writing (after an error of the disk, which dmesg tells, repair it first); in a service also the unit makes it so where its ReadWritePaths does not name it.`;
}

/** Where the file system of `path` is mounted, by proc_pid_mountinfo(5). */
export function mountOf(path: string): string {
  const real = realpathSync(path);
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))),
    );
  const above = points.filter(
    (point) => point !== '' && (real === point || real.startsWith(point === '/' ? '/' : `${point}/`)),
  );
  return above.reduce((longest, point) => (point.length >= longest.length ? point : longest), '/');
}
