/** Tools that need no daemon. */
import type { CommandSpec } from '../command.ts';
import { config, json, numbers } from './options.ts';

export const TOOLS = [
  {
    name: 'capture',
    summary: 'write what a PBX sends into a capture file, for a bug report or a test',
    arguments: 'FILE',
    options: [config, { name: 'source', short: 's', value: 'NAME', help: 'which [[source]] (default: the only one)' }],
    details: 'A capture file holds telephone numbers and names as the PBX sends them. Ctrl-C ends it.',
  },
  {
    name: 'inspect',
    summary: "derive the calls from capture files or the PBX's own records, offline",
    arguments: '[FILE...]',
    options: [
      config,
      {
        name: 'source',
        short: 's',
        value: 'NAME',
        help: "whose numbering plan to use (default: the first of the file's kind)",
      },
      { name: 'cdr', value: 'FILE', many: true, help: "the PBX's own call records of the same time; may be repeated" },
      { name: 'cel', value: 'FILE', many: true, help: 'the same for the channel events (CEL) of Asterisk' },
      {
        name: 'explain',
        value: 'ID',
        help: "why this call is what it is; the id of a leg will do, 'all' for each",
      },
      numbers,
      json,
    ],
    details:
      'Runs the very code that the daemon runs and prints one line a call. Needs no daemon, PBX or\n' +
      'secrets, but a config (--config): its [[source]] says how numbers and endpoints are read.\n' +
      'JSON has the telephone numbers whole.\n' +
      'Records complete the calls of a capture in which the link was lost; without a capture all that they\ntell is printed.',
  },
  {
    name: 'sandbox',
    summary: 'run a strict stand-in for LeadSquared on this machine',
    options: [
      { name: 'port', short: 'p', value: 'PORT', help: 'TCP port (default: any free one)' },
      { name: 'ledger', value: 'FILE', help: 'keep what was accepted in this file' },
    ],
    details:
      "Prints its keys, users and addresses.\nIn the config: host = 'http://127.0.0.1:PORT' and insecure = true.",
  },
  {
    name: 'version',
    aliases: ['--version', '-v'],
    summary: 'print the version',
  },
] as const satisfies readonly CommandSpec[];
