/** Set-up and the daemon itself. */
import type { CommandSpec } from '../command.ts';
import { config } from './options.ts';

export const SETUP = [
  {
    name: 'demo',
    summary: 'show it at work: recorded calls and a stand-in LeadSquared',
  },
  {
    name: 'run',
    summary: 'run the daemon in the foreground, as systemd does',
    options: [config],
    details:
      'Ctrl-C or SIGTERM lets posts under way finish; a second one ends it at once.\nSIGHUP tries LeadSquared again, as "logcalld reload" does.',
  },
  {
    name: 'check-config',
    summary: 'check the config, and reach the PBXs and LeadSquared',
    options: [
      config,
      { name: 'offline', help: 'check the files only' },
      { name: 'all', help: 'name every phone and trunk, not the first few' },
    ],
    details:
      'Run by root beside an installed service, it looks as the user of the service does, with the secrets that systemd hands to it.\nEnds with 78 when the daemon would not start, with 1 when something else is wrong or cannot be reached.',
  },
] as const satisfies readonly CommandSpec[];
