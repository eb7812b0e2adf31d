import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill } from '../template.ts';

const TEMPLATE = join(import.meta.dirname, 'freeswitch.xml');

/** Everything FreeSWITCH writes stays below one folder, so that runs never meet. Option of the command line, folder. */
const FOLDERS: readonly (readonly [option: string, folder: string])[] = [
  ['-conf', 'etc'],
  ['-log', 'log'],
  ['-run', 'run'],
  ['-db', 'db'],
  ['-temp', 'tmp'],
  ['-certs', 'certs'],
  ['-recordings', 'recordings'],
  ['-storage', 'storage'],
  ['-cache', 'cache'],
];

/** The configuration as FreeSWITCH reads it. */
export async function configText(settings: Readonly<Record<string, string>>): Promise<string> {
  const escaped = Object.entries(settings).map(([name, text]) => [name, text.replace(/[&<>"]/g, entity)]);
  return fill('freeswitch.xml', await readFile(TEMPLATE, 'utf8'), Object.fromEntries(escaped));
}

function entity(character: string): string {
  return `&#${character.charCodeAt(0)};`;
}

/** The modules a configuration loads. */
export function modulesOf(config: string): readonly string[] {
  return [...config.matchAll(/<load module="(\w+)"\/>/g)].flatMap(([, name]) => name ?? []);
}

/** Makes the folders and writes the configuration; returns the command line without the program. */
export async function writeHome(home: string, config: string): Promise<readonly string[]> {
  for (const folder of [...FOLDERS.map(([, name]) => name), 'cdr'])
    await mkdir(join(home, folder), { recursive: true });
  await writeFile(join(home, 'etc', 'freeswitch.xml'), config, { mode: 0o600 });
  // No console and no fork: one process that is ours to end. No search for a router that would map ports.
  return ['-nf', '-nc', '-nonat', ...FOLDERS.flatMap(([option, folder]) => [option, join(home, folder)])];
}
