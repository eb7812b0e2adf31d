import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill } from '../template.ts';

/** The configuration files by name: those of all layers, filled in. Where two layers have a name, the later one counts. */
export async function configFiles(
  layers: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const templates = new Map<string, string>();
  for (const layer of layers) {
    for (const name of await readdir(layer)) templates.set(name, await readFile(join(layer, name), 'utf8'));
  }
  return new Map([...templates].map(([name, template]) => [name, fill(name, template, settings)]));
}

/** Writes the configuration below `disk` and makes the folders Asterisk expects there. */
export async function writeHome(chroot: string, disk: string, config: ReadonlyMap<string, string>): Promise<void> {
  for (const name of ['etc', 'lib/keys', 'spool', 'run', 'cache', 'moh', 'log/cdr-csv', 'log/cel-custom']) {
    await mkdir(join(disk, name), { recursive: true });
  }
  for (const [name, text] of config) await writeFile(join(disk, 'etc', name), text, { mode: 0o600 });
  // Any prompt will do as music on hold.
  const prompts = join(chroot, 'usr/share/asterisk/sounds/en_US_f_Allison');
  await cp(join(prompts, 'vm-instructions.gsm'), join(disk, 'moh', 'music.gsm'));
}
