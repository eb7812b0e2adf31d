/** A folder for an installation: its path is short wherever the project lies, as a control socket needs (107 bytes at most). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names with the text of a file, or a folder. */
interface Tree {
  readonly [name: string]: string | Tree;
}

function write(folder: string, tree: Tree): void {
  for (const [name, held] of Object.entries(tree)) {
    const path = join(folder, name);
    if (typeof held === 'string') writeFileSync(path, held);
    else {
      mkdirSync(path);
      write(path, held);
    }
  }
}

/** Holds `tree` (files with their texts, folders); it is gone when the test ends. */
export function shortFolder(test: { teardown(undo: () => void): void }, tree: Tree = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  write(folder, tree);
  return folder;
}
