/** What is made from the command table and the config: man pages and completions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemaKeys } from '../../../config/keys.ts';
import { configSchema } from '../../../config/schema.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { commandsPage } from './commands.ts';
import { bashCompletion, zshCompletion } from './completion.ts';
import { configPage } from './config.ts';

/** Where they are kept. */
export const FOLDER = join(import.meta.dirname, '../made');

export interface Made {
  /** In `FOLDER`. */
  readonly name: string;
  /** In the package, compressed when it is a man page. */
  readonly place: string;
  readonly text: string;
}

export function made(): readonly Made[] {
  const example = readFileSync(join(import.meta.dirname, '../../../config/logcalld.example.toml'), 'utf8');
  return [
    { name: 'logcalld.8', place: 'usr/share/man/man8/logcalld.8.gz', text: commandsPage(COMMANDS) },
    {
      name: 'logcalld.toml.5',
      place: 'usr/share/man/man5/logcalld.toml.5.gz',
      text: configPage(example, schemaKeys(configSchema)),
    },
    {
      name: 'logcalld.bash',
      place: 'usr/share/bash-completion/completions/logcalld',
      text: bashCompletion(COMMANDS),
    },
    { name: '_logcalld', place: 'usr/share/zsh/vendor-completions/_logcalld', text: zshCompletion(COMMANDS) },
  ];
}
