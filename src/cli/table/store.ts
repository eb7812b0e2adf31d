/** The database as a whole. */
import type { CommandSpec } from '../command.ts';
import { config } from './options.ts';

export const STORE = [
  {
    name: 'backup',
    summary: 'write the whole database into one file, beside a running daemon or without one',
    arguments: 'FILE',
    options: [config, { name: 'force', help: 'replace FILE if it is there' }],
    details: 'FILE appears when all of it is written and checked. It is readable by its owner only.',
  },
  {
    name: 'restore',
    summary: 'put a backup in the place of the database, which is kept aside',
    arguments: 'FILE',
    options: [config],
    details:
      'The daemon must be stopped.\nCalls that may have been posted since are looked for in LeadSquared before they are posted.',
  },
  {
    name: 'salvage',
    summary: 'take over the calls of a database that was put aside as damaged',
    arguments: 'FILE',
    options: [config, { name: 'dry-run', help: 'tell how many there are, and store nothing' }],
    details:
      'FILE is <database>.damaged-TIME, with its -wal beside it. Calls that are not stored, and that it\ndoes not say to be settled, are looked for in LeadSquared, and posted where they are not there.',
  },
  {
    name: 'erase',
    summary: 'take a telephone number out of all that is stored',
    options: [
      config,
      {
        name: 'number',
        value: 'NUMBER',
        help: "e.g. '+919845012345', or as it is dialled in the country of the PBX",
      },
      { name: 'dry-run', help: 'tell what would be erased and change nothing' },
    ],
    details:
      '--number is needed. Calls with the number go with their deliveries; in the journal its digits become\nzeros. The daemon must be running. LeadSquared and the PBX keep what they have.',
  },
] as const satisfies readonly CommandSpec[];
