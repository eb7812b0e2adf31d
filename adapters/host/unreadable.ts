/** A file that an operator named and that cannot be read. */

/** One sentence that names it and the remedy. `wanted`: what it should have been, e.g. `a capture file`. */
export function unreadable(path: string, error: unknown, wanted: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `${path}: does not exist: name ${wanted}.`;
    case 'EACCES':
    case 'EPERM':
      return `${path}: this user may not read it: use sudo, or read a copy.`;
    case 'EISDIR':
      return `${path}: is a folder: name ${wanted}.`;
    default:
      return `${path}: cannot be read (${code === '' ? String(error) : code}): is its disk well?`;
  }
}
