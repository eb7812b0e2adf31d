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
      { name: 'probe', help: 'place a channel that rings nobody, to prove that calls are heard' },
    ],
    details: 'Ends with 78 when the config is wrong, with 1 when something cannot be reached.',
  },
] as const satisfies readonly CommandSpec[];
